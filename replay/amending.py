"""Amending a dead letter: the same business object with some fields mended, under a higher revision, in its place.

`draft` is pure: it sets the fields under the schema that the record was written with, refuses what identity, order and
routing rest on, and holds the result to its contract. `amend` is one transaction: the control record for the owner of
the partition, the new event behind it in `redo.<component>` under the origin of the dead letter, the state of the dead
letter, and the audit row, whose number is the revision. Stored bytes are never altered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from psfabric.codec import Codec, Plain
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.control import Act, Control
from psfabric.engine.deadletter import REDO, THEIRS, bounded, own_headers
from psfabric.errors import Invalid
from psfabric.event import Event, HeaderList, Record
from psfabric.ids import digest
from psfabric.kafka import latest
from psfabric.stored import understood
from replay.acts import ASKED, Operator, new_id
from replay.deadletters import DeadLetter
from replay.errors import Declined, NotThere
from replay.fields import Fields, Setting
from replay.guarded import RECEIPTS, why_guarded
from replay.ledger import Ledger
from replay.operations import Operation
from replay.patch import Change, Show, changes, hashed, patch
from replay.progress import TOPIC as STATES
from replay.reading import scan
from replay.states import State, Stored, read_state
from replay.worth import Worth, of_event
from schemas import rules

_PLACES = re.compile(r"\[[0-9]+\]")
_ANY = 10**20 - 1
"""A number to try an amendment with; the real one is given by the audit trail."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An amendment but for its number. `event` is what the dead letter holds, `plain` its fields with the changes.

    `before` is None when the contract refuses the record as it lies there: then nobody knows what it is worth.
    """

    letter: DeadLetter
    key: bytes | None
    event: Event
    plain: Plain
    changes: tuple[Change, ...]
    before: Worth | None
    after: Worth

    def patch(self, covered: Show) -> list[dict[str, Any]]:
        """As a JSON Patch; personal and confidential values go through `covered`."""
        return patch(self.plain.event, self.changes, covered)


@dataclass(frozen=True, slots=True)
class Amended:
    """What was sent: the id of the new event, its revision, and the id of the row in `fabric.operations`."""

    event: str
    revision: str
    operation: str


def draft(codec: Codec, letter: DeadLetter, record: Record, settings: Sequence[Setting]) -> Draft:
    """Set the fields of a dead letter. `record` is it as stored.

    Raises NotThere for a path or a value that is none, Declined for what may not be amended, would not be a record of
    its contract any more, or would break a rule of it; Transient when the schema registry gives no answer.
    """
    event, before = _read(codec, letter, record)
    after = _put(before, settings)
    found = changes(before.fields, after.fields)
    if not found:
        raise Declined(f"{letter.id} says so already; nothing was sent")
    try:
        _, mended = _numbered(codec, event, after, _ANY)
    except Invalid as error:
        raise Declined(
            f"{letter.id} with these values would be no {before.event}: {error.why}; nothing was sent"
        ) from None
    _judged(codec, letter, record, mended)
    return Draft(letter, record.key, event, after, tuple(found), _worth(codec, record), of_event(mended.data))


def amend(kafka: Kafka, codec: Codec, operator: Operator, ready: Draft) -> Amended:
    """Send it. Raises Declined when somebody closed the dead letter meanwhile; see `Ledger.append` for the rest."""
    id, letter = new_id(), ready.letter

    def make(number: int) -> Operation:
        _still_open(kafka, letter)
        if f"{number:020d}" <= ready.event.head.revision:
            raise Declined(
                f"{letter.id} has revision {ready.event.head.revision} and the next operation is {number}: "
                "fabric.operations was begun anew since, and what is amended now would count as older; nothing was sent"
            )
        return operator.row("record.amend", ASKED, _detail(ready, number, id), id)

    def writes(row: Operation) -> list[Write]:
        event_id, event = redone(codec, ready, row.seq, id)
        about_type = ready.event.model.CE_TYPE
        asked = operator.who, operator.reason, operator.at
        order = Control(Act.AMEND, str(letter.origin), id, *asked, letter.about, about_type, by=event_id)
        state = Stored(letter.place, State.AMENDED, operator.at, operator.who, id, event=event_id)
        return [
            Write(event.topic, event.key, order.to_value(), order.to_headers(), event.partition),
            event,
            state.to_write(),
        ]

    with Ledger(kafka) as ledger:
        row = ledger.append(make, writes)
    return Amended(_id(ready.event, row.seq), f"{row.seq:020d}", row.id)


def redone(codec: Codec, ready: Draft, number: int, operation: str) -> tuple[str, Write]:
    """The new event under the number that it got: its id, and its record on the partition of the dead letter. The same
    draft and number give the same event, byte for byte."""
    value, event = _numbered(codec, ready.event, ready.plain, number)
    headers = (*codec.headers(event), *_place(ready.letter, operation))
    return event.id, Write(f"redo.{ready.letter.component}", ready.key, value, headers, ready.letter.partition)


def _read(codec: Codec, letter: DeadLetter, record: Record) -> tuple[Event, Plain]:
    """Its head and envelope, and its fields, whether or not the contract takes them."""
    if record.value is None or not letter.type:
        raise Declined(
            f"{letter.id} is a record as received, not an event, and is not amended: mend the mapping and replay it "
            "(psfabric replay plan), or discard it (psfabric dlq discard)"
        )
    if letter.type.startswith(RECEIPTS):
        raise Declined(
            f"{letter.id} is a receipt: it says what a target did, which nobody can amend; replay or discard it"
        )
    try:
        event = codec.lazy(record._replace(headers=own_headers(record.headers)))
        return event, codec.plain(record.value)
    except Invalid as error:
        raise Declined(f"{letter.id} cannot be read, so it cannot be amended: {error.why}; discard it") from None


def _put(plain: Plain, settings: Sequence[Setting]) -> Plain:
    fields, known = plain.fields, Fields(plain.event, plain.schema)
    paths = [setting.path for setting in settings]
    for setting in settings:
        if paths.count(setting.path) > 1:
            raise NotThere(f"{setting.path} is set twice; say which of the values it shall have")
        _unguarded(_PLACES.sub("", setting.path))
        fields = known.put(fields, setting)
    lacking = known.lacking(fields)
    if lacking:
        raise NotThere(f"{lacking[0]} of {plain.event} has to be set too: a record is whole or null")
    return replace(plain, fields=fields)


def _unguarded(field: str) -> None:
    why = why_guarded(field)
    if why:
        raise Declined(f"{why}; nothing was sent")


def _judged(codec: Codec, letter: DeadLetter, record: Record, mended: Event) -> None:
    """Raises Declined when the new event breaks a rule that the dead letter did not break."""
    try:
        before = {each[:2] for each in rules.violations(mended.type, codec.data(record.value or b""))}
    except Invalid:
        before = set()
    broken = [each for each in rules.violations(mended.type, mended.data) if each[:2] not in before]
    if broken:
        told = " ".join(f"{each.code}: {each.message}" for each in broken)
        raise Declined(f"{letter.id} with these values would contradict itself. {told} Nothing was sent")


def _worth(codec: Codec, record: Record) -> Worth | None:
    try:
        return of_event(codec.data(record.value or b""))
    except Invalid:
        return None


def _id(event: Event, number: int) -> str:
    return digest("amend", event.id, str(number))


def _numbered(codec: Codec, event: Event, plain: Plain, number: int) -> tuple[bytes, Event]:
    """The new event and its bytes. Raises Invalid(contract-violated)."""
    head = {"event_id": _id(event, number), "revision": f"{number:020d}"}
    value = codec.framed(replace(plain, fields={**plain.fields, **head}))
    return value, event.changed(data=codec.data(value), causation_id=event.id)


def _place(letter: DeadLetter, operation: str) -> HeaderList:
    """Where the dead letter was first read: holds and the barrier order by it."""
    return (
        (THEIRS + "topic", bounded(letter.origin.topic)),
        (THEIRS + "partition", str(letter.origin.partition).encode()),
        (THEIRS + "offset", str(letter.origin.offset).encode()),
        (REDO + "operation", operation.encode()),
        (REDO + "dead-letter", bounded(letter.id)),
    )


def _detail(ready: Draft, number: int, id: str) -> dict[str, Any]:
    letter = ready.letter
    return {
        "records": [f"{letter.component}/{letter.origin}"],
        "dead_letter": letter.id,
        "type": ready.plain.event,
        "amends": ready.event.id,
        "event": _id(ready.event, number),
        "revision": f"{number:020d}",
        "patch": ready.patch(hashed(id)),
    }


def _still_open(kafka: Kafka, letter: DeadLetter) -> None:
    """Read when nobody else can act any more: of two operators who amend one dead letter, the second is refused."""
    key = str(letter.place).encode()
    stored = latest(record for record in scan(kafka, [STATES]) if record.key == key).get(key)
    act = understood(stored, read_state) if stored is not None else None
    if act is not None and act.state in (State.AMENDED, State.DISCARDED):
        raise Declined(f"{letter.id} was {act.state} by {act.who} at {act.at}; nothing was sent")

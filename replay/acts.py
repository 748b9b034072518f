"""An operator's act: what it asks for and its audit row are one Kafka transaction, never one without the other.

What concerns one record goes to the component that owns it, as a control record in `redo.<component>` on the record's
own partition (`engine.control`); whether a component shall run goes to `fabric.control`. Acting on a record is its
owner's: this side only asks, and cannot know whether the record has gone on meanwhile. Then the owner does nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.control import Act, Control
from psfabric.kafka import latest
from psfabric.standing import TOPIC as STANDINGS
from psfabric.standing import Standing, State, read_standing
from psfabric.stored import understood
from replay.identity import identify
from replay.ledger import Ledger, append
from replay.operations import CLAIMED, Operation, claimed_user, here
from replay.progress import Order
from replay.reading import Place, scan
from replay.states import State as States
from replay.states import Stored

AT_ONCE = 500
"""Records in one transaction, each with an audit row of its own."""

ASKED, DONE = "asked of the owner", "done"


@dataclass(frozen=True, slots=True)
class Asked:
    """One record that something is asked about: where it lies, its original Kafka key, where it was first read."""

    component: str
    partition: int
    key: bytes | None
    of: Place
    about: str = ""
    about_type: str = ""
    letter: Place | None = None
    """Where its dead letter lies, when it is one: what is asked is then stored as its state."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, why, when and from where. `Operator.of` says who by what Kafka knows us as."""

    reason: str
    who: str = field(default_factory=claimed_user)
    where: str = field(default_factory=here)
    at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    who_is: str = CLAIMED
    os_user: str = field(default_factory=claimed_user)

    @classmethod
    def of(cls, kafka: Kafka, reason: str) -> Operator:
        found = identify(kafka)
        return cls(reason, found.who, who_is=found.who_is, os_user=found.os_user)

    def row(self, act: str, result: str, detail: Mapping[str, Any], id: str = "") -> Operation:
        """What the ledger is to append about an act of theirs; without `id` it gets a new one."""
        about = (self.who, self.at, self.reason, detail, self.where, result, self.who_is, self.os_user)
        return Operation(id or new_id(), act, *about)


def ask(
    kafka: Kafka, operator: Operator, act: Act, records: Sequence[Asked], answer: Mapping[str, str] | None = None
) -> int:
    """Ask the owners to act on the records; returns how many were asked for. `answer`: what RESOLVE found out.

    Raises Unavailable when it is not known whether the last batch was asked for; asking again does no harm.
    """
    with Ledger(kafka) as ledger:
        for start in range(0, len(records), AT_ONCE):
            _ask(ledger, operator, act, records[start : start + AT_ONCE], answer or {})
    return len(records)


def _ask(ledger: Ledger, operator: Operator, act: Act, batch: Sequence[Asked], answer: Mapping[str, str]) -> None:
    detail = {"records": [f"{each.component}/{each.of}" for each in batch], **answer}
    row = operator.row(f"record.{act.value}", ASKED, detail)
    writes = [_order(each, operator, act, row.id, answer) for each in batch]
    if act is Act.DISCARD:
        writes += [_discarded(each.letter, operator, row.id) for each in batch if each.letter is not None]
    ledger.append(lambda seq: row, lambda row: writes)


def stand(kafka: Kafka, operator: Operator, component: str, state: State) -> Standing:
    """Write how a component shall stand from now on."""
    standing = Standing(state, operator.reason, operator.who, operator.at)
    name = {"paused": "component.pause", "running": "component.resume"}.get(state, f"component.{state}")
    row = operator.row(name, DONE, {"component": component, "state": state})
    append(kafka, row, [standing.to_write(component)])
    return standing


def operation_number(kafka: Kafka, operator: Operator, act: str, detail: Mapping[str, Any]) -> str:
    """Write the audit row of an act that has no other effect; its number among all operations, in twenty digits, is a
    revision that nothing else has. Raises Unavailable when it is not known whether the row stands."""
    return f"{append(kafka, operator.row(act, DONE, detail)).seq:020d}"


def order(kafka: Kafka, operator: Operator, given: Order, detail: Mapping[str, Any]) -> None:
    """Order something about a replay. Raises Unavailable."""
    append(kafka, operator.row(f"replay.{given.order}", ASKED, detail), [given.to_write()])


def standings(kafka: Kafka) -> dict[str, Standing]:
    """How each component stands of which anybody ever said something; all others run."""
    found = latest(scan(kafka, [STANDINGS])).values()
    return dict(understood(record, read_standing) for record in found)


def _order(each: Asked, operator: Operator, act: Act, id: str, answer: Mapping[str, str]) -> Write:
    control = Control(
        act, str(each.of), id, operator.who, operator.reason, operator.at, each.about, each.about_type, **answer
    )
    return Write(f"redo.{each.component}", each.key, control.to_value(), control.to_headers(), each.partition)


def _discarded(letter: Place, operator: Operator, id: str) -> Write:
    return Stored(letter, States.DISCARDED, operator.at, operator.who, id).to_write()


def new_id() -> str:
    return f"act-{secrets.token_hex(8)}"

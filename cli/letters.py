"""Dead letters as commands show them: one in a list, and one closer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

import schemas
from cli import closer as closely
from psfabric.event import Record
from replay import DeadLetter, Declined, NotThere, State, catalogue, held
from replay.deadletters import of_record
from replay.history import Moment, history
from replay.reading import Place, fetch
from replay.selection import key_text

if TYPE_CHECKING:
    from cli.installation import Installation


def as_dict(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "state": letter.state,
        "again": letter.again,
        "component": letter.component,
        "code": letter.code,
        "class": letter.error_class,
        "stage": letter.stage,
        "message": letter.message,
        "exception": letter.exception,
        "incident": letter.incident,
        "origin": letter.origin._asdict(),
        "about": letter.about,
        "type": letter.type,
        "aggregate_id": letter.aggregate_id,
        "key": key_text(letter.key),
        "first_failed_at": letter.first_failed_at,
        "last_failed_at": letter.last_failed_at,
        "failures": letter.failures,
        "value_hash": letter.value_hash,
    }


def rows(first: DeadLetter, rest: Iterable[DeadLetter]) -> Iterator[tuple[Any, ...]]:
    for letter in chain([first], rest):
        at = letter.last_failed_at[:19]
        kind = letter.type or f"as received, {letter.origin.topic}"
        state = f"{letter.state} as {letter.again}" if letter.again else letter.state
        yield letter.id, state, letter.code, kind, key_text(letter.key), at, letter.failures, letter.message


def stored(where: Installation, id: str) -> tuple[Record, DeadLetter]:
    """The stored dead letter of an id, as it lies there. Raises NotThere when there is none."""
    component, _, rest = id.partition("/")
    partition, _, offset = rest.partition("/")
    if not (partition.isdigit() and offset.isdigit()):
        raise NotThere(f"{id!r} is no dead letter id; it is <component>/<partition>/<offset>, as `dlq list` shows it")
    where.components([component])
    place = Place(f"dlq.{component}", int(partition), int(offset))
    if (place.topic, place.partition) not in where.admin.end_offsets([place.topic]):
        raise NotThere(f"{place.topic} has no partition {partition}")
    record = fetch(where.kafka, [place]).get(place)
    if record is None:
        raise NotThere(f"there is no dead letter {id}: it was never written, or retention has removed it")
    return record, of_record(record)


def open_one(where: Installation, id: str) -> tuple[Record, DeadLetter]:
    """A dead letter that wants somebody's eye. Raises NotThere; Declined for one that is closed or failed again."""
    record, letter = stored(where, id)
    with catalogue(where.kafka, [letter.component]) as found:
        newest = found.of_subject(letter.subject)[-1]
    if newest.id != letter.id:
        raise Declined(f"{id} failed again as {newest.id}, which is {newest.state}; nothing was sent")
    if not newest.open:
        raise Declined(f"{id} is {newest.state} already; nothing was sent")
    return record, newest


def closed(where: Installation, letters: Iterable[DeadLetter]) -> dict[str, str]:
    """Of these, the ids that need nobody any more, and why."""
    wanted = {letter.subject: letter.id for letter in letters}
    with catalogue(where.kafka, {subject.component for subject in wanted}) as found:
        newest = {subject: found.of_subject(subject)[-1] for subject in wanted}
    return {id: newest[subject].state for subject, id in wanted.items() if not newest[subject].open}


def closer(where: Installation, id: str, reveal: bool) -> dict[str, Any]:
    """Everything about one dead letter."""
    record, letter = stored(where, id)
    with catalogue(where.kafka, [letter.component]) as found:
        of_subject = found.of_subject(letter.subject)
    known = next(each for each in of_subject if each.id == letter.id)
    moments = history(where.kafka, of_subject)
    code = schemas.codes().get(letter.code)
    return {
        **as_dict(known),
        "now": _now(where, known, of_subject[-1], moments),
        "meaning": code.meaning if code else "",
        "do": code.do if code else "",
        "history": [asdict(moment) for moment in moments],
        "headers": closely.headers(record, reveal),
        "payload": closely.payload(where, record, reveal),
    }


def _now(where: Installation, letter: DeadLetter, newest: DeadLetter, moments: Sequence[Moment]) -> str:
    """Where the record stands now, in a sentence."""
    waits = next((x for x in held(where.kafka, [letter.component]) if x.origin == letter.origin and newest.open), None)
    again = f"It failed again as {newest.id}. " if letter.again else ""
    if waits is not None:
        return f"{again}It waits at {waits.component} since {waits.since} for {waits.until}: {waits.why}."
    last = next((each for each in reversed(moments) if each.what == "replayed"), None)
    match newest.state:
        case State.REPLAYED if last is not None:
            return (
                f"{again}It was replayed at {last.at}{f' by {last.who}' if last.who else ''}; no answer has come yet."
            )
        case State.REPLAYED:
            return f"{again}It was replayed; no answer has come yet."
        case State.DELIVERED:
            return f"{again}It was delivered, or need not be any more: nobody has to do anything."
        case State.DISCARDED:
            return f"{again}An operator discarded it."
        case State.AMENDED:
            what = next((x.detail for x in reversed(moments) if x.detail and x.what.startswith("amend")), "")
            return f"{again}An operator amended it: {what or 'another record was sent in its stead'}."
        case _:
            return f"{again}It is open: nobody has replayed, amended or discarded it."

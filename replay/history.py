"""What happened to one failed record: each time it was buried, each replay and act, each receipt, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from psfabric.connection import Kafka
from psfabric.engine.control import is_control, read_control
from psfabric.engine.deadletter import REDO, origin
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.event import Record
from psfabric.kafka.reader import read
from psfabric.stages import about_id
from replay.audited import rows
from replay.deadletters import DeadLetter, event_type
from replay.operations import TOPIC as OPERATIONS
from replay.operations import Operation
from replay.reading import scan
from replay.receipts import parse_key


@dataclass(frozen=True, slots=True)
class Moment:
    """`at`: ISO text in UTC, by the broker. `what`: failed, replayed, an act that was asked of the owner, or a receipt.
    `operation`, `who` and `reason` are those of the row in `fabric.operations`, "" where no operator was concerned."""

    at: str
    what: str
    place: str
    detail: str = ""
    plan: str = ""
    operation: str = ""
    who: str = ""
    reason: str = ""


def history(kafka: Kafka, letters: Sequence[DeadLetter]) -> list[Moment]:
    """Of the dead letters of one subject, as far as the topics still have it. Raises Unavailable."""
    newest = letters[-1]
    redo = read(kafka, [(f"redo.{newest.component}", newest.partition)])
    found = [
        *map(_buried, letters),
        *(moment for record in redo if (moment := _redone(record, newest)) is not None),
        *(_receipt(record) for record in scan(kafka, [RECEIPTS]) if _about(record, newest)),
    ]
    acts = list(_operations(kafka, found))
    return sorted((_explained(moment, acts) for moment in found), key=lambda moment: (moment.at, moment.place))


def _buried(letter: DeadLetter) -> Moment:
    return Moment(_instant(letter.buried_ms), "failed", str(letter.place), f"{letter.code}: {letter.message}")


def _redone(record: Record, letter: DeadLetter) -> Moment | None:
    """A replay of the record, or what an operator asked about it."""
    at, place = _instant(record.timestamp_ms), record.coordinates
    if is_control(record):
        return _asked(record, letter, at)
    if about_id(origin(record)) != letter.about:
        return None
    of, plan = record.header(f"{REDO}dead-letter") or "", record.header(f"{REDO}plan") or ""
    return Moment(at, "replayed", place, f"dead letter {of}" if of else "", plan)


def _asked(record: Record, letter: DeadLetter, at: str) -> Moment | None:
    try:
        control = read_control(record)
    except ValueError:
        return None  # of a newer release: its owner leaves it alone, too
    if control.of != str(letter.origin):
        return None
    detail = f"event {control.by} goes in its place" if control.by else ""
    return Moment(at, f"{control.act.value} was asked for", record.coordinates, detail, operation=control.id)


def _about(record: Record, letter: DeadLetter) -> bool:
    parsed = parse_key(record.key)
    return parsed is not None and parsed[0] == letter.subject and record.value is not None


def _receipt(record: Record) -> Moment:
    what = event_type(record).removeprefix("delivery.").lower()
    return Moment(_instant(record.timestamp_ms), f"receipt: {what}", record.coordinates)


def _operations(kafka: Kafka, moments: Iterable[Moment]) -> Iterator[Operation]:
    """The audit rows that these moments come from."""
    wanted = {name for moment in moments for name in (moment.operation, moment.plan) if name}
    for row in rows(scan(kafka, [OPERATIONS]), []) if wanted else ():
        if row.id in wanted or row.detail.get("plan") in wanted:
            yield row


def _explained(moment: Moment, acts: Sequence[Operation]) -> Moment:
    """With who asked for it and why. Of a plan's rows the first counts: who began to apply it."""
    for row in acts:
        if (moment.plan and row.detail.get("plan") == moment.plan) or (moment.operation and row.id == moment.operation):
            return replace(moment, operation=row.id, who=row.who, reason=row.reason)
    return moment


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")

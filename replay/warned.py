"""What whoever decides on a plan has to know first: what of it is pointless, or will wait or fail again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from psfabric.connection import Kafka
from psfabric.engine.applied import Applied
from psfabric.event import LIVE, Record, Version
from psfabric.stored import understood
from replay.deadletters import DeadLetter
from replay.held import held
from replay.reading import scan
from replay.states import State
from replay.worth import Worth


@dataclass(frozen=True, slots=True)
class Looked:
    """A dead letter of the plan and what its record says. `worth` is None when it is no event or cannot be read."""

    letter: DeadLetter
    worth: Worth | None
    version: Version | None
    event: bool

    @classmethod
    def at(cls, letter: DeadLetter, record: Record, worth: Worth | None) -> Looked:
        sequence, revision = record.header("ce_sequence"), record.header("ce_revision") or LIVE
        event = record.header("ce_type") is not None and record.value is not None
        return cls(letter, worth, Version(sequence, revision) if sequence else None, event)


def warnings(kafka: Kafka, found: Sequence[Looked], sinks: Collection[str]) -> list[str]:
    """In sentences without a full stop. Raises Unavailable."""
    components = sorted({each.letter.component for each in found})
    return [
        *(
            f"{name} writes to no target itself: what it makes of these goes on to others"
            for name in components
            if name not in sinks
        ),
        *_superseded(kafka, found, [name for name in components if name in sinks]),
        *_closed(kafka, found, components),
        *_counted(
            (
                sum(1 for each in found if each.event and each.worth is None),
                "cannot be read with the schemas of today (dlq show says why): they will fail again",
            ),
            (
                sum(1 for each in found if each.letter.state is State.REPLAYED),
                "were replayed before and gave no final answer yet (psfabric replay status)",
            ),
            (sum(1 for each in found if each.letter.failures > 1), "failed more than once before"),
        ),
    ]


def _counted(*counts: tuple[int, str]) -> Iterator[str]:
    return (f"{count} of these {what}" for count, what in counts if count)


def _superseded(kafka: Kafka, found: Sequence[Looked], sinks: Sequence[str]) -> Iterator[str]:
    """Of which the target holds a newer version already."""
    for sink in sinks:
        mine = [each for each in found if each.letter.component == sink and each.version is not None]
        there = _applied(kafka, sink, {each.letter.aggregate_id for each in mine} - {""})
        newer = sum(1 for each in mine if _older(each.version, there.get(each.letter.aggregate_id)))
        yield from _counted(
            (newer, f"are older than what {sink} has of the same objects: they will be superseded, and change nothing")
        )


def _older(version: Version | None, applied: Version | None) -> bool:
    return version is not None and applied is not None and version < applied


def _applied(kafka: Kafka, sink: str, wanted: Collection[str]) -> dict[str, Version]:
    """The version that a sink applied last, of the wanted aggregates only."""
    found: dict[str, Version] = {}
    for record in scan(kafka, [f"applied.{sink}"]) if wanted else ():
        id = (record.key or b"").decode(errors="replace").partition("/")[2]
        if id in wanted:
            if record.value is None:
                found.pop(id, None)
            else:
                found[id] = understood(record, lambda stored: Applied.from_bytes(stored.value or b"").version)
    return found


def _closed(kafka: Kafka, found: Iterable[Looked], components: Sequence[str]) -> Iterator[str]:
    """Of accounting periods that other records of the component wait for now."""
    closed = Counter((each.component, each.until) for each in held(kafka, components) if each.kind == "period")
    if not closed:
        return
    mine = Counter(
        (each.letter.component, f"period:{each.worth.legal_entity}:{each.worth.period}")
        for each in found
        if each.worth is not None
    )
    for (component, until), waiting in sorted(closed.items()):
        _, entity, period = until.split(":", 2)
        what = f"are of accounting period {period} of {entity}, which {component} found closed: they will wait as well"
        yield from _counted((mine[component, until], f"{what} ({waiting} do)"))

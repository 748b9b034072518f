"""Applying a plan: exactly its records go to `redo.<component>`, bytes and own headers untouched.

At least once: a batch is acknowledged, then its progress is written; a kill between the two sends the batch again on
resumption, and sinks answer those with Duplicate. Batch and progress in one fenced transaction come with the recovery
of incidents; until then two people must not apply one plan at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.deadletter import REDO, REVISION, THEIRS, bounded, own_headers, revision_of
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.errors import FabricError
from psfabric.event import Record
from psfabric.kafka import Admin, Producer
from replay import progress as progresses
from replay.deadletters import value_hash
from replay.errors import Declined
from replay.foreign import again, is_elsewhere
from replay.ledger import append
from replay.operations import Operation
from replay.plan import Entry, Plan
from replay.progress import DONE, RUNNING, Progress
from replay.reading import ends, fetch

BATCH = 500
CHECK = 1000

Tell = Callable[[int, int], None]


class Interrupted(FabricError):
    """Part of the plan was sent; applying it again sends the rest (exit code 3)."""


@dataclass(frozen=True, slots=True)
class Applied:
    """`sent` by this call, of `total`; `already` when an earlier call had sent everything."""

    sent: int
    total: int
    already: bool = False


def apply(
    kafka: Kafka,
    plan: Plan,
    *,
    who: str,
    reason: str,
    rate: float = 0.0,
    tell: Tell = lambda sent, total: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Applied:
    """Send what is left of the plan, `rate` records a second (0: as fast as acknowledged).

    Raises Declined, before anything is sent, when a record vanished or differs from the plan, or a component has no
    redo topic; Interrupted when the broker stopped acknowledging on the way.
    """
    found = check(kafka, plan)
    if found is not None and found.status == DONE:
        return Applied(0, found.total, already=True)
    start = found or _fresh(kafka, plan, who, _text(now()))
    sender = _Sender(kafka, plan, who, reason, now)
    try:
        sender.begin(start)
        begun = clock()
        for state, sent in sender.batches(start, _batch(rate)):
            tell(state.sent, state.total)
            if rate and state.status != DONE:
                sleep(max(0.0, begun + sent / rate - clock()))
    finally:
        sender.close()
    return Applied(len(plan.entries) - start.sent, len(plan.entries))


def check(kafka: Kafka, plan: Plan) -> Progress | None:
    """The plan's progress so far, None before the first apply. Raises Declined when the rest cannot be sent."""
    found = progresses.all_progress(kafka).get(plan.hash)
    if found is not None and found.status == DONE:
        return found
    _check_components(kafka, plan)
    left = plan.entries[found.sent if found else 0 :]
    for chunk in (left[at : at + CHECK] for at in range(0, len(left), CHECK)):
        _originals(kafka, chunk)
    return found


def to_write(entry: Entry, original: Record, plan: Plan) -> Write:
    """The record as it goes to whom it is planned for."""
    return redo(entry, original, plan) if entry.component else again(entry, original)


def redo(entry: Entry, original: Record, plan: Plan) -> Write:
    """The record as it goes to redo: on the partition of its dead letter, with the place where it was first read, under
    the plan's revision, or the one that it was replayed under when it died."""
    headers = (
        *own_headers(original.headers),
        (THEIRS + "topic", bounded(entry.origin_topic)),
        (THEIRS + "partition", str(entry.origin_partition).encode()),
        (THEIRS + "offset", str(entry.origin_offset).encode()),
        (REDO + "plan", plan.hash.encode()),
        (REDO + "dead-letter", bounded(entry.id)),
        *(((REVISION, plan.revision.encode()),) if plan.revision else revision_of(original.headers)),
    )
    return Write(entry.to, original.key, original.value, headers, entry.to_partition)


class _Sender:
    def __init__(self, kafka: Kafka, plan: Plan, who: str, reason: str, now: Callable[[], datetime]) -> None:
        self._kafka, self._plan, self._who, self._reason, self._now = kafka, plan, who, reason, now
        self._producer = Producer(kafka, "psfabric.replay")

    def close(self) -> None:
        self._producer.close()

    def begin(self, start: Progress) -> None:
        """The audit row stands before the first record goes."""
        append(self._kafka, self._operation("started", start), [start.to_write()])

    def batches(self, start: Progress, size: int) -> Iterator[tuple[Progress, int]]:
        """Send batch by batch; after each, the progress as acknowledged and how many this call has sent."""
        state = start
        while state.status != DONE:
            try:
                state = self._batch(state, size)
            except FabricError as error:
                if isinstance(error, Declined) and state.sent == start.sent:
                    raise
                raise Interrupted(
                    f"{state.sent} of {state.total} were sent, then: {error}; apply the plan again to send the rest"
                ) from None
            yield state, state.sent - start.sent

    def _batch(self, state: Progress, size: int) -> Progress:
        entries = self._plan.entries[state.sent : state.sent + size]
        originals = _originals(self._kafka, entries)
        writes = [to_write(e, record, self._plan) for e, record in zip(entries, originals, strict=True)]
        self._producer.write_and_wait(writes)
        sent = state.sent + len(entries)
        status = DONE if sent == state.total else RUNNING
        state = replace(state, sent=sent, status=status, updated_at=_text(self._now()))
        if status == DONE:
            append(self._kafka, self._operation("finished", state), [state.to_write()])
        else:
            self._producer.write_and_wait([state.to_write()])
        return state

    def _operation(self, what: str, state: Progress) -> Operation:
        at = _text(self._now())
        detail = {
            "plan": self._plan.hash,
            "sent": state.sent,
            "total": state.total,
            "counts": [count.model_dump() for count in self._plan.counts],
            "targets": list(self._plan.targets),
        }
        return Operation(f"{self._plan.hash}/{what}/{at}", f"replay.apply.{what}", self._who, at, self._reason, detail)


def _fresh(kafka: Kafka, plan: Plan, who: str, at: str) -> Progress:
    receipts = {str(partition): end for (_, partition), end in ends(kafka, [RECEIPTS]).items()}
    return Progress(plan.hash, 0, len(plan.entries), RUNNING, who, at, at, receipts)


def _check_components(kafka: Kafka, plan: Plan) -> None:
    topics: dict[str, int] = {}
    for entry in plan.entries:
        topics[entry.to] = max(entry.to_partition or 0, topics.get(entry.to, 0))
    found = Admin(kafka).end_offsets(topics)
    gone = [topic for topic, partition in topics.items() if (topic, partition) not in found]
    if gone and is_elsewhere(plan):
        raise Declined(f"{', '.join(gone)} is not there any more; nothing was sent")
    if gone:
        names = ", ".join(topic.removeprefix("redo.") for topic in gone)
        raise Declined(f"{names} has no such redo partition any more, so nobody would read it; nothing was sent")


def _originals(kafka: Kafka, entries: Sequence[Entry]) -> list[Record]:
    """The records, in the order of the entries. Raises Declined naming the first that is not as planned."""
    found = fetch(kafka, [entry.place for entry in entries])
    missing = [entry for entry in entries if entry.place not in found]
    if missing:
        raise Declined(
            f"{missing[0].id} is no longer in {missing[0].topic} (retention removed it, {len(missing)} such); "
            "plan again"
        )
    for entry in entries:
        if value_hash(found[entry.place].value) != entry.value_hash:
            raise Declined(f"{entry.id} is not the record that was planned: its value differs; plan again")
    return [found[entry.place] for entry in entries]


def _batch(rate: float) -> int:
    """About a second's worth, so that the pace is even and a kill repeats little."""
    return BATCH if rate <= 0 else max(1, min(BATCH, int(rate)))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()

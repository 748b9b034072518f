"""Deliver: an enriched event becomes a document in the target, once.

What was posted is known from `applied.<target>` alone (DESIGN 5.4): before the adapter is asked, the version and the
content are compared with what is applied; after it answered, the new state and the receipt are written. What a send
without an answer may still do is waited for (5.4, 5.6): a target of capability `none` is read first wherever an
earlier owner or an earlier try may have sent, and where a write carries no version condition, the next version of a
document waits until nothing older can arrive.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from psfabric import outcomes
from psfabric.adapters import Document, Receipt, Sink
from psfabric.codec import Codec
from psfabric.engine import Policy, Result, Work, Write
from psfabric.engine import receipts as receipt
from psfabric.engine.applied import Applied, Decision, decide
from psfabric.engine.lane import Lane
from psfabric.errors import Answer, At, Invalid, Parent, Unknown
from psfabric.event import Event
from psfabric.outcomes import Delivered, Duplicate, Held, Outcome, Rejected, Superseded
from psfabric.stages.base import Calling, log, refused


@dataclass(slots=True)
class _Task:
    """One record of a batch: either already answered, or an event that the adapter has to deliver."""

    work: Work
    lane: Lane
    event: Event | None = None
    document: Document | None = None
    result: Result | None = None


class SinkStage(Calling):
    def __init__(self, policy: Policy, codec: Codec, adapter: Sink) -> None:
        super().__init__(policy, codec)
        self.adapter = adapter
        self.inputs = (f"deliver.{adapter.name}",)
        self.state_topics = (f"applied.{adapter.name}",)

    def looked_up(self, parent: Parent) -> Parent:
        """A sink waits until its own target has the parent, which its cross-reference says."""
        return Parent("xref", f"{self.name}:{parent.entity}:{parent.id}")

    def send_while(self, gate: Callable[[], Awaitable[None]]) -> None:
        self.adapter.send_while(gate)

    async def handle(self, works: Sequence[Work], lanes: dict[int, Lane], now: float) -> Sequence[Result]:
        tasks = [self._prepare(work, lanes[work.lane], now) for work in works]
        for task in tasks:
            if task.result is None and self._may_be_there(task.work):
                task.result = await self._found(task, now)
        open_tasks = [t for t in tasks if t.result is None]
        if open_tasks:
            answers = await self._deliver([t.event for t in open_tasks if t.event is not None])
            for task, outcome in zip(open_tasks, answers, strict=True):
                task.result = self._answered(task, outcome)
        return [t.result for t in tasks if t.result is not None]

    def _prepare(self, work: Work, lane: Lane, now: float) -> _Task:
        task = _Task(work, lane)
        try:
            event = task.event = self.codec.decode(work.record)
            if event.type not in self.adapter.accepts:
                raise Invalid("type-not-accepted", f"{self.name} does not take {event.type}")
            task.document = self.adapter.document(event)
            task.result = (
                self._known(task, event, task.document)
                or self._resolved(task)
                or self._too_early(task, task.document, now)
            )
        except Exception as error:  # noqa: BLE001 - see `refused`
            task.result = refused(self.name, error)
        return task

    def _known(self, task: _Task, event: Event, document: Document) -> Result | None:
        """The answer when `applied` already has it; None when the target must be asked."""
        stored = task.lane.applied.get(document.key)
        match decide(stored, event.version, document.content_hash):
            case Decision.SUPERSEDED if stored is not None:
                return self._superseded(event, stored, Superseded())
            case Decision.DUPLICATE if stored is not None:
                if stored.content_hash != document.content_hash:
                    log.warning("same version, other content", component=self.name, event_id=event.id)
                return self._delivered(task, event, stored, duplicate=stored.event_id != event.id)
            case Decision.UNCHANGED if stored is not None:
                risen = receipt.applied_entry(
                    event, document, stored.reference, stored.number, stored.document_version, stored.facts
                )
                return self._delivered(task, event, risen, duplicate=True, document=document)
        return None

    def _resolved(self, task: _Task) -> Result | None:
        """What an operator found in the target, when one has looked."""
        found = task.work.resolved
        if found is None or found.outcome != "delivered":
            return None
        return self._answered(task, Delivered(found.reference, {}, found.number))

    def _too_early(self, task: _Task, document: Document, now: float) -> Result | None:
        """Where a write carries no version condition, an older one that was sent and not answered might follow it."""
        if self.policy.conditional or document.key not in task.lane.applied:
            return None
        quiet = max(task.lane.quiet.get(task.work.key, 0.0), task.lane.believe_at)
        if now >= quiet:
            return None
        until = At(datetime.fromtimestamp(quiet, UTC))
        return Result(Held("an earlier version was sent a moment ago, and the target may not show it yet", until))

    def _may_be_there(self, work: Work) -> bool:
        return self.policy.idempotency == "none" and work.find_first

    async def _found(self, task: _Task, now: float) -> Result | None:
        """What the target already has of it; None when its absence can be believed, so that it may be sent.

        Where an operator found it absent nothing is waited for. But it is looked for: an earlier owner may have heard
        the same, sent it, and died.
        """
        event = task.event
        if event is None:
            raise RuntimeError("asked for a record that could not be read")
        try:
            receipt_found = await self.adapter.find(event)
        except Unknown as error:
            return Result(outcomes.Retry(error.why))  # a question that got no answer changes nothing
        except Exception as error:  # noqa: BLE001 - see `refused`
            return refused(self.name, error)
        if receipt_found is not None and self._is_this(task, receipt_found):
            r = receipt_found
            return self._answered(task, Duplicate(r.reference, r.facts, r.number, r.document_version))
        believed = max(task.lane.believe_at, task.work.attempted_at + self.policy.settle)
        absent = task.work.resolved is not None and task.work.resolved.outcome == "absent"
        if absent or now >= believed:
            return None
        why = "it may have been sent, and the target does not show it yet"
        return Result(Held(why, Answer(datetime.fromtimestamp(believed, UTC))))

    def _is_this(self, task: _Task, found: Receipt) -> bool:
        """Whether what the target holds came of this very version, and not of one that is applied already.

        A correction in place leaves the document the same, and repeating it does no harm: it is sent again. One that
        reverses and posts again raises the document version.
        """
        if task.document is None or task.document.removed:
            return False
        stored = task.lane.applied.get(task.document.key)
        return stored is None or stored.removed or found.document_version > stored.document_version

    async def _deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        try:
            answers = await self.adapter.deliver(events)
        except Exception as error:  # noqa: BLE001 - see `refused`
            return [refused(self.name, error).outcome] * len(events)
        if len(answers) != len(events):
            log.error("one outcome per event is the contract", component=self.name)
            return [Rejected("bug", f"{self.name} gave {len(answers)} outcomes for {len(events)} events")] * len(events)
        return answers

    def _answered(self, task: _Task, outcome: Outcome) -> Result:
        event, document = task.event, task.document
        if event is None or document is None:
            raise RuntimeError("an answer for a record that was never sent")
        match outcome:
            case Delivered():
                entry = receipt.applied_entry(
                    event, document, outcome.reference, outcome.number, outcome.document_version, outcome.facts
                )
                duplicate = isinstance(outcome, Duplicate)
                return self._delivered(task, event, entry, duplicate=duplicate, document=document)
            case Superseded():
                return self._superseded(event, task.lane.applied.get(document.key), outcome)
            case _:
                return Result(outcome)

    def _delivered(
        self, task: _Task, event: Event, entry: Applied, *, duplicate: bool, document: Document | None = None
    ) -> Result:
        cause = task.work.record.value or b""
        model = receipt.delivered(self.name, event, entry, cause, duplicate=duplicate)
        writes = [self.receipt(event.id, "terminal", model)]
        outcome = Delivered(entry.reference, entry.facts, entry.number, entry.document_version)
        if document is None:
            return Result(outcome, tuple(writes))
        key = document.key
        writes.append(Write(f"applied.{self.name}", key.encode(), entry.to_bytes(), (), task.lane.partition))
        return Result(outcome, tuple(writes), (key, entry))

    def _superseded(self, event: Event, stored: Applied | None, outcome: Superseded) -> Result:
        reference = stored.reference if stored is not None else ""
        model = receipt.superseded(self.name, event, reference, outcome)
        return Result(outcome, (self.receipt(event.id, "terminal", model),))

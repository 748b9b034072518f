"""What a sink does when an earlier send may have taken effect: who looks first, who waits, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from psfabric.adapters import Capabilities, Document, Receipt, Sink, Types
from psfabric.engine import Policy, Result, Work
from psfabric.engine.applied import Applied
from psfabric.engine.control import Act, Control
from psfabric.engine.lane import Lane
from psfabric.errors import Answer, At, Transient, Unknown
from psfabric.event import Event
from psfabric.outcomes import Delivered, Held, Outcome, Rejected, Retry
from psfabric.stages import SinkStage
from tests.stages.test_stages import CODEC, NOW, approved, record_of

SETTLE = 5.0


class Ledger(Sink):
    """A target that cannot tell a repeated send; `there` is what it shows, `asked` who asked."""

    accepts: ClassVar[Types] = ("enriched.time.TimeApproved",)
    capabilities: ClassVar[Capabilities] = Capabilities("none", settle=SETTLE)

    there: dict[str, Any]
    asked: list[str]
    sent: list[str]

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        self.sent.extend(event.id for event in events)
        return [Delivered(f"new-{event.aggregate_id}") for event in events]

    async def find(self, event: Event) -> Receipt | None:
        self.asked.append(event.id)
        found = self.there.get(event.aggregate_id)
        if isinstance(found, Exception):
            raise found
        return None if found is None else Receipt(found, {"fact": "1"}, "N-1")

    def document(self, event: Event) -> Document:
        return Document("time", event.aggregate_id, {"s": getattr(event.data, "worked_seconds", 0)})


class Desk:
    def __init__(
        self, idempotency: Any = "none", *, conditional: bool = True, there: dict[str, Any] | None = None
    ) -> None:
        self.sink = Ledger(name="ledger", there=there or {}, asked=[], sent=[])
        policy = Policy("ledger", "sink", idempotency=idempotency, settle=SETTLE, timeout=10.0, conditional=conditional)
        self.stage = SinkStage(policy, CODEC, self.sink)
        self.lane = Lane(2)

    async def of(self, event: Event, **work: Any) -> Result:
        made = Work(record_of(event, "deliver.ledger"), 2, None, **work)
        (result,) = await self.stage.handle([made], {2: self.lane}, NOW)
        return result


async def test_a_record_that_may_have_been_sent_is_looked_for_before_it_is_sent() -> None:
    desk = Desk(there={"wl-1": "old-1"})
    result = await desk.of(approved(), find_first=True)
    assert isinstance(result.outcome, Delivered)
    assert (result.outcome.reference, result.outcome.number) == ("old-1", "N-1")
    assert desk.sink.sent == []
    assert result.applied is not None
    assert result.applied[1].reference == "old-1"


async def test_one_that_nobody_can_have_sent_is_not_looked_for() -> None:
    desk = Desk()
    await desk.of(approved())
    assert (desk.sink.asked, len(desk.sink.sent)) == ([], 1)


async def test_absence_is_believed_only_when_an_earlier_owner_can_have_ended() -> None:
    desk = Desk()
    desk.lane.believe_at = NOW + 3.0
    result = await desk.of(approved(), find_first=True)
    assert isinstance(result.outcome, Held)
    assert isinstance(result.outcome.until, Answer)
    assert result.outcome.until.at.timestamp() == NOW + 3.0
    assert desk.sink.sent == []
    desk.lane.believe_at = NOW
    await desk.of(approved(), find_first=True)
    assert len(desk.sink.sent) == 1


async def test_absence_is_believed_only_when_our_own_last_send_can_have_been_seen() -> None:
    desk = Desk()
    early = await desk.of(approved(), find_first=True, attempted_at=NOW - SETTLE + 1)
    assert isinstance(early.outcome, Held)
    late = await desk.of(approved(), find_first=True, attempted_at=NOW - SETTLE)
    assert isinstance(late.outcome, Delivered)


@pytest.mark.parametrize("fault", [Unknown("no answer"), Transient("busy")])
async def test_a_question_without_an_answer_is_asked_again(fault: Exception) -> None:
    desk = Desk(there={"wl-1": fault})
    result = await desk.of(approved(), find_first=True)
    assert isinstance(result.outcome, Retry)
    assert desk.sink.sent == []


async def test_a_bug_in_the_looking_is_a_dead_letter() -> None:
    desk = Desk(there={"wl-1": ZeroDivisionError("planted")})
    result = await desk.of(approved(), find_first=True)
    assert isinstance(result.outcome, Rejected)
    assert result.outcome.code == "bug"


async def test_where_repeating_is_safe_nobody_looks() -> None:
    desk = Desk("unique")
    await desk.of(approved(), find_first=True)
    assert desk.sink.asked == []


@pytest.mark.parametrize(("outcome", "sent"), [("delivered", 0), ("absent", 1)])
async def test_what_an_operator_found_is_taken(outcome: str, sent: int) -> None:
    desk = Desk()
    desk.lane.believe_at = NOW + 1000
    said = Control(Act.RESOLVE, "in/0/0", "op", "someone", "looked", "", outcome=outcome, reference="4711")
    result = await desk.of(approved(), find_first=True, resolved=said)
    assert isinstance(result.outcome, Delivered)
    assert len(desk.sink.sent) == sent
    assert result.outcome.reference == ("4711" if not sent else "new-wl-1")


async def test_what_an_operator_found_absent_is_looked_for_all_the_same() -> None:
    """An earlier owner may have heard the same, sent it, and died before it could say so."""
    desk = Desk(there={"wl-1": "old-wl-1"})
    said = Control(Act.RESOLVE, "in/0/0", "op", "someone", "looked", "", outcome="absent")
    result = await desk.of(approved(), find_first=True, resolved=said)
    assert isinstance(result.outcome, Delivered)
    assert (desk.sink.sent, result.outcome.reference) == ([], "old-wl-1")


# ------------------------------------------------------------------------------------------------ versions


def stand(desk: Desk, event: Event) -> None:
    desk.lane.applied["time/wl-1"] = Applied(event.version, event.id, "hash", "ref-1")


async def test_where_writes_carry_no_condition_the_next_version_waits_for_what_may_still_arrive() -> None:
    desk = Desk("upsert", conditional=False)
    stand(desk, approved(0))
    later = approved(1, worked=7200)
    desk.lane.quiet[later.data.partition_key.encode()] = NOW + 4.0
    result = await desk.of(later)
    assert isinstance(result.outcome, Held)
    assert isinstance(result.outcome.until, At)
    assert result.outcome.until.instant.timestamp() == NOW + 4.0


async def test_after_an_assignment_it_waits_for_an_earlier_owner() -> None:
    desk = Desk("upsert", conditional=False)
    stand(desk, approved(0))
    desk.lane.believe_at = NOW + 12.0
    result = await desk.of(approved(1, worked=7200))
    assert isinstance(result.outcome, Held)
    assert desk.sink.sent == []


async def test_a_create_does_not_wait_and_neither_does_a_write_with_a_condition() -> None:
    for desk, standing in ((Desk("upsert", conditional=False), False), (Desk("upsert", conditional=True), True)):
        desk.lane.believe_at = NOW + 12.0
        if standing:
            stand(desk, approved(0))
        result = await desk.of(approved(1, worked=7200))
        assert isinstance(result.outcome, Delivered)

"""What each stage makes of one record, with tiny adapters and a registry in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import pytest

from psfabric.adapters import (
    Capabilities,
    Document,
    Fields,
    Known,
    Page,
    Polled,
    Processor,
    Receipt,
    Reference,
    Route,
    Sink,
    Thin,
    Types,
)
from psfabric.engine import Policy, Result, Work, Write
from psfabric.engine.applied import Applied
from psfabric.engine.lane import Lane
from psfabric.errors import (
    Approval,
    At,
    FabricError,
    Held,
    Invalid,
    Operator,
    Parent,
    Transient,
    Unknown,
    Until,
)
from psfabric.event import LIVE, Event, Raw, Record, Version, sequence
from psfabric.outcomes import Delivered, Duplicate, Outcome, Rejected, Retry, Superseded
from psfabric.outcomes import Held as HeldOutcome
from psfabric.outcomes import Unknown as UnknownOutcome
from psfabric.stages import HydrateStage, ProcessStage, SinkStage, TranslateStage, about_id
from schemas import toml
from schemas.models import Delivered as DeliveredReceipt
from schemas.models import Held as HeldReceipt
from schemas.models import ProjectCreated, TimeApproved, TimeRejected, TimeRemoved, TimeSubmitted
from schemas.models import Rejected as RejectedReceipt
from schemas.models import Superseded as SupersededReceipt
from tests.contracts.given import example
from tests.hosts.calling import codec

CODEC = codec()
REDO = (("fabric-redo-plan", b"p"),)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


NOW = 1_000_000.0


def record_of(event: Event, topic: str = "in", offset: int = 0, *more: tuple[str, bytes]) -> Record:
    key, value, headers = CODEC.encode(event)
    return Record(topic, 2, offset, key, value, (*headers, *more))


def receipts(result: Result) -> list[Any]:
    return [CODEC.data(w.value or b"") for w in result.writes if w.topic == "psf.delivery"]


def others(result: Result) -> list[Write]:
    return [w for w in result.writes if w.topic != "psf.delivery"]


# ------------------------------------------------------------------------------------------------ sinks


class Shop(Sink):
    """Answers what the test says; asked for nothing else, `ref-<aggregate>`."""

    accepts: ClassVar[Types] = ("enriched.time.TimeApproved", "enriched.time.TimeRemoved")
    capabilities: ClassVar[Capabilities] = Capabilities("upsert")

    answers: list[Any]
    asked: list[str]
    fault: str = ""

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        self.asked.extend(e.id for e in events)
        if not self.answers:
            return [Delivered(f"ref-{e.aggregate_id}", {"fact": "1"}, "N-1") for e in events]
        first = self.answers.pop(0)
        if isinstance(first, Exception):
            raise first
        return first if isinstance(first, list) else [first] * len(events)

    def document(self, event: Event) -> Document:
        if self.fault:
            raise ZeroDivisionError(self.fault)
        removed = isinstance(event.data, TimeRemoved) or event.type.endswith("TimeRemoved")
        return Document("time", event.aggregate_id, {"s": getattr(event.data, "worked_seconds", 0)}, removed)


class Delivery:
    """A sink stage over one lane that remembers as the engine does."""

    def __init__(self, **settings: Any) -> None:
        self.shop = Shop(name="shop", answers=settings.pop("answers", []), asked=[], **settings)
        self.stage = SinkStage(Policy("shop", "sink"), CODEC, self.shop)
        self.lane = Lane(2)

    async def of(self, *events: Event | Record) -> list[Result]:
        records = [e if isinstance(e, Record) else record_of(e, "deliver.shop", n) for n, e in enumerate(events)]
        results = await self.stage.handle([Work(r, 2, None) for r in records], {2: self.lane}, NOW)
        for result in results:
            if result.applied is not None:
                self.lane.applied[result.applied[0]] = result.applied[1]
        return list(results)


def approved(second: int = 0, worked: int = 3600, **changes: Any) -> Event:
    event = example("enriched.time.TimeApproved")
    version = sequence(event.time.replace(second=second))
    given = {
        "sequence": version,
        "worked_seconds": worked,
        "event_id": f"id-{second}",
        "aggregate_id": "wl-1",
        **changes,
    }
    return example("enriched.time.TimeApproved", **given)


async def test_a_new_document_is_delivered_remembered_and_told() -> None:
    delivery = Delivery()
    event = approved()
    (result,) = await delivery.of(event)
    (receipt,) = receipts(result)
    (applied,) = others(result)
    assert isinstance(receipt, DeliveredReceipt)
    assert (receipt.reference, receipt.number, dict(receipt.facts)) == ("ref-wl-1", "N-1", {"fact": "1"})
    assert (receipt.about_event_id, receipt.about_type, receipt.duplicate) == (event.id, event.data.CE_TYPE, False)
    assert CODEC.event(receipt.cause).data == event.data
    assert (applied.topic, applied.key, applied.partition) == ("applied.shop", b"time/wl-1", 2)
    entry = Applied.from_bytes(applied.value or b"")
    assert (entry.version, entry.event_id, entry.removed) == (event.version, event.id, False)
    assert delivery.lane.applied["time/wl-1"] == entry


async def test_the_same_event_again_gives_the_same_receipt_byte_for_byte_and_asks_nobody() -> None:
    delivery = Delivery()
    (first,) = await delivery.of(approved())
    (again,) = await delivery.of(approved())
    assert again.writes == tuple(w for w in first.writes if w.topic == "psf.delivery")
    assert again.applied is None
    assert delivery.shop.asked == ["id-0"]


async def test_another_event_of_the_same_version_is_a_duplicate() -> None:
    delivery = Delivery()
    await delivery.of(approved())
    (result,) = await delivery.of(approved(event_id="other", worked=60))
    (receipt,) = receipts(result)
    assert (receipt.duplicate, receipt.reference, receipt.about_event_id) == (True, "ref-wl-1", "other")
    assert delivery.shop.asked == ["id-0"], "even with other content: a version says one thing"


async def test_an_older_version_is_superseded() -> None:
    delivery = Delivery()
    await delivery.of(approved(5))
    (result,) = await delivery.of(approved(4))
    (receipt,) = receipts(result)
    assert isinstance(receipt, SupersededReceipt)
    assert (receipt.reference, receipt.about_event_id) == ("ref-wl-1", "id-4")
    assert isinstance(result.outcome, Superseded)
    assert others(result) == []
    assert delivery.shop.asked == ["id-5"]


async def test_a_newer_version_with_the_same_content_raises_the_stored_version_only() -> None:
    delivery = Delivery()
    await delivery.of(approved(1))
    (result,) = await delivery.of(approved(2))
    assert delivery.shop.asked == ["id-1"]
    assert receipts(result)[0].duplicate
    assert delivery.lane.applied["time/wl-1"].version == approved(2).version
    (late,) = await delivery.of(approved(1))
    assert isinstance(late.outcome, Superseded)


async def test_a_newer_version_with_other_content_is_a_correction() -> None:
    delivery = Delivery()
    await delivery.of(approved(1))
    (result,) = await delivery.of(approved(2, worked=60))
    assert delivery.shop.asked == ["id-1", "id-2"]
    assert not receipts(result)[0].duplicate


async def test_a_higher_revision_of_the_same_sequence_is_newer() -> None:
    delivery = Delivery()
    await delivery.of(approved(1))
    (result,) = await delivery.of(approved(1, event_id="amended", worked=60, revision=LIVE[:-1] + "7"))
    assert delivery.shop.asked == ["id-1", "amended"]
    assert result.applied is not None


async def test_a_removal_is_remembered_and_what_comes_late_does_not_bring_it_back() -> None:
    delivery = Delivery()
    await delivery.of(approved(1))
    head = {"aggregate_id": "wl-1", "event_id": "gone", "sequence": approved(3).version.sequence}
    (gone,) = await delivery.of(example("enriched.time.TimeRemoved", "routed-elsewhere", **head))
    assert delivery.lane.applied["time/wl-1"].removed
    (late,) = await delivery.of(approved(2))
    assert isinstance(late.outcome, Superseded)
    assert isinstance(gone.outcome, Delivered)


async def test_a_target_that_had_it_already_is_told_as_duplicate_and_remembered() -> None:
    delivery = Delivery(answers=[Duplicate("ref-9", {"a": "b"})])
    (result,) = await delivery.of(approved())
    assert receipts(result)[0].duplicate
    assert delivery.lane.applied["time/wl-1"].reference == "ref-9"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Retry("busy", 3), Retry("busy", 3)),
        (Transient("busy", 3), Retry("busy", 3)),
        (Rejected("tax-code", "no"), Rejected("tax-code", "no")),
        (Invalid("tax-code", "no"), Rejected("tax-code", "no")),
        (Held(Parent("project", "P"), "w"), HeldOutcome("w", Parent("project", "P"))),
        (Unknown("timed out"), UnknownOutcome("timed out")),
        (Superseded("newer there"), Superseded("newer there")),
        (ZeroDivisionError("x"), Rejected("bug", "ZeroDivisionError in shop")),
        (FabricError("odd"), Retry("odd")),
    ],
    ids=lambda v: type(v).__name__,
)
async def test_what_is_not_delivered_is_not_remembered(answer: Any, outcome: Outcome) -> None:
    delivery = Delivery(answers=[answer])
    (result,) = await delivery.of(approved())
    assert result.outcome == outcome
    assert result.applied is None
    assert [r.EVENT for r in receipts(result)] == (
        ["delivery.Superseded"] if answer == Superseded("newer there") else []
    )


class Keyless(Shop):
    """A target without keys; `there` is what it holds, as `find` shows it."""

    capabilities: ClassVar[Capabilities] = Capabilities("none")

    there: list[Receipt]

    async def find(self, event: Event) -> Receipt | None:
        return self.there[-1] if self.there else None


class FindingFirst(Delivery):
    """After an assignment: whatever is tried may have been tried before."""

    def __init__(self, *there: Receipt) -> None:
        super().__init__()
        self.shop = Keyless(name="shop", answers=[], asked=[], there=list(there))
        self.stage = SinkStage(Policy("shop", "sink", idempotency="none"), CODEC, self.shop)

    async def first(self, event: Event) -> Result:
        work = Work(record_of(event, "deliver.shop"), 2, None, find_first=True)
        (result,) = await self.stage.handle([work], {2: self.lane}, NOW)
        if result.applied is not None:
            self.lane.applied[result.applied[0]] = result.applied[1]
        return result


async def test_what_is_found_in_the_target_is_not_sent_again() -> None:
    delivery = FindingFirst(Receipt("ref-1"))
    result = await delivery.first(approved())
    assert (result.outcome, delivery.shop.asked) == (Delivered("ref-1"), [])


async def test_finding_the_earlier_version_does_not_pass_for_the_delivery_of_a_correction() -> None:
    delivery = FindingFirst(Receipt("ref-wl-1"))
    await delivery.first(approved(0))
    await delivery.first(approved(1, worked=7200))
    assert delivery.shop.asked == ["id-1"]


async def test_a_correction_that_was_posted_anew_is_told_by_its_document_version() -> None:
    delivery = FindingFirst(Receipt("ref-1"))
    await delivery.first(approved(0))
    delivery.shop = Keyless(name="shop", answers=[], asked=[], there=[Receipt("ref-2", document_version=2)])
    delivery.stage = SinkStage(Policy("shop", "sink", idempotency="none"), CODEC, delivery.shop)
    result = await delivery.first(approved(1, worked=7200))
    assert (result.outcome, delivery.shop.asked) == (Delivered("ref-2", document_version=2), [])


async def test_a_document_that_is_still_there_does_not_pass_for_its_removal() -> None:
    delivery = FindingFirst(Receipt("ref-1"))
    removed = example("enriched.time.TimeRemoved", "routed-elsewhere", aggregate_id="wl-1")
    await delivery.first(removed)
    assert delivery.shop.asked == [removed.id]


async def test_fewer_outcomes_than_events_is_a_bug_of_the_adapter() -> None:
    delivery = Delivery(answers=[[Delivered("only-one")]])
    results = await delivery.of(approved(1), approved(1, aggregate_id="wl-2", event_id="b"))
    assert {r.outcome for r in results} == {Rejected("bug", "shop gave 1 outcomes for 2 events")}
    assert delivery.lane.applied == {}


async def test_one_bad_record_of_a_batch_does_not_keep_the_others_back() -> None:
    delivery = Delivery()
    bad = Record("deliver.shop", 2, 5, b"k", b"not ours")
    foreign = record_of(example("time.TimeSubmitted"), "deliver.shop", 6)
    known = approved(0, aggregate_id="wl-0", event_id="k")
    await delivery.of(known)
    results = await delivery.of(bad, approved(1), foreign, known, approved(2, aggregate_id="wl-2"))
    codes = [getattr(r.outcome, "code", type(r.outcome).__name__) for r in results]
    assert codes == ["wrong-magic", "Delivered", "type-not-accepted", "Delivered", "Delivered"]
    assert delivery.shop.asked == ["k", "id-1", "id-2"]


async def test_a_document_that_cannot_be_made_is_a_bug_not_a_crash() -> None:
    (result,) = await Delivery(fault="planted").of(approved())
    assert result.outcome == Rejected("bug", "ZeroDivisionError in shop")


async def test_a_bug_is_logged_with_its_place_and_nothing_of_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    await Delivery(fault="Mrs Miller", answers=[]).of(approved(task="SECRET-7"))
    told = capsys.readouterr()
    logged = told.out + told.err
    assert "ZeroDivisionError" in logged
    assert "test_stages.py" in logged
    assert "Miller" not in logged
    assert "SECRET-7" not in logged


def test_a_sink_waits_for_the_cross_reference_of_its_own_target() -> None:
    assert Delivery().stage.looked_up(Parent("project", "P:1")) == Parent("xref", "shop:project:P:1")


# ------------------------------------------------------------------------------------------------ state receipts


def test_held_and_rejected_records_have_a_receipt_that_names_them() -> None:
    stage, event = Delivery().stage, approved()
    for outcome, model in (
        (HeldOutcome("w", At(event.time)), HeldReceipt),
        (Rejected("bug", "x" * 3000), RejectedReceipt),
    ):
        write = stage.state_receipt(record_of(event), outcome)
        assert write is not None
        assert write.key == f"shop/{event.id}/state".encode()
        receipt = CODEC.data(write.value or b"")
        assert isinstance(receipt, model)
        assert receipt.legal_entity == event.data.legal_entity
    assert stage.state_receipt(record_of(event), Retry("x")) is None


@pytest.mark.parametrize(
    ("headers", "about"),
    [
        ((("ce_id", b"id-1"), ("fabric-notice-id", b"n")), "id-1"),
        ((("fabric-notice-id", b"n-7"), ("fabric-source", b"jira-acme")), "jira-acme/n-7"),
        ((), "raw.x/1/9"),
    ],
)
def test_a_record_is_filed_under_its_event_else_its_notice_else_its_place(headers: Any, about: str) -> None:
    record = Record("raw.x", 1, 9, b"k", b"{broken", headers)
    assert about_id(record) == about
    write = Delivery().stage.state_receipt(record, Rejected("malformed-json", "no"))
    assert write is not None
    assert write.key == f"shop/{about}/state".encode()


# ------------------------------------------------------------------------------------------------ hydrate and translate


class Tracker(Polled, Thin):
    emits: ClassVar[Types] = ("time.TimeSubmitted",)
    fault: Any = None

    async def hydrate(self, raw: Raw) -> Raw:
        if self.fault:
            raise self.fault
        return Raw(raw.key, b"full " + raw.body, {**raw.headers, "x": "1"}, absent=raw.body == b"404")

    def translate(self, full: Raw) -> Iterable[Event]:
        if self.fault:
            raise self.fault
        if full.absent:
            return []
        return [example("time.TimeSubmitted").changed(traceparent=full.headers.get("own", ""))]

    async def read(self, cursor: str | None) -> AsyncIterator[Page]:
        yield Page((), "")


def raw(body: bytes | None = b"notice", *headers: tuple[str, bytes], topic: str = "raw.jira") -> Record:
    return Record(topic, 2, 1, b"10001", body, (("fabric-notice-id", b"n1"), *headers))


async def hydrated(record: Record, fault: Any = None) -> Result:
    stage = HydrateStage(Policy("jira.hydrate", "hydrate"), CODEC, Tracker(name="jira", fault=fault), "jira")
    assert stage.topics == ("raw.jira", "redo.jira.hydrate")
    (result,) = await stage.handle([Work(record, 2, None)], {2: Lane(2)}, NOW)
    return result


async def test_a_thin_notice_becomes_the_full_record_with_its_headers() -> None:
    (write,) = (await hydrated(raw())).writes
    assert (write.topic, write.key, write.value) == ("full.jira", b"10001", b"full notice")
    assert dict(write.headers) == {"fabric-notice-id": b"n1", "x": b"1"}


async def test_what_the_source_no_longer_has_is_stored_as_absent_and_translates_to_nothing() -> None:
    (write,) = (await hydrated(raw(b"404"))).writes
    assert dict(write.headers)["fabric-absent"] == b"1"
    full = Record(write.topic, 2, 1, write.key, write.value, write.headers)
    assert translated(full).writes == ()


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Transient("t", 2), Retry("t", 2)),
        (Invalid("field-missing", "f"), Rejected("field-missing", "f")),
        (KeyError("x"), Rejected("bug", "KeyError in jira.hydrate")),
    ],
)
async def test_what_hydrate_raises_is_its_outcome(fault: Exception, outcome: Outcome) -> None:
    assert (await hydrated(raw(), fault)).outcome == outcome


async def test_a_null_notice_is_refused() -> None:
    assert (await hydrated(raw(None))).outcome == Rejected(
        "null-value", "raw.jira does not allow records without a value"
    )


def translated(record: Record, fault: Any = None, thin: bool = True) -> Result:
    stage = TranslateStage(Policy("jira", "translate"), CODEC, Tracker(name="jira", fault=fault), thin)
    assert stage.inputs == (("full.jira",) if thin else ("raw.jira",))
    return stage.handle_any(record, Lane(2))


def test_an_event_takes_over_the_trace_of_its_notice_unless_it_has_one() -> None:
    at_intake = ("traceparent", TRACE.encode())
    assert dict(translated(raw(b"x", at_intake)).writes[0].headers)["traceparent"] == TRACE.encode()
    own = ("own", TRACE.replace("0af7", "1af7").encode())
    assert dict(translated(raw(b"x", at_intake, own)).writes[0].headers)["traceparent"] == own[1]
    assert "traceparent" not in dict(translated(raw()).writes[0].headers)


def test_a_canonical_event_goes_to_its_topic_under_its_key_wherever_that_is() -> None:
    (write,) = translated(raw()).writes
    assert write.topic == "psf.time"
    assert write.key == example("time.TimeSubmitted").data.partition_key.encode()
    assert write.partition is None


def test_what_translate_raises_is_its_outcome() -> None:
    assert translated(raw(), Invalid("field-missing", "f")).outcome == Rejected("field-missing", "f")
    assert translated(raw(), RecursionError()).outcome == Rejected("bug", "RecursionError in jira")
    assert isinstance(translated(raw(None)).outcome, Rejected)


# ------------------------------------------------------------------------------------------------ process


class Nothing:
    """A reference store that has nothing and is never asked."""


class Step(Processor):
    accepts: ClassVar[Types] = ("time.TimeSubmitted", "project.ProjectCreated")
    emits: ClassVar[Types] = ("time.TimeApproved",)
    keeps: ClassVar[Types] = ("project",)
    fault: Any = None

    def process(self, event: Event, known: Known) -> Iterable[Event | Route | Reference]:
        if self.fault:
            raise self.fault
        if isinstance(event.data, ProjectCreated):
            yield Reference("project", event.aggregate_id, event)
            return
        yield event.derive(TimeApproved, component=self.name, approval_policy="p", approval_rule="r")
        yield Route("shop", event.derive(TimeRejected, component=self.name, code="bug", reason="r"))


def processed(record: Record, lane: Lane | None = None, fault: Any = None) -> Result:
    known: Any = Nothing()
    stage = ProcessStage(Policy("step", "process"), CODEC, Step(name="step", fault=fault), known)
    assert stage.inputs == ("psf.time", "psf.project")
    return stage.handle_any(record, lane or Lane(2))


def test_canonical_events_go_to_their_topic_and_routed_ones_to_the_target() -> None:
    event = example("time.TimeSubmitted")
    result = processed(record_of(event))
    assert [w.topic for w in result.writes] == ["psf.time", "deliver.shop"]
    assert {w.key for w in result.writes} == {event.data.partition_key.encode()}
    assert processed(record_of(event)).writes == result.writes, "the same input gives the same bytes"


class Reading(Step):
    """Its fault is a processor that was called at all."""

    reads: ClassVar[Fields] = {"time.TimeSubmitted": ("worked_seconds",)}
    fault: Any = AssertionError("it was called")


@pytest.mark.parametrize("kind", [Reading, Step])
def test_a_processor_that_says_what_it_reads_is_not_handed_what_breaks_its_contract(kind: type[Step]) -> None:
    event = example("time.TimeSubmitted")
    fields = {n: getattr(event.data, n) for n in type(event.data).model_fields}
    value = CODEC.value(type(event.data).model_construct(**{**fields, "worked_seconds": -5}))
    stage = ProcessStage(Policy("step", "process"), CODEC, kind(name="step"), cast(Any, Nothing()))
    outcome = stage.handle_any(record_of(event)._replace(value=value), Lane(2)).outcome
    assert isinstance(outcome, Rejected)
    assert outcome.code == "contract-violated"


def test_types_that_are_not_accepted_pass_unread() -> None:
    removed = record_of(example("time.TimeRemoved", "deleted"))
    cut = removed._replace(value=(removed.value or b"")[:9])
    for record in (removed, cut):
        assert processed(record) == Result(Delivered(""), ())


@pytest.mark.parametrize(
    ("value", "code"), [(None, "null-value"), (b"", "wrong-magic"), (b"\0\0\0\xff\xffx", "schema-unknown")]
)
def test_undecodable_records_are_refused_in_their_words(value: bytes | None, code: str) -> None:
    outcome = processed(Record("psf.time", 2, 0, b"k", value)).outcome
    assert isinstance(outcome, Rejected)
    assert outcome.code == code


def test_what_a_processor_raises_is_its_outcome_even_after_it_emitted() -> None:
    record = record_of(example("time.TimeSubmitted"))
    assert processed(record, fault=Held(Parent("project", "P"))).outcome == HeldOutcome(
        "waits for Parent(entity='project', id='P')", Parent("project", "P")
    )
    assert processed(record, fault=AttributeError("x")).outcome == Rejected("bug", "AttributeError in step")


def project(second: int) -> Event:
    event = example("project.ProjectCreated")
    return example("project.ProjectCreated", sequence=sequence(event.time.replace(second=second)))


def test_reference_data_goes_to_the_partition_of_its_owner_and_never_back() -> None:
    lane, event = Lane(2), project(5)
    result = processed(record_of(event), lane)
    (write,) = result.writes
    key = f"project:{event.aggregate_id}"
    assert (write.topic, write.key, write.partition) == ("ref.project", key.encode(), 2)
    assert result.versions == ((key, event.version),)
    lane.versions[key] = event.version
    assert processed(record_of(project(4)), lane).writes == (), "below the stored version nothing is emitted"
    assert processed(record_of(project(4)), lane).versions == ()
    assert processed(record_of(event), lane).writes == result.writes, "the same again does no harm"
    assert len(processed(record_of(project(6)), lane).writes) == 1
    assert Version(*project(6).version) > event.version


# ------------------------------------------------------------------------------------------------ replayed records


async def test_a_replayed_record_closes_its_dead_letter_at_every_stage() -> None:
    event = example("time.TimeSubmitted")
    results = {
        "step": (processed(record_of(event, "redo.step", 1, *REDO)), event.id),
        "jira": (translated(raw(b"x", *REDO)), "raw.jira/n1"),
        "jira.hydrate": (await hydrated(raw(b"x", *REDO)), "raw.jira/n1"),
        "shop": ((await Delivery().of(record_of(approved(), "redo.shop", 1, *REDO)))[0], "id-0"),
    }
    for component, (result, about) in results.items():
        (write,) = [w for w in result.writes if w.topic == "psf.delivery"]
        assert write.key == f"{component}/{about}/terminal".encode()
        assert isinstance(CODEC.data(write.value or b""), DeliveredReceipt)


def test_even_what_a_processor_does_not_take_closes_its_dead_letter() -> None:
    (receipt,) = receipts(processed(record_of(example("time.TimeRemoved", "deleted"), "redo.step", 1, *REDO)))
    assert receipt.component == "step"


REVISION = "0" * 16 + "4711"
REVISED = (*REDO, ("fabric-redo-revision", REVISION.encode()))


def test_a_source_record_replayed_under_a_revision_says_the_same_state_under_it() -> None:
    live, again = (CODEC.decode(at(translated(raw(b"x", *more)))) for more in ((), REVISED))
    assert again.version == Version(live.version.sequence, REVISION)
    assert (again.correlation_id, again.causation_id) == (live.correlation_id, live.id)
    same = {"event_id": live.id, "revision": LIVE}
    assert again.data.model_copy(update=same) == live.data


def test_an_id_under_a_revision_rests_on_the_live_one_and_the_revision_alone() -> None:
    other = (*REDO, ("fabric-redo-revision", b"4712".zfill(20)))
    live, once, twice, next_ = (at(translated(raw(b"x", *more))) for more in ((), REVISED, REVISED, other))
    assert once == twice, "byte for byte"
    assert len({record.header("ce_id") for record in (live, once, next_)}) == 3


@pytest.mark.parametrize("said", [b"", b"4711", b"0" * 19 + b"x", b"0" * 21, b"\xff" * 20, "\u0664".encode() * 20])
def test_a_revision_that_is_none_is_refused(said: bytes) -> None:
    outcome = translated(raw(b"x", ("fabric-redo-revision", said))).outcome
    assert isinstance(outcome, Rejected)
    assert outcome.code == "header-invalid"


def test_what_is_derived_of_it_takes_the_revision_over() -> None:
    derived = others(processed(at(translated(raw(b"x", *REVISED)))))
    assert {dict(write.headers)["ce_revision"] for write in derived} == {REVISION.encode()}


def at(result: Result) -> Record:
    """The one event that a stage emitted, as the next stage reads it."""
    (write,) = others(result)
    return Record(write.topic, 2, 1, write.key, write.value, write.headers)


@pytest.mark.parametrize("more", [REDO, REVISED])
def test_replay_leaves_no_mark_on_what_goes_on(more: tuple[tuple[str, bytes], ...]) -> None:
    full = translated(raw(b"x", *more))
    assert not any(n.startswith("fabric-redo") for w in full.writes for n, _ in w.headers)
    assert isinstance(CODEC.data(others(full)[0].value or b""), TimeSubmitted)


# ------------------------------------------------------------------------------------------------ what is waited for


def test_a_sink_looks_for_its_own_targets_parents_and_for_approvals_and_for_nothing_else() -> None:
    project, approval = Parent("project", "PRJ-1"), Approval("a-1")
    awaited: set[Until] = {project, approval, At(datetime.fromtimestamp(NOW, UTC)), Operator()}
    assert Delivery().stage.asked_for(awaited) == {
        Parent("xref", "shop:project:PRJ-1"): project,
        Parent("approval", "a-1"): approval,
    }


# ------------------------------------------------------------------------------------------------ rules


class Contradicting(Processor):
    """Makes time of a zone that is none, or passes on what came."""

    accepts: ClassVar[Types] = ("time.TimeSubmitted",)
    emits: ClassVar[Types] = ("time.TimeApproved",)
    makes: bool = True

    def process(self, event: Event, known: Known) -> Iterable[Event | Route | Reference]:
        if self.makes:
            wrong: dict[str, Any] = {"zone": "Nowhere/Land", "approval_policy": "p", "approval_rule": "r"}
            yield event.derive(TimeApproved, component=self.name, **wrong)
        else:
            yield event


def contradicting(makes: bool, entry: Event) -> Result:
    known: Any = Nothing()
    stage = ProcessStage(Policy("step", "process"), CODEC, Contradicting(name="step", makes=makes), known)
    return stage.handle(record_of(entry), Lane(2))


def nowhere() -> Event:
    entry = example("time.TimeSubmitted")
    return entry.changed(data=entry.data.model_copy(update={"zone": "Nowhere/Land"}))


def test_an_event_that_a_processor_makes_and_that_breaks_a_rule_is_a_dead_letter_naming_it() -> None:
    result = contradicting(True, example("time.TimeSubmitted"))
    assert isinstance(result.outcome, Rejected)
    assert result.outcome.code == "rule-violated"
    assert "time-zone-known" in result.outcome.why
    assert result.writes == ()


def test_an_event_that_a_processor_passes_on_is_not_judged_again() -> None:
    assert isinstance(contradicting(False, nowhere()).outcome, Delivered)


def test_rules_that_do_not_fit_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def unfit() -> None:
        raise toml.FileError("time.toml: no rule")

    monkeypatch.setattr("schemas.rules.book", unfit)
    with pytest.raises(toml.FileError, match="no rule"):
        TranslateStage(Policy("jira", "translate"), CODEC, Tracker(name="jira"), thin=True)


def test_an_event_that_a_source_says_and_that_breaks_a_rule_is_a_dead_letter() -> None:
    class Wrong(Tracker):
        def translate(self, full: Raw) -> Iterable[Event]:
            return [nowhere()]

    stage = TranslateStage(Policy("jira", "translate"), CODEC, Wrong(name="jira"), thin=True)
    result = stage.handle(raw(b"x"), Lane(2))
    assert isinstance(result.outcome, Rejected)
    assert (result.outcome.code, result.writes) == ("rule-violated", ())

"""The border, record by record: what is right goes on byte for byte, each kind of wrong has its code."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import schemas
from processors.border import Border
from psfabric.codec import Codec
from psfabric.engine import Policy, Result
from psfabric.engine.lane import Lane
from psfabric.event import Event, HeaderList, Record
from psfabric.outcomes import Delivered, Held, Rejected
from psfabric.publish import Judged, judged, sequence
from psfabric.stages import GuardStage
from psfabric.trace import enter
from schemas.models import Delivered as DeliveredReceipt
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract
from tests.psfabric.test_codec import Ids
from tests.publish.drafts import OPEN, SOURCE, example_of, passing, time_entry

IDS = Ids(stranger={"type": "record", "name": "TimeSubmitted", "namespace": "acme", "fields": []})
CODEC = Codec(IDS)
PRINCIPAL = "User:payroll-acme"
WRITTEN = int(datetime(2026, 6, 3, 17, 0, tzinfo=UTC).timestamp() * 1000)
ONE = {
    "system": "payroll-acme",
    "principal": PRINCIPAL,
    "sources": (SOURCE,),
    "types": ("time.TimeSubmitted", "billing.BillingRequested", "invoice.InvoicePosted"),
    "legal_entities": ("", "UK01"),
}
OTHER = {"system": "other", "principal": "User:other", "sources": ("other",), "types": ("time.TimeSubmitted",)}
BORDER = Border.model_validate({"name": "border", "ingress": (ONE, OTHER)})
STAGE = GuardStage(Policy("border", "process"), CODEC, BORDER)


class TestBorder(ProcessorContract):
    """It takes no events and makes none: what it does is below."""

    processor: ClassVar[Border] = BORDER
    cases: ClassVar[Sequence[Case]] = ()


def right(**changes: Any) -> Event:
    found = judged(time_entry(**changes), SOURCE)
    assert isinstance(found, Judged), found
    return found.event


def written(event: Event, topic: str = "ingress.payroll-acme") -> Record:
    key, value, headers = CODEC.encode(event)
    return Record(topic, 2, 7, key, value, headers, WRITTEN)


def with_header(record: Record, name: str, value: bytes | None) -> Record:
    others = tuple(pair for pair in record.headers if pair[0] != name)
    return record._replace(headers=others if value is None else (*others, (name, value)))


def verdict(record: Record, *, again: bool = False) -> Result:
    return STAGE.handle_any(record, Lane(2)) if again else STAGE.handle(record, Lane(2))


def refusal(record: Record, *, again: bool = False) -> Rejected:
    outcome = verdict(record, again=again).outcome
    assert isinstance(outcome, Rejected), outcome
    assert verdict(record, again=again).writes == ()
    assert outcome.code in schemas.codes()
    return outcome


# ------------------------------------------------------------------------------------------------ what is right


def test_what_is_right_goes_to_its_canonical_topic_byte_for_byte() -> None:
    record = written(right())
    record = record._replace(headers=(*record.headers, ("x-payroll-run", b"\xff\x00"), ("x-none", None)))
    result = verdict(record)
    assert type(result.outcome) is Delivered
    (write,) = result.writes
    assert (write.topic, write.key, write.value, write.headers) == (
        "psf.time",
        record.key,
        record.value,
        record.headers,
    )
    assert write.partition is None


@pytest.mark.parametrize("name", ["fabric-redo-plan", "fabric-dlq-code", "__dlq.errors.topic", "fabric-source"])
def test_what_stands_under_our_names_is_dropped(name: str) -> None:
    record = written(right())
    (write,) = verdict(record._replace(headers=((name, b"ingress.other"), *record.headers))).writes
    assert write.headers == record.headers


def test_a_replayed_record_goes_on_and_its_dead_letter_is_closed() -> None:
    record = written(right())
    result = verdict(record._replace(headers=(*record.headers, ("fabric-redo-plan", b"p"))), again=True)
    passed, receipt = result.writes
    assert (passed.topic, passed.headers) == ("psf.time", record.headers)
    assert isinstance(CODEC.data(receipt.value or b""), DeliveredReceipt)


def test_a_reading_that_only_looks_replayed_closes_nothing() -> None:
    record = written(right())
    assert len(verdict(record._replace(headers=(*record.headers, ("fabric-redo-plan", b"p")))).writes) == 1


def test_a_topic_ordered_by_another_field_has_that_as_key() -> None:
    request = billing()
    (write,) = verdict(written(request)).writes
    assert (write.topic, write.key) == ("psf.billing", request.head.project_id.encode())


def test_what_the_publisher_writes_is_admitted_whatever_the_example() -> None:
    everything = Border.model_validate({"name": "border", "ingress": ({**ONE, "types": OPEN, "legal_entities": ()},)})
    stage = GuardStage(Policy("border", "process"), CODEC, everything)
    for event in (example_of(case) for case in passing()):
        record = written(event)._replace(timestamp_ms=int((event.time + timedelta(hours=1)).timestamp() * 1000))
        result = stage.handle(record, Lane(2))
        assert type(result.outcome) is Delivered, (event.type, result.outcome)


# ------------------------------------------------------------------------------------------------ what is refused

WHOLE = written(right())
HEADERS: HeaderList = WHOLE.headers
KNOWN = struct.unpack_from(">bI", WHOLE.value or b"")[1]


def of(**changes: Any) -> Record:
    """A record of an event with changes that the publisher would not make."""
    event = right()
    fields = {name: getattr(event.data, name) for name in type(event.data).model_fields}
    return written(event.changed(data=event.data.model_validate({**fields, **changes})))


def billing(**changes: Any) -> Event:
    return example("billing.BillingRequested", "milestone", **changes).changed(source=SOURCE)


def approved() -> Event:
    return example("time.TimeApproved").changed(source=SOURCE)


REFUSED: dict[str, tuple[Record, str, str]] = {
    "another type": (written(approved()), "type-not-accepted", "time.TimeApproved is none of time.TimeSubmitted"),
    "a type of ours": (
        written(example("delivery.Held").changed(source=SOURCE)), "type-not-accepted", "delivery.Held is none of"
    ),
    "an enriched event": (
        written(example("enriched.time.TimeApproved").changed(source=SOURCE)), "type-not-accepted", "enriched.time"
    ),
    "a record of nobody's": (
        WHOLE._replace(value=struct.pack(">bI", 0, 100)), "schema-unknown", "acme.TimeSubmitted, which this"
    ),
    "another source": (written(right().changed(source="jira-acme")), "source-not-allowed", "none of payroll-acme"),
    "the source of another system": (written(right().changed(source="other")), "source-not-allowed", "none of"),
    "another legal entity": (of(legal_entity="US01"), "entity-not-allowed", "none of none, UK01"),
    "no key": (WHOLE._replace(key=None), "null-key", ""),
    "another key": (WHOLE._replace(key=b"PRJ-1001"), "key-mismatch", "not the partition_key of the head"),
    "a key in other bytes": (WHOLE._replace(key=b"\xff\xfe"), "key-mismatch", "not the partition_key"),
    "a partition key of its own": (
        of(partition_key="PRJ-1001")._replace(key=b"PRJ-1001"), "key-mismatch", "psf.time is keyed by aggregate_id"
    ),
    "no aggregate": (
        of(aggregate_id="", partition_key="")._replace(key=b""), "header-invalid", "ce_subject is missing"
    ),
    "an invoice request without project": (
        written(billing(project_id="", partition_key="x")), "key-mismatch", "project_id is empty",
    ),
    "a tombstone": (WHOLE._replace(value=None), "null-value", ""),
    "an empty value": (WHOLE._replace(value=b""), "wrong-magic", ""),
    "another magic": (WHOLE._replace(value=b"\x05" + (WHOLE.value or b"")[1:]), "wrong-magic", ""),
    "JSON": (WHOLE._replace(value=b'{"type": "time.TimeSubmitted"}'), "wrong-magic", ""),
    "cut": (WHOLE._replace(value=(WHOLE.value or b"")[:-1]), "avro-truncated", ""),
    "one byte more": (WHOLE._replace(value=(WHOLE.value or b"") + b"\0"), "avro-truncated", ""),
    "2 MB of noise": (
        WHOLE._replace(value=struct.pack(">bI", 0, KNOWN) + b"\xff" * (2 << 20)), "avro-truncated", ""
    ),
    "an id that is none": (of(event_id="1"), "contract-violated", "event_id is not 32 hex digits"),
    "a revision": (of(revision="0" * 19 + "1"), "version-invalid", "only the fabric revises"),
    "a version of tomorrow's morrow": (
        of(sequence=sequence(datetime(2026, 6, 4, 17, 1, tzinfo=UTC))), "version-invalid", "nothing would follow it"
    ),
    "a version that is no instant": (
        of(sequence="2026-99-03T16:20:11.482000Z/" + "0" * 20), "version-invalid", "begins with no instant"
    ),
    "a system that is gone": (
        WHOLE._replace(topic="ingress.gone"), "source-not-allowed", "no system of this border writes ingress.gone"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("record", "code", "why"), REFUSED.values(), ids=REFUSED)
def test_each_kind_of_wrong_has_its_code(record: Record, code: str, why: str) -> None:
    found = refusal(record)
    assert found.code == code, found.why
    assert why in found.why


def test_a_broken_rule_is_named() -> None:
    invoice = example("invoice.InvoicePosted").changed(source=SOURCE)
    twice = invoice.data.model_dump()
    twice["lines"] = (*twice["lines"], *twice["lines"])
    data = type(invoice.data).model_validate(twice)
    found = refusal(written(invoice.changed(data=data)))
    assert (found.code, "invoice-" in found.why) == ("rule-violated", True)


OPTIONAL = ("ce_dataclassification", "ce_correlationid", "traceparent")


@pytest.mark.parametrize("name", [name for name, _ in HEADERS if name not in OPTIONAL])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    for record in (with_header(WHOLE, name, None), with_header(WHOLE, name, b"")):
        found = refusal(record)
        assert (found.code, name in found.why) == ("header-invalid", True)


@pytest.mark.parametrize("name", [name for name, _ in HEADERS])
def test_a_doubled_header_is_refused_even_when_both_say_the_same(name: str) -> None:
    found = refusal(WHOLE._replace(headers=(*HEADERS, (name, dict(HEADERS)[name]))))
    assert (found.code, f"{name} is there 2 times" in found.why) == ("header-invalid", True)


@pytest.mark.parametrize("name", [name for name, _ in HEADERS if name.startswith("ce_") or name == "content-type"])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"another", b"x" * 1025], ids=["not UTF-8", "another", "long"])
def test_a_header_that_says_something_else_is_refused(name: str, value: bytes) -> None:
    free = ("ce_source", "ce_correlationid")
    if name in free and value == b"another":
        pytest.skip("says nothing of the head")
    code = "source-not-allowed" if name == "ce_source" and value == b"another" else "header-invalid"
    assert refusal(with_header(WHOLE, name, value)).code == code


def test_all_wrong_headers_are_named_at_once() -> None:
    record = with_header(with_header(WHOLE, "ce_specversion", b"0.3"), "content-type", b"application/json")
    why = refusal(with_header(record, "ce_time", None)).why
    assert all(part in why for part in ("ce_specversion is not 1.0", "content-type is not", "ce_time is missing"))


def test_a_legal_entity_in_the_head_stands_in_the_headers() -> None:
    record = of(legal_entity="UK01")
    assert type(verdict(record).outcome) is Delivered
    assert refusal(with_header(record, "ce_legalentity", None)).code == "header-invalid"


def test_every_refusal_names_the_principal_and_no_value() -> None:
    record = of(legal_entity="US01-secret")
    found = refusal(record)
    assert (found.principal, found.why.startswith(f"{PRINCIPAL}: ")) == (PRINCIPAL, True)
    assert "US01-secret" not in found.why
    other = refusal(record._replace(topic="ingress.other"))
    assert (other.code, other.principal) == ("source-not-allowed", "User:other")


def test_an_amended_record_may_have_a_revision_and_nothing_else() -> None:
    record = of(revision="0" * 19 + "1")
    again = record._replace(headers=(*record.headers, ("fabric-redo-plan", b"p")))
    assert type(verdict(again, again=True).outcome) is Delivered
    assert refusal(again).code == "version-invalid", "from an ingress the header is anybody's"
    wrong = with_header(again, "ce_source", b"jira-acme")
    assert refusal(wrong, again=True).code == "source-not-allowed"


def test_a_version_may_lie_a_day_ahead_of_the_brokers_clock() -> None:
    assert type(verdict(of(sequence=sequence(datetime(2026, 6, 4, 17, 0, tzinfo=UTC)))).outcome) is Delivered
    strict = GuardStage(Policy("b", "process"), CODEC, BORDER.model_copy(update={"hours_ahead": 0}))
    outcome = strict.handle(of(sequence=sequence(datetime(2026, 6, 3, 17, 1, tzinfo=UTC))), Lane(2)).outcome
    assert isinstance(outcome, Rejected)


class Strangers(Ids):
    """A registry in which the id is of no version of our subject, or that says nothing."""

    def __init__(self, answer: bool | Exception) -> None:
        super().__init__()
        self.answer, self.asked = answer, 0

    def has_version(self, schema_id: int, event: str) -> bool:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_schema_that_nobody_judged_is_refused_and_one_that_was_is_asked_for_once() -> None:
    stranger, known = Strangers(False), Strangers(True)
    refused = GuardStage(Policy("b", "process"), Codec(stranger), BORDER).handle(WHOLE, Lane(2)).outcome
    assert isinstance(refused, Rejected)
    assert (refused.code, "psf.time.TimeSubmitted" in refused.why) == ("subject-mismatch", True)
    stage = GuardStage(Policy("b", "process"), Codec(known), BORDER)
    assert [type(stage.handle(WHOLE, Lane(2)).outcome) for _ in range(3)] == [Delivered] * 3
    assert known.asked == 1


def test_while_the_registry_is_away_the_record_waits() -> None:
    from psfabric import errors

    away = Strangers(errors.Held(errors.Schema(KNOWN, unreachable=True)))
    assert isinstance(GuardStage(Policy("b", "process"), Codec(away), BORDER).handle(WHOLE, Lane(2)).outcome, Held)


HEADER = st.tuples(
    st.sampled_from([*(name for name, _ in HEADERS), "x", "fabric-redo-plan"]), st.none() | st.binary(max_size=40)
)


@settings(max_examples=300, deadline=None)
@given(
    key=st.none() | st.binary(max_size=20) | st.just(WHOLE.key),
    value=st.none() | st.binary(max_size=60) | st.just(WHOLE.value),
    cut=st.integers(0, 400),
    headers=st.lists(HEADER, max_size=4),
    keep=st.booleans(),
)
def test_whatever_is_written_is_admitted_refused_or_held_and_never_a_bug(
    key: bytes | None, value: bytes | None, cut: int, headers: list[tuple[str, bytes | None]], keep: bool
) -> None:
    more = (*(HEADERS if keep else ()), *headers)
    outcome = verdict(WHOLE._replace(key=key, value=value and value[:cut], headers=more)).outcome
    assert isinstance(outcome, Delivered | Rejected | Held)
    if isinstance(outcome, Rejected):
        assert outcome.code != "bug"
        assert outcome.code in schemas.codes()
    else:
        assert (key, cut >= len(WHOLE.value or b"")) == (WHOLE.key, True)


# ------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"types": ("delivery.Delivered",)}, "no event that systems may publish"),
        ({"types": ("time.TimeSubmited",)}, "no event that systems may publish"),
        ({"types": ()}, "types"),
        ({"sources": ("Pay Roll",)}, "no name of a source"),
        ({"sources": ()}, "sources"),
        ({"system": "Pay Roll"}, "system"),
        ({"principal": ""}, "principal"),
        ({"entities": ()}, "entities"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Border.model_validate({"name": "border", "ingress": ({**ONE, **changes},)})


def test_a_trace_that_is_broken_is_no_reason_to_refuse() -> None:
    """It is telemetry: whoever reads it begins a new one."""
    record = with_header(WHOLE, "traceparent", b"00-zz")
    assert type(verdict(record).outcome) is Delivered
    assert not enter([("traceparent", "00-zz")], lambda n: "1" * 2 * n).parent

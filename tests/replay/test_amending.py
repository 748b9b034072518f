"""What an amendment makes of a dead letter: the same business object under a higher version, or a reason why not."""

from __future__ import annotations

import copy
import io
import struct
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from psfabric.codec import Codec
from psfabric.engine.deadletter import Failure, dead_letter_headers, origin
from psfabric.errors import Invalid
from psfabric.event import Event, Record
from psfabric.ids import digest
from replay.amending import Draft, draft, redone
from replay.deadletters import DeadLetter, of_record
from replay.errors import Declined, NotThere
from replay.fields import Fields, Setting, parse
from replay.guarded import GUARDED, why_guarded
from schemas import HEAD_FIELDS, rules
from tests.psfabric.test_codec import Ids
from tests.replay.plant import event_of, example
from tests.replay.test_fields import PASSING, at, leaves, listed, texts

CODEC = Codec(Ids())
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TIME = "enriched.time.TimeApproved"


def buried(event: Event | None = None, value: bytes | None = None, codec: Codec = CODEC) -> tuple[DeadLetter, Record]:
    """An event as a dead letter of `tryton-uk`."""
    event = event or event_of(example(TIME)).changed(traceparent=TRACE, tracestate="a=1", correlation_id="first")
    key, encoded, headers = codec.encode(event)
    return letter_of(Record("deliver.tryton-uk", 2, 17, key, value or encoded, headers))


def letter_of(record: Record) -> tuple[DeadLetter, Record]:
    at = "2026-06-03T17:00:00.000000Z"
    failure = Failure("resource-unknown", "reference", "nobody", "sink", "tryton-uk", "tryton-uk", "x", 1, at, at)
    headers = dead_letter_headers(record, failure)
    stored = Record("dlq.tryton-uk", 2, 5, record.key, record.value, headers, 1_780_000_000_000)
    return of_record(stored), stored


def drafted(*settings: str, letter: tuple[DeadLetter, Record] | None = None, codec: Codec = CODEC) -> Draft:
    return draft(codec, *(letter or buried()), [parse(each) for each in settings])


def sent(ready: Draft, number: int = 412, codec: Codec = CODEC) -> Record:
    """The new event as it is read from redo."""
    _, write = redone(codec, ready, number, "act-1")
    assert (write.topic, write.partition) == ("redo.tryton-uk", 2)
    return Record(write.topic, 2, 9, write.key, write.value, write.headers)


def refusal(*settings: str, letter: tuple[DeadLetter, Record] | None = None) -> str:
    with pytest.raises(Declined) as refused:
        drafted(*settings, letter=letter)
    return str(refused.value)


# ------------------------------------------------------------------------------------------------ the new event


def test_it_is_the_same_business_object_under_a_higher_version_and_says_what_it_comes_from() -> None:
    letter, stored = buried()
    old = CODEC.decode(Record("deliver.tryton-uk", 2, 17, stored.key, stored.value, stored.headers))
    record = sent(drafted("worked_seconds=27000"))
    new = CODEC.decode(record)  # refuses headers that say something else than the head
    assert new.id == digest("amend", old.id, "412") != old.id
    assert new.head == old.head._replace(event_id=new.id, revision=f"{412:020d}")
    assert new.version > old.version
    assert (new.causation_id, new.correlation_id) == (old.id, "first")
    assert (new.time, new.source, new.traceparent, new.tracestate) == (old.time, old.source, TRACE, "a=1")
    assert new.data == old.data.model_copy(
        update={"event_id": new.id, "revision": new.head.revision, "worked_seconds": 27000}
    )
    assert (record.key, record.header("ce_id"), record.header("ce_revision")) == (stored.key, new.id, f"{412:020d}")
    assert origin(record).coordinates == "deliver.tryton-uk/2/17", "holds and the barrier order by the first origin"
    assert record.header("fabric-redo-dead-letter") == letter.id


def test_the_same_amendment_gives_the_same_bytes_and_another_number_another_event() -> None:
    ready = drafted("worked_seconds=27000")
    assert sent(ready) == sent(drafted("worked_seconds=27000"))
    assert sent(ready, 413).header("ce_id") != sent(ready).header("ce_id")


def test_what_was_written_under_an_older_schema_is_amended_under_it() -> None:
    older = schemas.avro(TIME)
    gone = [field for field in older["fields"] if field["name"] == "extensions"]
    older["fields"] = [field for field in older["fields"] if field["name"] != "extensions"]
    ids = Ids(older=older)
    codec = Codec(ids)
    data = example(TIME)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(copy.deepcopy(older)), data.model_dump())
    framed = struct.pack(">bI", 0, 100) + out.getvalue()
    ready = drafted("enrichment.hourly_rate=120.50", letter=buried(value=framed), codec=codec)
    record = sent(ready, codec=codec)
    assert (record.value or b"")[:5] == struct.pack(">bI", 0, 100)
    assert codec.decode(record).data.model_dump()["enrichment"]["hourly_rate"] == Decimal("120.500000")
    assert gone[0]["default"] == {}
    with pytest.raises(NotThere, match=r"no field of enriched\.time\.TimeApproved 'extensions'"):
        drafted("extensions.jira.a=b", letter=buried(value=framed), codec=codec)


def test_the_difference_is_shown_in_fields_time_and_money() -> None:
    ready = drafted("worked_seconds=27000", "role=Principal")
    assert [(op["path"], op["value"]) for op in ready.patch(lambda value: "***")] == [
        ("/worked_seconds", "***"),
        ("/role", "Principal"),
    ]
    assert ready.before is not None
    assert (ready.before.seconds, ready.after.seconds, ready.after.currency) == (5400, 27000, "GBP")
    assert ready.after.money == Decimal("937.5")


def test_a_record_that_broke_its_contract_is_mended() -> None:
    """It decodes, and the model refuses it: nobody but an amendment can bring it home."""
    event = event_of(example(TIME))
    plain = CODEC.plain(CODEC.value(event.data))
    fields = {**plain.fields, "enrichment": {**plain.fields["enrichment"], "currency": "gbp"}}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, plain.schema, fields)
    broken = struct.pack(">bI", 0, plain.schema_id) + out.getvalue()
    with pytest.raises(Invalid):
        CODEC.data(broken)
    letter = buried(value=broken)
    ready = drafted("enrichment.currency=GBP", letter=letter)
    assert (ready.before, ready.after.currency) == (None, "GBP")
    assert CODEC.decode(sent(ready)).data.model_dump()["enrichment"]["currency"] == "GBP"
    assert "breaks its contract at enrichment.currency" in refusal("role=x", letter=letter)


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("enrichment.currency=gbp", "breaks its contract at enrichment.currency"),
        ("worked_seconds=-1", "breaks its contract at worked_seconds"),
        ("worked_seconds=5400", "says so already"),
        ("legal_entity=US01", "legal_entity cannot be amended: the target was chosen by it"),
        ("enrichment.target=tryton-us", "enrichment.target cannot be amended: the record was routed by it"),
        ("enrichment={}", "enrichment.target cannot be amended"),
    ],
)
def test_what_the_contract_or_the_identity_forbids_is_refused_with_the_reason(setting: str, said: str) -> None:
    said_all = refusal(setting)
    assert said in said_all
    assert "nothing was sent" in said_all


def test_a_field_is_set_once_and_a_record_is_whole() -> None:
    with pytest.raises(NotThere, match="worked_seconds is set twice"):
        drafted("worked_seconds=1", "worked_seconds=2")
    client = event_of(example("client.ClientUpdated", "blocked-for-credit"))
    with pytest.raises(NotThere, match=r"credit_limit\.currency of client\.ClientUpdated has to be set too"):
        drafted("credit_limit.amount=120.50", letter=buried(client))
    whole = drafted("credit_limit.amount=120.50", "credit_limit.currency=GBP", letter=buried(client))
    assert [op["op"] for op in whole.patch(lambda value: value)] == ["replace"]


def test_an_amendment_that_breaks_a_rule_is_refused_naming_it() -> None:
    said = refusal("zone=Europe/Atlantis")
    assert "would contradict itself. time-zone-known: The zone of the work date is no time zone." in said
    assert "Nothing was sent" in said
    assert "time-on-its-local-date" in refusal("work_date=2026-06-02")


def test_a_rule_that_the_dead_letter_broke_already_does_not_hinder_another_mend() -> None:
    old = event_of(example(TIME))
    broken = old.changed(data=old.data.model_copy(update={"zone": "Europe/Atlantis"}))
    assert drafted("worked_seconds=27000", letter=buried(broken)).changes


def test_a_record_as_received_is_not_amended_but_mapped_anew_or_discarded() -> None:
    raw = Record("full.jira-acme", 2, 17, b"10066", b"{}", (("fabric-source", b"jira-acme"),))
    assert "mend the mapping and replay it" in refusal("x=1", letter=letter_of(raw))
    assert "not an event" in refusal("x=1", letter=letter_of(Record("full.jira-acme", 2, 17, b"1", None)))


def test_what_a_target_said_is_not_amended() -> None:
    receipt = event_of(example("delivery.Delivered"))
    assert "it says what a target did" in refusal("number=1", letter=buried(receipt))


def test_what_cannot_be_read_cannot_be_amended() -> None:
    _, stored = buried()
    value = stored.value or b""
    assert "cannot be read" in refusal("role=x", letter=buried(value=value[:-1]))
    assert "cannot be read" in refusal("role=x", letter=buried(value=b"\x07" + value[1:]))
    lying = Record(
        "deliver.tryton-uk", 2, 17, stored.key, value, (*CODEC.encode(event_of(example(TIME)))[2], ("ce_subject", b"y"))
    )
    assert "cannot be read" in refusal("role=x", letter=letter_of(lying))


def test_every_guarded_path_is_one_of_the_contract() -> None:
    paths = {path for event in schemas.events() for path in fields_of(schemas.avro(event))}
    assert sorted(set(GUARDED) - paths) == []
    assert set(HEAD_FIELDS) <= set(GUARDED)


def fields_of(schema: Any, path: str = "") -> list[str]:
    found = []
    for field in schema["fields"]:
        inner = f"{path}.{field['name']}" if path else field["name"]
        nested = field["type"] if isinstance(field["type"], dict) and "fields" in field["type"] else {"fields": []}
        found += [inner, *fields_of(nested, inner)]
    return found


@settings(max_examples=300, deadline=None)
@given(data=st.data(), name=st.sampled_from([n for n in PASSING if not n.startswith("delivery.")]))
def test_whatever_is_set_identity_key_and_order_stay_and_the_wire_is_right(data: st.DataObject, name: str) -> None:
    event, _, case = name.rpartition(".")
    old = event_of(example(event, case))
    fields = listed(old.data.model_dump())
    schema = fastavro.parse_schema(schemas.avro(event))
    path, node = data.draw(st.sampled_from(list(leaves(schema, fields, "", {}))))
    text, value = data.draw(texts(node))
    letter = buried(old)
    guarded = bool(why_guarded("".join(c for c in path if c not in "[]0123456789")))
    if guarded or value == at(fields, path) or breaks_its_contract(old, event, path, text):
        with pytest.raises(Declined) as refused:
            draft(CODEC, *letter, [Setting(path, text)])
        assert guarded == ("cannot be amended" in str(refused.value))
        return
    new = CODEC.decode(sent(draft(CODEC, *letter, [Setting(path, text)])))
    assert new.head == old.head._replace(event_id=new.id, revision=f"{412:020d}")
    assert at(listed(new.data.model_dump()), path) == value
    assert new.head.partition_key.encode() == letter[1].key


def breaks_its_contract(old: Event, event: str, path: str, text: str) -> bool:
    plain = CODEC.plain(CODEC.value(old.data))
    fields = Fields(event, plain.schema).put(plain.fields, Setting(path, text))
    try:
        model = schemas.model(event).model_validate(fields, strict=False)
    except ValueError:
        return True
    return rules.violations(event, model) != ()

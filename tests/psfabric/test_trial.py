"""A proposed reader tried on bytes: what strands, why, and what is not its fault."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import pytest

from psfabric.errors import Invalid, Transient
from psfabric.trial import Proposal, Trial, Verdict, readable

SECRET = "hunter2"


def record(*fields: dict[str, Any], name: str = "Order") -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "acme", "fields": list(fields)}


def field(name: str, type: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, **more}


COLOUR = {"type": "enum", "name": "Colour", "namespace": "acme", "symbols": ["RED", "BLUE"]}
OLD = record(field("id", "string"), field("seconds", "long"), field("colour", COLOUR))
VALUE = {"id": SECRET, "seconds": 90, "colour": "BLUE"}


class Writers:
    """What a registry knows, by id; and how often it was asked."""

    def __init__(self, **schemas: Any) -> None:
        self.known = {int(name[1:]): schema for name, schema in schemas.items()}
        self.asked: list[int] = []

    def writer(self, schema_id: int) -> dict[str, Any]:
        self.asked.append(schema_id)
        if schema_id not in self.known:
            raise Invalid("schema-unknown", "no such id")
        if self.known[schema_id] is None:
            raise Transient("no answer")
        return dict(self.known[schema_id])


def framed(schema: Any, value: Any, id: int = 1) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return b"\0" + id.to_bytes(4, "big") + out.getvalue()


def tried(new: Any, value: bytes | None = None, today: Any = OLD, **known: Any) -> tuple[Verdict, str]:
    trial = Trial(Writers(**(known or {"_1": OLD})), [Proposal("order.avsc", frozenset({"acme.Order"}), new, today)])
    found = trial(framed(OLD, VALUE) if value is None else value)
    assert SECRET not in found.cause
    assert found.label == ("order.avsc" if found.verdict in (Verdict.READ, Verdict.STRANDED, Verdict.ALREADY) else "")
    return found.verdict, found.cause


def test_what_can_be_read_is_read() -> None:
    assert tried(OLD) == (Verdict.READ, "")
    assert tried(record(*OLD["fields"], field("note", "string", default=""))) == (Verdict.READ, "")


@pytest.mark.parametrize(
    ("new", "cause"),
    [
        (record(*OLD["fields"], field("note", "string")), "`note`: "),
        (record(field("id", "string"), field("seconds", "string"), OLD["fields"][2]), "`seconds`: "),
        (record(*OLD["fields"][:2], field("colour", {**COLOUR, "symbols": ["RED"]})), "`colour`: "),
        (record(field("id", "string", pattern="^[0-9]+$"), *OLD["fields"][1:]), "`id`: it breaks the pattern ^[0-9]+$"),
        (record(OLD["fields"][0], field("seconds", "long", minimum=100), OLD["fields"][2]), "`seconds`: it is less"),
    ],
)
def test_what_cannot_strands_by_field_and_rule_without_a_value(new: Any, cause: str) -> None:
    verdict, why = tried(new)
    assert (verdict, why.startswith(cause)) == (Verdict.STRANDED, True), why


def test_only_records_that_have_what_is_gone_strand() -> None:
    fewer = record(*OLD["fields"][:2], field("colour", {**COLOUR, "symbols": ["RED"]}))
    assert tried(fewer, framed(OLD, {**VALUE, "colour": "RED"})) == (Verdict.READ, "")
    assert tried(fewer, framed(OLD, VALUE))[0] is Verdict.STRANDED


def test_what_today_s_reader_cannot_read_either_is_counted_apart() -> None:
    broken = record(*OLD["fields"], field("note", "string"))
    assert tried(broken, today=broken)[0] is Verdict.ALREADY
    strict = record(field("id", "string", pattern="^[0-9]+$"), *OLD["fields"][1:])
    assert tried(strict, today=strict)[0] is Verdict.ALREADY
    assert tried(broken, today=None)[0] is Verdict.STRANDED


def test_constraints_are_asked_wherever_a_type_is_used() -> None:
    code = record(field("code", "string", pattern="^[A-Z]{3}$"), name="Code")
    old = record(field("codes", {"type": "array", "items": record(field("code", "string"), name="Code")}),
                 field("last", ["null", "acme.Code"]), field("by", {"type": "map", "values": "acme.Code"}))  # fmt: skip
    new = record(field("codes", {"type": "array", "items": code}), field("last", ["null", "acme.Code"]),
                 field("by", {"type": "map", "values": "acme.Code"}))  # fmt: skip
    good, bad = {"code": "GBP"}, {"code": SECRET}
    for value, path in (
        ({"codes": [good, bad], "last": None, "by": {}}, "codes[].code"),
        ({"codes": [], "last": bad, "by": {}}, "last.code"),
        ({"codes": [], "last": good, "by": {"x": bad}}, "by[].code"),
    ):
        verdict, why = tried(new, framed(old, value), today=old, _1=old)
        assert (verdict, why.split(":")[0]) == (Verdict.STRANDED, f"`{path}`")
    assert tried(new, framed(old, {"codes": [good], "last": None, "by": {}}), _1=old)[0] is Verdict.READ


def test_a_type_inside_of_itself_is_read() -> None:
    tree = record(field("id", "string", pattern="."), field("under", {"type": "array", "items": "acme.Order"}))
    assert tried(tree, framed(tree, {"id": "a", "under": [{"id": "b", "under": []}]}), _1=tree)[0] is Verdict.READ


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (b"", Verdict.NO_EVENT),
        (b'{"issue": 1}', Verdict.NO_EVENT),
        (b"\1" + b"g" * 16 + b"x", Verdict.UNKNOWN),
        (framed(OLD, VALUE, id=2), Verdict.UNKNOWN),
        (framed(OLD, VALUE)[:-1], Verdict.NO_EVENT),
        (framed(OLD, VALUE) + b"x", Verdict.NO_EVENT),
        (framed(record(field("a", "int"), name="Other"), {"a": 1}, id=3), Verdict.OTHER),
        (framed(OLD, VALUE, id=4), Verdict.UNKNOWN),
    ],
)
def test_what_is_not_the_proposal_s_fault_is_counted_apart(value: bytes, verdict: Verdict) -> None:
    known = {"_1": OLD, "_3": record(field("a", "int"), name="Other"), "_4": {"type": "recrd", "name": "x"}}
    assert tried(record(*OLD["fields"], field("n", "string")), value, **known) == (verdict, "")


def test_a_record_without_a_value_is_none() -> None:
    assert Trial(Writers(), [])(None).verdict is Verdict.NO_VALUE


def test_the_registry_is_asked_once_for_each_id_also_for_one_that_it_does_not_know() -> None:
    writers = Writers(_1=OLD)
    trial = Trial(writers, [Proposal("o", frozenset({"acme.Order"}), OLD)])
    for id in (1, 2, 1, 2):
        trial(framed(OLD, VALUE, id))
    assert writers.asked == [1, 2]


def test_a_registry_that_gives_no_answer_ends_the_trial() -> None:
    with pytest.raises(Transient):
        tried(OLD, _1=None)


def test_what_the_library_takes_for_no_schema_is_told_beforehand() -> None:
    assert readable(OLD)
    assert not readable(record(field("a", "acme.Nowhere")))

"""Whom a change reaches: who reads the field, in the event itself, enriched, or carried over into another."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.review import BadSchema, parse
from schemas.review.consumers import Consumer, external, stale
from schemas.review.reach import About, Reach, paths_of, places, plain_path

SUBMITTED, APPROVED, POSTED = "time.TimeSubmitted", "time.TimeApproved", "time.TimePosted"
CONSUMERS = (
    Consumer("approve", "processor", {SUBMITTED: ("zone",)}, {SUBMITTED: (APPROVED,)}),
    Consumer("price", "processor", {APPROVED: ("role",)}),
    Consumer("erp", "sink", {f"enriched.{APPROVED}": ("hours", "rate.amount", "enrichment.price")}),
    Consumer("record", "processor", {}, {f"enriched.{APPROVED}": (POSTED,)}),
    Consumer("warehouse", "external", {POSTED: ("*",)}),
    Consumer("invoices", "external", {"invoice.InvoicePosted": ("*",)}),
)
FIELDS = {
    SUBMITTED: {"zone", "hours", "rate", "note"},
    APPROVED: {"zone", "role", "hours", "rate"},
    POSTED: {"hours", "posting"},
}
REACH = Reach(CONSUMERS, lambda event, field: field in FIELDS.get(event, set()))


def reached(event: str, path: str) -> list[str]:
    return [each.way for each in REACH.of_field(event, path)]


@pytest.mark.parametrize(
    ("event", "path", "ways"),
    [
        (SUBMITTED, "zone", ["approve"]),
        (SUBMITTED, "hours", ["approve → erp", "approve → record → warehouse"]),
        (SUBMITTED, "note", []),
        (APPROVED, "role", ["price"]),
        (APPROVED, "hours", ["erp", "record → warehouse"]),
        (APPROVED, "rate", ["erp"]),
        (APPROVED, "rate.amount", ["erp"]),
        (APPROVED, "rate.currency", []),
        (f"enriched.{APPROVED}", "enrichment.price", ["erp"]),
        (f"enriched.{APPROVED}", "enrichment.target", []),
        (POSTED, "posting.system", ["warehouse"]),
        (POSTED, "of_tomorrow", ["warehouse"]),
        (POSTED, "project_id", ["warehouse"]),
        (APPROVED, "project_id", ["price", "erp"]),
        ("time.TimeUnheard", "hours", []),
    ],
)
def test_a_field_reaches_its_readers_by_whatever_way(event: str, path: str, ways: list[str]) -> None:
    assert reached(event, path) == ways


def test_what_makes_a_record_unreadable_reaches_all_who_decode_it() -> None:
    about = About(APPROVED)
    assert [each.way for each in REACH.of_finding(about, "forward-default-missing", "zone")] == ["price", "erp"]
    assert [each.way for each in REACH.of_finding(about, "unit-changed", "hours")] == ["erp", "record → warehouse"]
    assert [each.way for each in REACH.of_finding(about, "name-changed", "")] == ["price", "erp"]


def test_a_circle_of_events_ends() -> None:
    circle = (
        Consumer("there", "processor", {}, {SUBMITTED: (APPROVED,)}),
        Consumer("back", "processor", {APPROVED: ("hours",)}, {APPROVED: (SUBMITTED,)}),
    )
    assert [each.way for each in Reach(circle, lambda *_: True).of_field(SUBMITTED, "hours")] == ["there → back"]


@pytest.mark.parametrize(
    ("file", "event", "inside"),
    [
        ("schemas/avro/time.TimeApproved_v1.avsc", APPROVED, ""),
        ("schemas/avro/time.TimeApproved_v12.avsc", APPROVED, ""),
        ("schemas/avro/enrichment/time.TimeApproved_v1.avsc", f"enriched.{APPROVED}", "enrichment"),
        ("schemas/avro/head.avsc", None, ""),
        ("odd.avsc", None, ""),
    ],
)
def test_a_file_is_about_an_event(file: str, event: str | None, inside: str) -> None:
    about = About.file(Path(file))
    assert about == (About(event, inside) if event else None)


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("psf.time.TimeApproved", About(APPROVED)),
        ("psf.enriched.TimeApproved", About(f"enriched.{APPROVED}")),
        ("psf.enrichment.TimeApprovedEnrichment", About(f"enriched.{APPROVED}", "enrichment")),
        ("psf.time.TimeUnheard", About("time.TimeUnheard")),
        ("acme.Order", None),
        ("", None),
    ],
)
def test_a_record_is_of_an_event(name: str, about: About | None) -> None:
    assert About.record(name) == about


MONEY = {"type": "record", "name": "psf.common.Money", "fields": [{"name": "amount", "type": "long"}]}
KIND = {"type": "enum", "name": "psf.common.Kind", "symbols": ["A"]}
ORDER = parse(
    {
        "type": "record",
        "name": "psf.order.Order",
        "fields": [
            {"name": "net", "type": MONEY},
            {"name": "tax", "type": ["null", "psf.common.Money"]},
            {
                "name": "lines",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "psf.order.Line",
                        "fields": [
                            {"name": "price", "type": "psf.common.Money"},
                            {"name": "kind", "type": KIND},
                        ],
                    },
                },
            },
            {"name": "kinds", "type": {"type": "map", "values": "psf.common.Kind"}},
            {"name": "parts", "type": {"type": "array", "items": "psf.order.Order"}},
            {"name": "note", "type": ["null", "string", "int"]},
        ],
    }
).type


def test_a_type_that_is_used_in_several_places_is_changed_in_all_of_them() -> None:
    assert places(ORDER, "net.amount") == ["net.amount", "tax.amount", "lines.price.amount"]
    assert places(ORDER, "lines[].kind") == ["lines.kind", "kinds"]
    assert places(ORDER, "net")[0] == "net", "a field, and not the type of it"
    assert "tax" not in places(ORDER, "net")
    assert "gone" in places(ORDER, "gone")
    assert {"lines.price.amount", "kinds", "parts", "note", "tax"} <= paths_of(ORDER)


def test_readers_of_every_place_are_found() -> None:
    tax = Consumer("tax-office", "external", {"order.Order": ("tax.amount",)})
    (hit,) = Reach([tax]).of_finding(About("order.Order"), "decimal-scale-changed", "net.amount", ORDER)
    assert (hit.consumer.name, hit.field) == ("tax-office", "tax.amount")


@pytest.mark.parametrize(
    ("path", "plain"),
    [("lines[].amount", "lines.amount"), ("rates{}.x", "rates.x"), ("note<int>", "note"), ("a[][].b", "a.b")],
)
def test_a_path_of_a_finding_is_what_a_consumer_writes(path: str, plain: str) -> None:
    assert plain_path(path) == plain


# ------------------------------------------------------------------------------------------ consumers.toml

TEXT = """
[[consumer]]
name = "warehouse"
owner = "Data platform"
contact = "data-platform@acme.example"
groups = ["warehouse-loader"]

[consumer.reads]
"time.TimeApproved" = ["worked_seconds", "rates.hourly_rate.amount"]
"invoice.InvoicePosted" = ["*"]
"""


def file_of(folder: Path, text: str) -> Path:
    path = folder / "consumers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_external_consumers_are_declared_in_a_file(tmp_path: Path) -> None:
    assert external(tmp_path / "consumers.toml") == ()
    (found,) = external(file_of(tmp_path, TEXT))
    assert (found.name, found.kind, found.groups) == ("warehouse", "external", ("warehouse-loader",))
    assert found.reads["invoice.InvoicePosted"] == ("*",)


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ('owner = "Data platform"\n', "", "consumer[0] (warehouse).owner: field required"),
        ("contact", "kontact", "did you mean 'contact'?"),
        ('"time.TimeApproved"', '"TimeApproved"', "TimeApproved"),
        ('"worked_seconds"', '"worked seconds"', "reads"),
        ("[consumer.reads]", "[consumer.read]", "did you mean 'reads'?"),
        ("[[consumer]]", "[consumer", "not TOML"),
        ('name = "warehouse"', 'name = "Ware house"', "name"),
        (TEXT, TEXT * 2, "warehouse is declared twice"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(tmp_path: Path, right: str, wrong: str, why: str) -> None:
    assert right in TEXT
    with pytest.raises(BadSchema) as refused:
        external(file_of(tmp_path, TEXT.replace(right, wrong, 1)))
    assert why in str(refused.value)
    assert "consumers.toml" in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "consumers.toml").write_bytes(b"\xff")
    with pytest.raises(BadSchema, match="cannot be read"):
        external(tmp_path / "consumers.toml")


def test_what_a_consumer_reads_and_is_not_there_is_found(tmp_path: Path) -> None:
    (found,) = external(file_of(tmp_path, TEXT))
    fields = {"time.TimeApproved": frozenset({"worked_seconds"})}
    assert list(stale(found, fields)) == [
        ("time.TimeApproved", "rates.hourly_rate.amount"),
        ("invoice.InvoicePosted", ""),
    ]

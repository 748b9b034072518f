"""`psfabric schema show`: every event field by field, without broker or registry."""

from __future__ import annotations

import pytest

import schemas
from cli import exits
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def nothing_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PSF_KAFKA_BOOTSTRAP", "PSF_REGISTRY_URL", "PSF_REDIS_URL"):
        monkeypatch.setenv(name, "nowhere.invalid:1")


@pytest.mark.parametrize("event", schemas.events())
def test_every_event_is_shown_with_all_its_fields(run: Run, event: str) -> None:
    told = run("schema", "show", event, "--output", "json").json
    schema = schemas.avro(event)
    tops = [each["path"] for each in told["fields"] if "." not in each["path"]]
    assert tops == [field["name"] for field in schema["fields"]]
    assert told["doc"] == schema["doc"]
    assert event in next(rule.types for rule in schemas.topics().topic if rule.name == told["topic"])
    assert all(each["doc"] and each["type"] for each in told["fields"])


def test_a_field_is_shown_with_what_is_in_it(run: Run) -> None:
    told = run("schema", "show", "invoice.InvoicePosted", "lines[].unit_price", "--output", "json").json
    assert [(each["path"], each["unit"], each["classification"]) for each in told["fields"]] == [
        ("lines[].unit_price", "", "confidential"),
        ("lines[].unit_price.amount", "currency", "confidential"),
        ("lines[].unit_price.currency", "", "internal"),
    ]
    assert told["rules"] == []


def test_an_enum_says_its_symbols_and_a_default_is_told(run: Run) -> None:
    found = {
        each["path"]: each for each in run("schema", "show", "time.TimeApproved", "--output", "json").json["fields"]
    }
    assert found["extensions"]["default"] == {}
    assert "default" not in found["worked_seconds"]
    cause = run("schema", "show", "time.TimeRemoved", "cause", "--output", "json").json["fields"][0]["type"]
    symbols = next(
        each["type"]["symbols"] for each in schemas.avro("time.TimeRemoved")["fields"] if each["name"] == "cause"
    )
    assert cause.endswith(": " + ", ".join(symbols))


def test_the_table_has_topic_owner_and_rules(run: Run) -> None:
    shown = run("schema", "show", "invoice.InvoicePosted")
    assert shown.code == exits.CLEAN
    assert "psf.invoice.InvoicePosted.v1 on psf.invoice, key: project id; owner: Finance systems" in shown.out
    codes = [rule["code"] for rule in run("schema", "show", "invoice.InvoicePosted", "--output", "json").json["rules"]]
    assert codes
    assert all(code in shown.out for code in codes)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["time.TimeAproved"], "did you mean time.TimeApproved"),
        (["time.TimeApproved", "work_dat"], "did you mean work_date"),
        (["time.TimeApproved", "lines[].amount"], "has no field 'lines[].amount'"),
    ],
)
def test_what_is_not_there_is_exit_2_with_the_nearest(run: Run, words: list[str], said: str) -> None:
    shown = run("schema", "show", *words)
    assert (shown.code, shown.out) == (exits.USAGE, "")
    assert said in " ".join(shown.err.replace("│", " ").split())

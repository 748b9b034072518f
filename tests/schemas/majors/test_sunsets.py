"""A superseded major has a rule, an example and a last day: what is missing, impure or over is found by the lint."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import schemas
from cli import exits
from schemas import contract, majors, upgrade_examples
from schemas.review import BadSchema, beside, lint, purity, sunsets
from schemas.review.files import BUNDLED
from tests.cli.conftest import run
from tests.contracts.given import EXAMPLES
from tests.schemas.majors.scratch import next_major
from tests.schemas.review.test_check import Check, Repository, check, repository

__all__ = ["check", "repository", "run"]

EVENT, TODAY = "milestone.MilestoneAccepted", date(2027, 1, 1)
RULE = "milestone_MilestoneAccepted_v1_v2"
ENTERED_IN = {"name": "entered_in", "type": "string", "doc": "The system in which it was entered; never empty."}
ADDS = 'def upgrade(old):\n    return {**old, "entered_in": "before"}\n'
SUNSET = """
[[sunset]]
event = "milestone.MilestoneAccepted"
major = 1
until = 2027-03-31
consumers = ["request-billing"]
"""
PROLONGED = """
[[sunset.prolonged]]
was = 2027-03-31
reason = "The warehouse moves with its release of June."
approver = "finance systems"
"""


def majored(top: Path, rule: str = ADDS, sunset: str = SUNSET, example: Any = None) -> Path:
    """A folder of schemas with two majors of one event, with what belongs beside them; "" and None leave it out."""
    avro = top / "avro"
    avro.mkdir(parents=True, exist_ok=True)
    for major, schema in (
        (1, contract.read(contract.AVRO / f"{EVENT}_v1.avsc")),
        (2, next_major(EVENT, more=[ENTERED_IN])),
    ):
        (avro / f"{EVENT}_v{major}.avsc").write_text(json.dumps(schema))
    (top / "upgrades").mkdir(exist_ok=True)
    if rule:
        (top / f"upgrades/{RULE}.py").write_text(rule)
        (top / f"upgrades/{RULE}.complete.json").write_text(json.dumps(example or {}))
    if sunset:
        (top / "sunsets.toml").write_text(sunset)
    return avro


def found(avro: Path, today: date = TODAY, adapters: tuple[str, ...] = ("request-billing",)) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in lint.lint([avro], today, adapters)]


def test_a_superseded_major_with_rule_example_and_last_day_is_in_order(tmp_path: Path) -> None:
    assert found(majored(tmp_path)) == []


def test_a_major_without_a_rule_is_a_break_that_names_the_file(tmp_path: Path) -> None:
    avro = majored(tmp_path, rule="")
    (told,) = lint.lint([avro], TODAY)
    assert (told.code, told.severity.value, Path(told.file).name) == ("upgrade-missing", "break", f"{RULE}.py")
    assert f"Write `upgrade(old)` in upgrades/{RULE}.py" in told.message


def test_the_last_day_counts_and_the_next_does_not(tmp_path: Path) -> None:
    avro = majored(tmp_path)
    assert found(avro, date(2027, 3, 31)) == []
    assert found(avro, date(2027, 4, 1)) == [("sunset-passed", f"{EVENT}_v1")]
    (told,) = lint.lint([avro], date(2027, 4, 1), ("request-billing",))
    assert "was to be read until 2027-03-31, still read by request-billing" in told.message
    (tmp_path / "sunsets.toml").write_text(SUNSET.replace("2027-03-31", "2027-06-30") + PROLONGED)
    assert found(avro, date(2027, 4, 1)) == []


def test_once_the_major_is_removed_what_is_left_of_it_is_found(tmp_path: Path) -> None:
    avro = majored(tmp_path)
    (avro / f"{EVENT}_v1.avsc").unlink()
    assert found(avro) == [("upgrade-stray", ""), ("sunset-stray", f"{EVENT}_v1")]
    (tmp_path / f"upgrades/{RULE}.py").unlink()
    (tmp_path / "sunsets.toml").unlink()
    assert found(avro) == [("upgrade-stray", "")], "its example"
    (tmp_path / f"upgrades/{RULE}.complete.json").unlink()
    assert found(avro) == []


def test_a_last_day_and_an_example_are_asked_for(tmp_path: Path) -> None:
    avro = majored(tmp_path, sunset="")
    assert found(avro) == [("sunset-missing", f"{EVENT}_v1")]
    (tmp_path / f"upgrades/{RULE}.complete.json").unlink()
    assert found(avro) == [("upgrade-unshown", ""), ("sunset-missing", f"{EVENT}_v1")]


def test_a_remaining_consumer_is_an_adapter_or_declared(tmp_path: Path) -> None:
    avro = majored(tmp_path, sunset=SUNSET.replace("request-billing", "warehouse"))
    assert found(avro) == [("sunset-consumer-unknown", f"{EVENT}_v1/warehouse")]
    (tmp_path / "consumers.toml").write_text(
        '[[consumer]]\nname = "warehouse"\nowner = "Data platform"\ncontact = "data@acme.example"\n'
        f'[consumer.reads]\n"{EVENT}" = ["amount.amount"]\n'
    )
    assert found(avro) == []


def test_a_consumer_of_what_is_not_there_is_found(tmp_path: Path) -> None:
    avro = majored(tmp_path)
    (tmp_path / "consumers.toml").write_text(
        '[[consumer]]\nname = "warehouse"\nowner = "Data platform"\ncontact = "data@acme.example"\n'
        f'[consumer.reads]\n"{EVENT}" = ["entered_in", "amount.sum"]\n"time.TimeUnheard" = ["*"]\n'
    )
    assert found(avro) == [
        ("consumer-stale", f"warehouse/{EVENT}/amount.sum"),
        ("consumer-stale", "warehouse/time.TimeUnheard"),
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ("until", "untill", "did you mean 'until'?"),
        ("2027-03-31", '"soon"', "sunset[0].until"),
        ("consumers = ", "# ", "sunset[0].consumers: field required"),
        ("[[sunset]]", "[sunset", "not TOML"),
        (SUNSET, SUNSET * 2, f"{EVENT}_v1 has two sunsets"),
        (SUNSET, SUNSET + PROLONGED.replace("reason", "reson"), "did you mean 'reason'?"),
    ],
)
def test_a_file_of_sunsets_that_is_wrong_is_refused(tmp_path: Path, right: str, wrong: str, why: str) -> None:
    avro = majored(tmp_path, sunset=SUNSET.replace(right, wrong, 1))
    with pytest.raises(BadSchema) as refused:
        lint.lint([avro], TODAY)
    assert why in str(refused.value)
    assert "sunsets.toml" in str(refused.value)


def test_the_lint_of_the_command_line_asks_the_calendar(run: Any, tmp_path: Path) -> None:
    ran = run("schema", "lint", str(majored(tmp_path, sunset=SUNSET.replace("2027", "2020"))), "--output", "json")
    assert (ran.code, [each["code"] for each in ran.json["findings"]]) == (exits.FINDINGS, ["sunset-passed"])
    ran = run("schema", "lint", str(majored(tmp_path, sunset=SUNSET.replace("2027", "2999"))))
    assert (ran.code, ran.out) == (exits.CLEAN, "Nothing is wrong.\n")


# ------------------------------------------------------------------------------------------ pure

IMPURE = {
    "import os": "it imports os",
    "from random import choice": "it imports random",
    "from schemas import codes": "it imports schemas",
    "from . import other": "it imports a neighbour",
    "from datetime import datetime\nX = datetime.now()": "`.now` asks the clock",
    "import datetime\nX = datetime.date.today()": "`.today` asks the clock",
    "X = open('/etc/hosts')": "`open` reaches beyond the record",
    "X = ().__class__": "`.__class__` asks",
    "def count(x):\n    global SEEN": "it keeps something from one record to the next",
    "async def wait(): ...": "it waits for something",
}


@pytest.mark.parametrize(("text", "why"), IMPURE.items(), ids=IMPURE)
def test_a_rule_that_rests_on_more_than_the_record_is_found(tmp_path: Path, text: str, why: str) -> None:
    avro = majored(tmp_path, rule=f"{text}\n\n\n{ADDS}")
    (told,) = lint.lint([avro], TODAY, ("request-billing",))
    assert (told.code, told.path.startswith("line ")) == ("upgrade-impure", True)
    assert why in told.message


@pytest.mark.parametrize(
    ("text", "why"),
    [("def upgrade(old:", "it is no Python: SyntaxError"), ("x = 1", "it has no function `upgrade(old)`")],
)
def test_a_rule_that_is_none_is_found(tmp_path: Path, text: str, why: str) -> None:
    (told,) = lint.lint([majored(tmp_path, rule=text)], TODAY, ("request-billing",))
    assert (told.code, why in told.message) == ("upgrade-impure", True)


def test_arithmetic_dates_and_text_are_pure(tmp_path: Path) -> None:
    file = tmp_path / "rule.py"
    file.write_text(
        "from datetime import timedelta\nfrom decimal import Decimal\nimport re\n\nRATE = Decimal('0.19')\n\n\n"
        "def upgrade(old):\n    day = old['day'] + timedelta(days=1)\n"
        "    return {**old, 'day': day.isoformat(), 'tax': old['net'] * RATE, 'word': re.sub('a', 'b', old['word'])}\n"
    )
    assert list(purity.impurities(file)) == []


# ------------------------------------------------------------------------------------------ examples


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.pass.json")), ids=lambda path: path.name)
def test_json_of_an_example_is_what_avro_decodes(path: Path) -> None:
    event = next(e for e in sorted(schemas.events(), key=len, reverse=True) if path.name.startswith(f"{e}."))
    plain = upgrade_examples.from_json(schemas.avro(event), json.loads(path.read_text()), event)
    assert schemas.model(event).model_validate(plain, strict=False) == schemas.model(event).model_validate_json(
        path.read_bytes()
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"milestone_name": 3}, "e.milestone_name is no string"),
        ({"amount": {"amount": "x", "currency": "GBP"}}, "e.amount.amount is no decimal"),
        ({"accepted_on": "soon"}, "soon"),
        ({"more": 1}, "e has no field more"),
        ({"amount": None}, "e.amount is no record"),
    ],
)
def test_json_that_is_no_such_record_is_refused_with_the_place(change: dict[str, Any], why: str) -> None:
    body = json.loads((EXAMPLES / f"{EVENT}.complete.pass.json").read_text())
    with pytest.raises(ValueError, match=why):
        upgrade_examples.from_json(schemas.avro(EVENT), {**body, **change}, "e")
    del body["milestone_name"]
    with pytest.raises(ValueError, match=r"e\.milestone_name is missing"):
        upgrade_examples.from_json(schemas.avro(EVENT), body, "e")


def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one superseded major of a scratch folder is that of the release."""
    name = contract.EventName("milestone", "MilestoneAccepted", 1)
    rule = majors.load(tmp_path / f"upgrades/{RULE}.py")
    made = majors.Superseded(name, schemas.avro(EVENT), (majors.Step(f"{RULE}.py", rule),))
    new = next_major(EVENT, more=[ENTERED_IN])
    monkeypatch.setattr(majors, "all_superseded", lambda: {"psf.milestone.MilestoneAccepted": made})
    monkeypatch.setattr(majors, "UPGRADES", tmp_path / "upgrades")
    monkeypatch.setattr(contract, "schema_of", lambda asked: new if asked.major == 2 else None)


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"entered_in": "before"}, []),
        ({"entered_in": "after"}, ["the rule makes something else of entered_in"]),
        ({}, ["new.entered_in is missing"]),
    ],
)
def test_an_example_is_run_and_what_differs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: dict[str, str], told: list[str]
) -> None:
    body = json.loads((EXAMPLES / f"{EVENT}.complete.pass.json").read_text())
    majored(tmp_path, example={"old": body, "new": {**body, **new}})
    older(tmp_path, monkeypatch)
    assert [why for _, why in upgrade_examples.wrong()] == told
    codes = [each.code for each in lint.lint([BUNDLED], TODAY)]
    assert codes == ["upgrade-wrong"] * len(told), "the lint of this release runs its examples"


def test_an_example_of_another_form_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    majored(tmp_path, example={"before": {}, "after": {}})
    older(tmp_path, monkeypatch)
    assert [why for _, why in upgrade_examples.wrong()] == ['it is not {"old": …, "new": …}']


def test_the_rules_of_this_release_are_in_order() -> None:
    assert list(beside.found_in(BUNDLED, date.min)) == []
    assert set(sunsets.read(BUNDLED.parent / sunsets.NAME)) == {
        f"{each.name.event}_v{each.name.major}" for each in majors.all_superseded().values() if not each.name.enriched
    }


# ------------------------------------------------------------------------------------------ in the check of a branch


def test_a_branch_with_a_major_break_needs_rule_and_sunset(check: Check, repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.commit(contract.read(contract.AVRO / f"{EVENT}_v1.avsc"), f"{EVENT}_v1")
    repository.git("checkout", "-q", "-b", "later")
    repository.write(next_major(EVENT, more=[ENTERED_IN]), f"{EVENT}_v2")
    codes = [(each["severity"], each["code"]) for each in check().json["findings"]]
    assert codes == [("break", "sunset-missing"), ("break", "upgrade-missing")]
    majored(repository.top / "schemas")
    assert check().json["findings"] == []


def test_a_last_day_that_is_put_off_says_why(check: Check, repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    majored(repository.top / "schemas", sunset=SUNSET.replace("request-billing", "tryton"))
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "major 2")
    repository.git("checkout", "-q", "-b", "later")
    later = SUNSET.replace("2027-03-31", "2027-06-30")
    (repository.top / "schemas/sunsets.toml").write_text(later)
    assert [each["id"] for each in check().json["findings"]] == [f"sunsets/sunset-moved/{EVENT}_v1"]
    (repository.top / "schemas/sunsets.toml").write_text(later + PROLONGED)
    assert check().json["findings"] == []
    (repository.top / "schemas/sunsets.toml").write_text(SUNSET.replace("2027-03-31", "2027-01-31"))
    assert check().json["findings"] == [], "an earlier day needs no reason"

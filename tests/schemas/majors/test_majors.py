"""Two majors of an event in one release: the older is read through its upgrade rule, whichever event it is."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest

import schemas
from schemas import contract
from tests.contracts.given import EXAMPLES
from tests.schemas.majors.scratch import Scratch, next_major

CHILD = "import runpy; runpy.run_module('tests.schemas.majors.child', run_name='__main__')"
ENTERED_IN = {"name": "entered_in", "type": "string", "doc": "The system in which it was entered; never empty."}
ADDS_ENTERED_IN = 'def upgrade(old):\n    return {**old, "entered_in": "before"}\n'

WORK = {
    "type": "record",
    "name": "Work",
    "namespace": "psf.time.v2",
    "doc": "Time in minutes, and the seconds that are left.",
    "fields": [
        {"name": "minutes", "type": "long", "doc": "Whole minutes.", "unit": "1"},
        {"name": "rest", "type": "int", "doc": "Seconds beyond them.", "unit": "s"},
    ],
}
COMPUTES = """
def upgrade(old):
    kept = {name: value for name, value in old.items() if name not in ("task", "worked_seconds")}
    minutes, rest = divmod(old["worked_seconds"], 60)
    return {**kept, "issue": old["task"], "work": {"minutes": minutes, "rest": rest}}
"""


def succeeds(scratch: Scratch, what: str, given: str = "") -> str:
    ran = scratch.python(CHILD, what) if not given else scratch.asked(CHILD, given, what)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """Every event has a major 2 with one more field that has no default: no registry would let that pass."""
    scratch = Scratch.make(tmp_path_factory.mktemp("everything"))
    for event, name in contract.named(contract.AVRO).items():
        scratch.write(next_major(event, more=[ENTERED_IN]), event, 2)
        scratch.rule(f"{name.entity}_{name.name}_v1_v2.py", ADDS_ENTERED_IN)
    for path in (contract.AVRO / "enrichment").glob("*_v1.avsc"):
        shutil.copy(path, scratch.avro / "enrichment" / path.name.replace("_v1", "_v2"))
    scratch.generate()
    return scratch


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """`time.TimeApproved` of major 2 has other fields: one renamed, one made of another by arithmetic."""
    scratch = Scratch.make(tmp_path_factory.mktemp("computed"))
    more = [{"name": "work", "type": WORK, "doc": "How long the work took."}]
    edit = {"task": {"name": "issue"}, "worked_seconds": None}
    scratch.write(next_major("time.TimeApproved", edit, more), "time.TimeApproved", 2)
    shutil.copy(
        contract.AVRO / "enrichment/time.TimeApproved_v1.avsc", scratch.avro / "enrichment/time.TimeApproved_v2.avsc"
    )
    scratch.rule("time_TimeApproved_v1_v2.py", COMPUTES)
    scratch.generate()
    return scratch


def test_whatever_event_of_an_older_major_is_read_as_the_current_one(everything: Scratch) -> None:
    assert f"{len(schemas.events())} events of major 1 are read as major 2" in succeeds(everything, "every_event")


def test_the_examples_of_this_release_are_read_by_the_next(everything: Scratch) -> None:
    asked: list[list[str]] = []
    expected: list[Any] = []
    for path in sorted(EXAMPLES.glob("*.pass.json")):
        event = next(e for e in sorted(schemas.events(), key=len, reverse=True) if path.name.startswith(f"{e}."))
        data = schemas.model(event).model_validate_json(path.read_bytes())
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(schemas.avro(event)), data.model_dump())
        asked.append([event, base64.b64encode(out.getvalue()).decode()])
        expected.append({**data.model_dump(mode="json"), "entered_in": "before"})
    answers = json.loads(succeeds(everything, "examples", json.dumps(asked)))
    assert len(answers) == len(asked) > 20
    assert answers == expected


def test_a_rule_that_computes_is_followed_by_every_way_a_record_is_read(computed: Scratch) -> None:
    assert "TimeApproved v1 is read as v2" in succeeds(computed, "time_approved")


def test_the_names_of_the_older_major_lead_to_the_current_class(computed: Scratch) -> None:
    code = (
        "import schemas\n"
        "for name in ('time.TimeApproved', 'psf.time.TimeApproved.v1', 'psf.time.TimeApproved',\n"
        "             'psf.time.TimeApproved.v2', 'psf.time.v2.TimeApproved'):\n"
        "    assert schemas.model(name).CE_TYPE == 'psf.time.TimeApproved.v2', name\n"
        "assert schemas.model('psf.enriched.TimeApproved').SUBJECT == 'psf.enriched.v2.TimeApproved'\n"
        "assert schemas.avro('enriched.time.TimeApproved')['namespace'] == 'psf.enriched.v2'\n"
        "assert schemas.superseded('psf.time.v2.TimeApproved') is None\n"
        "assert schemas.superseded('psf.time.TimeRemoved') is None\n"
        "assert schemas.superseded('psf.enriched.TimeApproved').name.major == 1\n"
    )
    ran = computed.python(code)
    assert ran.returncode == 0, ran.stderr


def test_the_registry_has_a_subject_for_each_major(computed: Scratch) -> None:
    assert "subjects of both majors are known" in succeeds(computed, "registry")


def test_three_majors_are_taken_step_by_step(tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path)
    second = next_major("milestone.MilestoneAccepted", more=[ENTERED_IN])
    third = {**second, "namespace": "psf.milestone.v3"}
    third["fields"] = [
        {**each, "name": "source"} if each["name"] == "entered_in" else each for each in second["fields"]
    ]
    scratch.write(second, "milestone.MilestoneAccepted", 2)
    scratch.write(third, "milestone.MilestoneAccepted", 3)
    scratch.rule("milestone_MilestoneAccepted_v1_v2.py", ADDS_ENTERED_IN)
    step = 'def upgrade(old):\n    return {"source": old.pop("entered_in"), **old}\n'
    scratch.rule("milestone_MilestoneAccepted_v2_v3.py", step)
    scratch.generate()
    ran = scratch.python(
        "import schemas\n"
        "for name in ('psf.milestone.MilestoneAccepted', 'psf.milestone.v2.MilestoneAccepted'):\n"
        "    old = schemas.superseded(name)\n"
        "    head = dict.fromkeys(schemas.HEAD_FIELDS, '')\n"
        "    given = {**head, 'entered_in': 'second'} if 'v2' in name else head\n"
        "    print(old.name.major, old.upgraded(given)['source'])\n"
    )
    assert ran.stdout.split("\n")[:2] == ["1 before", "2 second"], ran.stderr


def test_an_enrichment_has_a_rule_of_its_own(computed: Scratch) -> None:
    rule = computed.top / "schemas/upgrades/enrichment_time_TimeApproved_v1_v2.py"
    rule.write_text('def upgrade(old):\n    return {**old, "target": old["target"].upper()}\n')
    ran = computed.python(
        "import schemas\n"
        "head = dict.fromkeys(schemas.HEAD_FIELDS, '')\n"
        "old = schemas.superseded('psf.enriched.TimeApproved')\n"
        "print(old.upgraded({**head, 'task': 'a', 'worked_seconds': 61, 'enrichment': {'target': 'erp'}}))\n"
    )
    rule.unlink()
    assert "'enrichment': {'target': 'ERP'}" in ran.stdout, ran.stderr
    assert "'work': {'minutes': 1, 'rest': 1}" in ran.stdout


# ------------------------------------------------------------------------------------------ what is wrong is said


@pytest.fixture(scope="module")
def unruled(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """`milestone.MilestoneAccepted` has a major 2, and no rule."""
    scratch = Scratch.make(tmp_path_factory.mktemp("unruled"))
    scratch.write(next_major("milestone.MilestoneAccepted", more=[ENTERED_IN]), "milestone.MilestoneAccepted", 2)
    scratch.generate()
    return scratch


@pytest.fixture
def one(unruled: Scratch) -> Iterator[Scratch]:
    yield unruled
    (unruled.top / "schemas/upgrades" / RULE).unlink(missing_ok=True)


RULE = "milestone_MilestoneAccepted_v1_v2.py"
LOAD = "import schemas; schemas.model('milestone.MilestoneAccepted')"


def test_a_major_without_a_rule_is_refused_and_the_file_named(one: Scratch) -> None:
    ran = one.python(LOAD)
    assert f"upgrades/{RULE}: milestone.MilestoneAccepted has a major 2, and no rule" in ran.stderr


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1\n", "it has no function `upgrade(old)`"),
        ("upgrade = 3\n", "it has no function `upgrade(old)`"),
        ("def upgrade(old:\n", "it cannot be loaded: SyntaxError"),
        ("import no_such_module\n", "it cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_rule_that_is_none_is_refused(one: Scratch, text: str, why: str) -> None:
    one.rule(RULE, text)
    assert f"upgrades/{RULE}: {why}" in one.python(LOAD).stderr


@pytest.mark.parametrize(
    ("body", "code", "why"),
    [
        ("raise ValueError(old['milestone_name'])", "upgrade-failed", f"{RULE} refuses the record: ValueError"),
        ("return old['of_tomorrow']", "upgrade-failed", f"{RULE} refuses the record: KeyError"),
        ("return None", "upgrade-failed", f"{RULE} returned a NoneType"),
        (
            "return {**old, 'entered_in': '', 'project_id': 'x'}",
            "upgrade-failed",
            f"{RULE} changes project_id: the head",
        ),
        ("return {**old}", "contract-violated", "milestone.MilestoneAccepted breaks its contract at entered_in"),
        ("return {**old, 'entered_in': 3}", "contract-violated", "breaks its contract at entered_in"),
        ("return {**old, 'entered_in': '', 'more': 1}", "contract-violated", "breaks its contract at more"),
    ],
)
def test_a_rule_that_fails_makes_a_dead_letter_without_values(one: Scratch, body: str, code: str, why: str) -> None:
    one.rule(RULE, f"def upgrade(old):\n    {body}\n")
    said = succeeds(one, "failing")
    assert said.startswith(code)
    assert why in said


def test_an_enrichment_of_another_major_than_its_event_is_refused(tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path)
    scratch.write(next_major("time.TimeApproved", more=[ENTERED_IN]), "time.TimeApproved", 2)
    ran = scratch.python("import schemas; schemas.events()")
    assert "time.TimeApproved has major 2 and its enrichment major 1; they go together" in ran.stderr


def test_a_major_that_is_missing_between_two_is_refused(tmp_path: Path) -> None:
    for major in (1, 3):
        (tmp_path / f"time.TimeApproved_v{major}.avsc").write_text("{}")
    with pytest.raises(ValueError, match="a major 1 and a major 3, and none between"):
        contract.named(tmp_path)


def test_the_highest_major_is_served_also_when_there_are_ten(tmp_path: Path) -> None:
    for major in range(1, 12):
        (tmp_path / f"time.TimeApproved_v{major}.avsc").write_text("{}")
    assert contract.named(tmp_path)["time.TimeApproved"].ce_type == "psf.time.TimeApproved.v11"
    assert contract.named(tmp_path)["time.TimeApproved"].subject == "psf.time.v11.TimeApproved"


@pytest.mark.parametrize(
    ("ce_type", "event"),
    [
        ("psf.time.TimeApproved.v1", "time.TimeApproved"),
        ("psf.enriched.time.TimeApproved.v12", "enriched.time.TimeApproved"),
        ("", ""),
        ("psf.time.TimeApproved", ""),
        ("acme.Order.v1", ""),
        ("psf.time.TimeApproved.vx", ""),
    ],
)
def test_the_event_of_a_ce_type_whichever_major(ce_type: str, event: str) -> None:
    assert schemas.event_of(ce_type) == event

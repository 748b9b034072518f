"""Pipeline files: what runs, and every mistake in them, named at once and without the secrets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import schemas
from psfabric import pipelines
from psfabric.adapters import Component
from psfabric.errors import Misconfigured
from psfabric.pipelines import Pipelines, discover

ROOT = Path(__file__).resolve().parents[2]
JIRA = """
[[source]]
name = "jira-one"
use = "jira"
[source.settings]
base_url = "https://x.invalid"
user = "u"
token = "${TOKEN}"
secret = "sssssss"
project_field = "customfield_1"
role_field = "customfield_2"
"""
SECRET = "hunter2-hunter2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def load(folder: Path, *texts: str, **env: str) -> Pipelines:
    for number, text in enumerate(texts):
        (folder / f"{number}.toml").write_text(text)
    return pipelines.load(folder, env)


def mistakes(folder: Path, *texts: str, **env: str) -> tuple[str, ...]:
    with pytest.raises(Misconfigured) as caught:
        load(folder, *texts, **env)
    return caught.value.mistakes


# ------------------------------------------------------------------------------------------------ what is declared


def test_the_checked_in_pipelines_are_whole() -> None:
    declared = checked_in()
    inputs = declared.inputs()
    assert inputs["jira-acme.hydrate"] == ("raw.jira-acme",)
    assert inputs["jira-acme"] == ("full.jira-acme",)
    assert inputs["tryton-uk"] == ("deliver.tryton-uk",)
    assert inputs["price-time"] == ("psf.time",)
    assert "project" in declared.creatable()
    made = {topic.name for topic in declared.topics()}
    assert {t for topics in inputs.values() for t in topics} <= made
    assert {f"{kind}.{name}" for name in inputs for kind in ("hold", "redo", "dlq")} <= made
    assert {"applied.tryton-uk", "psf.delivery", "fabric.cursors", "ref.project", "ref.xref"} <= made


def test_all_topics_that_one_owner_must_hold_together_have_equal_partitions() -> None:
    declared = checked_in()
    counts = {topic.name: topic.partitions for topic in declared.topics(6)}
    for component, topics in declared.inputs().items():
        together = {*topics, *(f"{kind}.{component}" for kind in ("hold", "redo", "dlq"))}
        assert {counts[name] for name in together} == {6}


def checked_in() -> Pipelines:
    folder = ROOT / "deploy/pipelines"
    names = {name for path in folder.glob("*.toml") for name in pipelines.VARIABLE.findall(path.read_text())}
    return pipelines.load(folder, {n: "https://x.invalid" if n.endswith("URL") else "x" * 40 for n in names})


def test_settings_are_filled_from_the_environment_once(folder: Path) -> None:
    declared = load(folder, JIRA, TOKEN="${HOME}-7")
    (source,) = declared.sources
    assert "${HOME}-7" in str(source.adapter.model_dump(mode="python")["token"].get_secret_value())
    assert declared.files == (folder / "0.toml",)
    assert list(declared.webhooks()) == ["jira-one"]


def test_several_files_are_one_declaration(folder: Path) -> None:
    other = JIRA.replace("jira-one", "jira-two")
    assert [d.adapter.name for d in load(folder, JIRA, other, TOKEN="t").sources] == ["jira-one", "jira-two"]


@pytest.mark.parametrize(("package", "base"), list(pipelines.KINDS.values()))
def test_every_module_with_one_adapter_is_found_by_its_name(package: str, base: type[Component]) -> None:
    found = discover(package, base)
    assert found
    assert all(cls.__module__ == f"{package}.{name}" for name, cls in found.items())


def test_every_type_that_an_adapter_names_is_of_the_contract() -> None:
    for package, base in pipelines.KINDS.values():
        for cls in discover(package, base).values():
            named = {*getattr(cls, "accepts", ()), *getattr(cls, "emits", ())}
            assert named <= set(schemas.events()), cls


# ------------------------------------------------------------------------------------------------ mistakes


def test_every_mistake_is_named_at_once(folder: Path) -> None:
    found = mistakes(
        folder,
        JIRA.replace("user =", "usr =").replace("${TOKEN}", "${NOT_THERE}"),
        '[[sinks]]\nname = "a"\n',
        '[[sink]]\nname = "Big"\nuse = "tryton"\nrrate = "1/s"\n[[processor]]\nname = "ok"\nuse = "prize_time"\n',
        "not toml at all",
        '[source]\nname = "x"\n',
    )
    text = "\n".join(found)
    for sentence in (
        "0.toml: source 'jira-one': usr is not a setting; did you mean user?",
        "0.toml: source 'jira-one': user is missing",
        "0.toml: source 'jira-one': ${NOT_THERE} is not set in the environment",
        "1.toml: [[sinks]] is unknown; did you mean sink?",
        "2.toml: sink 'Big': name:",
        "2.toml: sink 'Big': rrate is not a setting; did you mean rate?",
        "2.toml: processor 'ok': use = 'prize_time' is no module of processors/; did you mean price_time?",
        "3.toml: not TOML",
        "4.toml: write [[source]], with two brackets",
    ):
        assert sentence in text, text


def test_one_name_is_one_component_across_files_and_kinds(folder: Path) -> None:
    twin = '[[processor]]\nname = "jira-one"\nuse = "approve_time"\n'
    assert mistakes(folder, JIRA, JIRA, twin, TOKEN="t") == (
        "the name 'jira-one' is used 3 times; one name, one component",
    )


def test_a_secret_is_never_repeated(folder: Path) -> None:
    wrong = JIRA.replace('"${TOKEN}"', '["${TOKEN}"]').replace('"sssssss"', f'{{ a = "{SECRET}" }}')
    text = "\n".join(mistakes(folder, wrong, TOKEN=SECRET))
    assert "token" in text
    assert "secret" in text
    assert SECRET not in text


@pytest.mark.parametrize("reference", ["${token}", "${}", "${A-B}", "${A:-b}"])
def test_a_reference_that_could_never_be_filled_is_a_mistake(folder: Path, reference: str) -> None:
    (found,) = mistakes(folder, JIRA.replace("${TOKEN}", reference))
    assert f"{reference} is no name" in found


@pytest.mark.parametrize(
    "line",
    [
        'rate = "0/s"',
        'rate = "fast"',
        'rate = "20"',
        "in_flight = -1",
        "in_flight = 257",
        'barrier = "perhaps"',
        "settings = 3",
    ],
)
def test_a_value_out_of_bounds_is_refused(folder: Path, line: str) -> None:
    found = mistakes(folder, f'[[processor]]\nname = "a-b"\nuse = "approve_time"\n{line}\n')
    assert len(found) == 1
    assert line.partition(" ")[0] in found[0]


ROUTE = """
[[processor]]
name = "price-time"
use = "price_time"
settings = { routes = { UK01 = "tryton-uk" } }
"""
SINK = """
[[sink]]
name = "tryton-uk"
use = "tryton"
settings = { url = "http://x.invalid", database = "d", user = "u", password = "p", company = "UK01" }
"""


def test_a_route_leads_to_a_sink_that_takes_what_is_routed(folder: Path) -> None:
    assert load(folder, ROUTE, SINK).processors
    misspelt = ROUTE.replace("tryton-uk", "tryton-ukk")
    assert mistakes(folder, misspelt, SINK) == (
        "processor 'price-time': routes to 'tryton-ukk', which is no sink; did you mean tryton-uk?",
    )
    other = """
[[sink]]
name = "tryton-uk"
use = "salesforce"
settings = { base_url = "http://x.invalid", client_id = "c", client_secret = "s" }
"""
    (found,) = mistakes(folder, ROUTE, other)
    assert "which does not take it" in found
    assert "enriched.time.TimeApproved" in found


def test_a_sink_whose_table_is_wrong_is_not_also_missing(folder: Path) -> None:
    found = mistakes(folder, ROUTE, SINK.replace("company", "companny"))
    assert len(found) == 2
    assert all("sink 'tryton-uk'" in each for each in found)


def test_what_would_be_ignored_is_a_mistake(folder: Path) -> None:
    calls = ROUTE.replace("[[processor]]", '[[processor]]\nrate = "1/s"\nin_flight = 2')
    assert mistakes(folder, calls, SINK) == (
        "processor 'price-time': in_flight, rate would be ignored: it makes no calls",
    )
    barred = JIRA.replace("[[source]]", "[[source]]\nbarrier = true")
    assert mistakes(folder, barred, SINK, TOKEN="t") == (
        "source 'jira-one': barrier would be ignored: it has no key barrier",
    )


def test_a_target_that_can_only_take_things_twice_takes_nothing_that_is_money(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sinks.tryton import Tryton

    monkeypatch.setattr(Tryton, "capabilities", replace(Tryton.capabilities, idempotency="at_least_once"))
    (found,) = mistakes(folder, ROUTE, SINK)
    assert "sink 'tryton-uk'" in found
    assert "enriched.time.TimeApproved" in found
    assert "enriched.project.ProjectRequested" not in found


@pytest.mark.parametrize("name", ["a", "Upper", "under_score", "dot.ted", "-dash", "1st", "x" * 62, "é-é", "a\\n"])
def test_a_name_that_could_not_be_a_topic_for_ever_is_refused(folder: Path, name: str) -> None:
    (found,) = mistakes(folder, f'[[processor]]\nname = "{name}"\nuse = "approve_time"\n')
    assert ": name:" in found


def test_lists_of_no_tables_are_refused(folder: Path) -> None:
    assert mistakes(folder, "source = [1, 2]\nsink = 'x'\n") == (
        "0.toml: write [[source]], with two brackets",
        "0.toml: write [[sink]], with two brackets",
    )


def test_a_folder_without_pipelines_says_where_it_looked(folder: Path) -> None:
    (found,) = mistakes(folder)
    assert str(folder) in found
    assert "PSF_PIPELINES" in found


def test_what_cannot_be_read_is_a_mistake(folder: Path) -> None:
    (folder / "a.toml").mkdir()
    (folder / "b.toml").write_bytes(b'name = "\xff"')
    found = mistakes(folder)
    assert [m.partition(":")[0] for m in found] == ["a.toml", "b.toml"]


# ------------------------------------------------------------------------------------------------ the border

BORDER = """
[[processor]]
name = "{name}"
use = "border"
[[processor.settings.ingress]]
system = "{system}"
principal = "User:{system}"
sources = ["{source}"]
types = ["time.TimeSubmitted"]
"""


def border(name: str = "border", system: str = "payroll", source: str = "payroll") -> str:
    return BORDER.format(name=name, system=system, source=source)


def test_the_border_reads_what_its_systems_write(folder: Path) -> None:
    declared = load(folder, border())
    assert declared.inputs() == {"border": ("ingress.payroll",)}
    made = {topic.name: topic for topic in declared.topics()}
    assert {"ingress.payroll", "dlq.border", "redo.border", "hold.border"} <= made.keys()
    assert made["ingress.payroll"].config["message.timestamp.type"] == "LogAppendTime"
    assert made["ingress.payroll"].partitions == made["dlq.border"].partitions


def test_no_system_speaks_for_a_source_of_ours_nor_two_for_one(folder: Path) -> None:
    twice = border("border-b", "expenses", "payroll")
    assert mistakes(folder, JIRA, border(source="jira-one"), TOKEN="t") == (
        "processor 'border': a system may not claim 'jira-one', which is a source of ours",
    )
    assert mistakes(folder, border(), twice) == (
        "processor 'border-b': two systems may claim 'payroll'; one source, one system",
    )
    found = mistakes(folder, border(), border("border-b", source="other"))
    assert found == ("the topic ingress.payroll is read by the border 2 times; one system, one entry",)


def test_a_wrong_setting_of_the_border_is_named_with_its_place(folder: Path) -> None:
    (found,) = mistakes(folder, border().replace("time.TimeSubmitted", "time.TimeSubmited"))
    assert "settings" not in found
    assert "ingress.0.types: Value error, 'time.TimeSubmited' is no event that systems may publish" in found

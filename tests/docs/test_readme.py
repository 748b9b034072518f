"""Every command of README, CONTRIBUTING and docs/ is run here, or the test that runs it is named.

The commands of `psfabric` are run page by page, in their order, on a real broker and registry with the topics of the
checked-in pipelines. What an event needs of the running fabric (its dead letter, the receipt after a replay) is
planted. What would start a whole stack is in ELSEWHERE.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import execute
from psfabric import pipelines
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Write, receipts
from psfabric.event import Event
from psfabric.kafka import Admin, Producer
from psfabric.registry import Registry
from replay import open_dead_letters
from schemas import Topic
from tests.docs.pages import GUIDES, PSFABRIC, ROOT, Command, commands, name
from tests.replay import strangers
from tests.replay.conftest import registry
from tests.replay.jira import Rounding, full, mapping_of
from tests.replay.plant import Plant
from tests.replay.sources import SourcePlant

__all__ = ["registry"]

ELSEWHERE = {
    "make demo": ("tests.cli.test_demo.test_the_working_day_balances", "what make calls; it takes minutes"),
    "make test": ("tests.docs.test_readme.test_every_command_is_run_or_covered", "it is this run"),
    "make test-faults": (
        "tests.faults.test_small.test_the_whole_road_outlives_deaths_at_a_sample_of_its_points",
        "the same harness, a sample of it",
    ),
    "make test-large": (
        "tests.replay.test_killed.test_of_two_operators_who_apply_at_the_same_time_one_sends_each_record_once",
        "the same incidents in full size, an hour of both cores",
    ),
    "make bench": ("tests.docs.test_readme.test_every_command_is_run_or_covered", "minutes of both cores"),
    "make check": ("tests.deploy.test_environment.test_make_help_lists_every_target", "merged work has passed it"),
    "make schema-check": (
        "tests.deploy.test_ci.test_make_schema_check_reviews_a_clean_clone",
        "what it finds depends on the branch that is checked out",
    ),
    "make venv": ("tests.deploy.test_environment.test_python_3_10_is_refused_in_a_sentence", "this run came out of it"),
    "make up": ("tests.deploy.test_command.test_up_status_restart_logs_down", "the demo test starts all parts"),
    "make down": ("tests.deploy.test_command.test_up_status_restart_logs_down", "the same code, with a small part"),
    "make status": ("tests.deploy.test_command.test_up_status_restart_logs_down", "the same code, with a small part"),
    "make logs": ("tests.deploy.test_command.test_up_status_restart_logs_down", "the same code, with a small part"),
    "make restart": ("tests.deploy.test_command.test_up_status_restart_logs_down", "the same code, with a small part"),
    ".venv/bin/python -m sandbox play": (
        "tests.sandbox.test_play.test_the_month_is_played_into_a_running_sandbox",
        "needs the vendors",
    ),
    f"{PSFABRIC} replay verify": (
        "tests.cli.test_recovery.test_plan_apply_verify_bring_a_refused_record_home",
        "waits for a receipt of every record, and other tests leave dead letters in the same topics",
    ),
    **{
        f"{PSFABRIC} replay {order}": (
            "tests.cli.test_applying.test_orders_are_obeyed_and_status_tells_of_them",
            "the plan of the page is applied by then, and is no longer to be ordered about",
        )
        for order in ("pause", "resume", "cancel")
    },
    f"{PSFABRIC} schema diff": (
        "tests.cli.test_schema_diff.test_findings_are_json_as_promised_and_exit_1",
        "the files are those of whoever reads the page",
    ),
    f"{PSFABRIC} schema check": (
        "tests.schemas.review.test_check.test_the_comment_of_a_clean_branch_says_that_it_passes",
        "what it finds depends on the branch that is checked out",
    ),
    f"{PSFABRIC} schema register": (
        "tests.cli.test_registering.test_only_what_the_main_line_has_is_registered",
        "what is checked out need not be the main line",
    ),
    f"{PSFABRIC} schema drift": (
        "tests.cli.test_registering.test_a_version_that_no_commit_had_is_drift_and_one_of_the_main_line_is_not",
        "what is checked out need not be the main line",
    ),
    f"{PSFABRIC} statement": ("tests.cli.test_demo.test_the_working_day_balances", "needs the vendors and the ERP"),
}
"""Beginning of a documented command -> the test that covers it, and why it is not run here."""

EXIT = {"where": {0, 1}, "topics": {0, 1}}
"""What may be answered besides 0: nothing is known of the objects of the tour; other tests made some of the topics with
settings of their own, so that a plan has something to do."""

VENDORS = {
    "PSF_JIRA_URL": "http://127.0.0.1:1",
    "PSF_JIRA_USER": "fabric@acme.example",
    "PSF_JIRA_TOKEN": "token",
    "PSF_JIRA_WEBHOOK_SECRET": "secret",
    "PSF_SALESFORCE_URL": "http://127.0.0.1:1",
    "PSF_SALESFORCE_PUBSUB": "127.0.0.1:1",
    "PSF_SALESFORCE_CLIENT_ID": "id",
    "PSF_SALESFORCE_CLIENT_SECRET": "secret",
    "PSF_TRYTON_URL": "http://127.0.0.1:1",
    "PSF_TRYTON_DATABASE": "acme",
    "PSF_TRYTON_USER": "fabric",
    "PSF_TRYTON_PASSWORD": "secret",
}
"""Nobody is called: the commands that call are ELSEWHERE."""


def elsewhere(command: Command) -> str | None:
    text = " ".join(command.words)
    return next((covered for start, (covered, _) in ELSEWHERE.items() if f"{text} ".startswith(f"{start} ")), None)


ALL = [command for page in GUIDES for command in commands(page)]


def test_every_command_is_run_or_covered() -> None:
    assert len(ALL) > 30
    for command in ALL:
        assert command.words[0] == PSFABRIC or elsewhere(command), f"{command.page}: nothing tests `{command}`"


def test_what_is_covered_elsewhere_exists_and_is_documented() -> None:
    for start, (test, _) in ELSEWHERE.items():
        module, _, function = test.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function)), test
        assert any(f"{' '.join(command.words)} ".startswith(f"{start} ") for command in ALL), f"{start} is nowhere"


class _Person(io.StringIO):
    """Somebody at a terminal who says yes."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def acme(
    kafka: Kafka, registry: Registry, registry_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Plant]:
    """The checked-in pipelines on the real broker, their topics made; nothing of it runs."""
    codec, producer = Codec(registry), Producer(kafka, "tests")
    planted = Plant(kafka, registry_url, ROOT / "deploy/pipelines", "tryton-uk", codec, producer)
    for variable, value in (planted.environment() | VENDORS).items():
        monkeypatch.setenv(variable, value)
    (tmp_path / "endpoints.env").touch()
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.setenv("PSF_ENDPOINTS", str(tmp_path / "endpoints.env"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", _Person("y\n" * 9))
    Admin(kafka).apply(pipelines.load(planted.folder, VENDORS).topics())
    yield planted
    producer.close()


def refused(acme: Plant) -> Event:
    """A worklog that the ERP has refused: what the pages go on with. What earlier ones left came home: a plan of more
    than a few records would wait for the answers of a component that is not there."""
    for letter in open_dead_letters(acme.kafka, [acme.name]):
        acme.receipt(letter.about, "terminal", receipts.passed_on(acme.name, letter.about, letter.type))
    event = acme.time_event()
    acme.bury(acme.record(event, partition=1))
    return event


def failed_elsewhere(acme: Plant) -> None:
    """An order that Kafka Connect could not read."""
    names = ("orders", "orders-dlq")
    Admin(acme.kafka).apply([Topic(name=n, partitions=2, config={}, rule="test", tombstones=True) for n in names])
    acme.write(Write("orders-dlq", b"order-7", b"{", strangers.connect(), 0))


def mended(acme: Plant) -> None:
    """A worklog that Jira's mapping rounded down, and that the mapping of this release does not."""
    jira = SourcePlant(acme, "jira-acme", thin=True)
    (event,) = jira.say(jira.store(full(10066, 5400)), mapping_of(Rounding, jira.name))
    jira.apply(jira.send(event))
    jira.read()


@pytest.mark.parametrize("page", [page for page in GUIDES if commands(page)], ids=name)
def test_the_commands_of_a_page_run(page: Path, acme: Plant, capfd: pytest.CaptureFixture[str]) -> None:
    refused(acme)
    failed_elsewhere(acme)
    mended(acme)
    for command in commands(page):
        if elsewhere(command):
            continue
        words = command.words[1:]
        code = execute(words)
        assert code in EXIT.get(words[0], {0}), f"{command}: exit {code}: {capfd.readouterr().err}"

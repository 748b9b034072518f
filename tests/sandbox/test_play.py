"""`python -m sandbox play`: a month by hand, or a sentence that says why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.__main__ import main
from sandbox.control import Control
from sandbox.play import NotPlayed, endpoints, play
from sandbox.tryton_admin import TrytonAdmin
from tests.conftest import TrytonServer
from tests.sandbox.conftest import Receiver, start, stop

NOWHERE = {
    "PSF_TRYTON_URL": "http://127.0.0.1:1",
    "PSF_TRYTON_DATABASE": "acme",
    "PSF_TRYTON_USER": "fabric",
    "PSF_TRYTON_PASSWORD": "x",
}


@pytest.fixture
def fresh(door: Receiver) -> Iterator[dict[str, str]]:
    """A sandbox that was not played into yet: the environment that says where it is."""
    process = start()
    assert process.stdout
    where = json.loads(process.stdout.readline())
    yield {
        "PSF_JIRA_URL": where["jira"],
        "PSF_SALESFORCE_URL": where["salesforce"],
        "PSF_INTAKE_URL": door.url,
        **NOWHERE,
    }
    stop(process)


def test_the_month_is_played_into_a_running_sandbox(fresh: dict[str, str]) -> None:
    said: list[str] = []
    play(fresh, 1, ("contracts", "work"), said.append)
    assert said == ["two opportunities are won, two are still negotiated", "a month of work is logged"]
    with Control(fresh["PSF_JIRA_URL"], fresh["PSF_SALESFORCE_URL"]) as control:
        assert {o["StageName"] for o in control.records("Opportunity")} == {"Closed Won"}
        assert len(control.worklogs()) > 500


def test_played_twice_says_how_to_begin_afresh(fresh: dict[str, str]) -> None:
    play(fresh, 1, ("contracts",), lambda sentence: None)
    with pytest.raises(NotPlayed, match="make restart PART=sandbox"):
        play(fresh, 1, ("contracts",), lambda sentence: None)


def test_people_are_onboarded_and_the_missing_one_only_when_asked(fresh: dict[str, str], tryton: TrytonServer) -> None:
    env = fresh | {
        "PSF_TRYTON_URL": tryton.url,
        "PSF_TRYTON_DATABASE": tryton.database,
        "PSF_TRYTON_USER": tryton.user,
        "PSF_TRYTON_PASSWORD": tryton.password,
    }
    admin = TrytonAdmin(tryton.url, tryton.database, tryton.user, tryton.password)
    missing = [["external_id", "=", "UK01:resource:712020:5eed0000-0000-4000-8000-000000000012"]]
    play(env, 1, ("people",), lambda sentence: None)
    before = admin.count("company.employee", missing)
    play(env, 1, ("missing_person",), lambda sentence: None)
    assert (before, admin.count("company.employee", missing)) == (0, 1)


def test_a_stack_that_is_away_is_a_sentence() -> None:
    away = {"PSF_JIRA_URL": "http://127.0.0.1:1", "PSF_SALESFORCE_URL": "http://127.0.0.1:1", "PSF_INTAKE_URL": "x"}
    with pytest.raises(NotPlayed, match="make status"):
        play(away | NOWHERE, 1, ("contracts",), lambda sentence: None)


def test_missing_addresses_are_named_and_an_endpoints_file_gives_them(tmp_path: Path) -> None:
    with pytest.raises(NotPlayed, match=r"PSF_INTAKE_URL.*make up"):
        endpoints({"PSF_ENDPOINTS": str(tmp_path / "none.env"), "PSF_JIRA_URL": "http://a", **NOWHERE})
    path = tmp_path / "endpoints.env"
    path.write_text("# made by a test\nPSF_JIRA_URL=http://b\nPSF_SALESFORCE_URL=http://c\nPSF_INTAKE_URL=http://d\n")
    known = endpoints({"PSF_ENDPOINTS": str(path), "PSF_JIRA_URL": "http://a", **NOWHERE})
    assert (known["PSF_JIRA_URL"], known["PSF_INTAKE_URL"]) == ("http://a", "http://d")


def test_an_unknown_act_is_exit_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["sandbox", "play", "christmas"])
    assert main() == 2
    assert "no act is called christmas" in capsys.readouterr().err

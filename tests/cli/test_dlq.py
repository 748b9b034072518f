"""`psfabric dlq`: filters, groups, and one dead letter closer, on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli import exits, show
from psfabric.errors import Parent
from replay.reading import Place
from replay.states import State, Stored
from tests.cli.conftest import Run
from tests.replay.plant import Plant, event_of, example

AT = "2026-07-01T09:00:00.000000Z"


@pytest.fixture
def months(here: Plant) -> Plant:
    """1.5 h at 125 GBP in May and twice in June, and a notice that is no event."""
    for day in ("2026-05-31", "2026-06-01", "2026-06-30"):
        here.bury(here.record(here.time_event(work_date=day)))
    here.bury(here.raw(b"{", "n-1"), code="malformed-json")
    return here


def listed(run: Run, *options: str) -> list[str]:
    letters: list[dict[str, Any]] = run("dlq", "list", "--output", "json", *options).json["dead_letters"]
    return [each["id"].rpartition("/")[2] for each in letters]


def test_filters_on_content_choose_and_say_what_they_cannot_judge(run: Run, months: Plant) -> None:
    client = example("enriched.time.TimeApproved").enrichment.client_id  # type: ignore[attr-defined]
    assert listed(run, "--period", "2026-06") == ["1", "2"]
    assert listed(run, "--client", client, "--entity", "UK01") == ["0", "1", "2"]
    assert listed(run, "--client", "nobody") == []
    assert listed(run, "--id", "10066") == ["3"]
    ran = run("dlq", "list", "--period", "2026-05")
    assert "1 more may belong here" in ran.err
    assert "1 in all" in ran.out


def test_a_plan_is_made_with_the_same_filters(run: Run, months: Plant, tmp_path: Any) -> None:
    file = str(tmp_path / "plan.json")
    made = run("replay", "plan", "--period", "2026-06", "--entity", "UK01", "--to", file, "--output", "json").json[
        "plan"
    ]
    assert [entry["offset"] for entry in made["entries"]] == [1, 2]
    assert made["selection"] == {"entity": ["UK01"], "period": ["2026-06"]}
    assert [(each["period"], each["hours"]) for each in made["worth"]] == [("2026-06", "3.0000")]


WRONG = [
    (("--period", "2026-13"), "'2026-13' is no accounting period; write YYYY-MM"),
    (("--period", "June"), "is no accounting period"),
    (("--state", "lost"), "there is open, replayed, delivered, failed-again, discarded, amended"),
    (("--since", "yesterday"), "is no date, instant or age"),
    (("--since", "1h", "--until", "2h"), "an --until that is not later"),
    (("--component", "nobody"), "no component 'nobody'"),
    (("--code", "nothing-of-that-kind"), "no code 'nothing-of-that-kind'"),
    (("--type", "time.Nothing"), "time.Nothing"),
    (("--limit", "0"), "--limit"),
]


def sentence(err: str) -> str:
    """Without the frame that typer draws."""
    return " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("verb", [("dlq", "list"), ("dlq", "stats"), ("replay", "plan")], ids=" ".join)
def test_a_filter_that_is_none_is_exit_2_with_what_is_allowed(run: Run, here: Plant, verb: tuple[str, ...]) -> None:
    for options, said in WRONG:
        ran = run(*verb, *options)
        assert ran.code == exits.USAGE
        assert said in sentence(ran.err)


def test_the_registry_being_away_stops_a_filter_on_content_and_nothing_else(
    run: Run, months: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSF_REGISTRY_URL", "http://127.0.0.1:1")
    assert run("dlq", "list").code == exits.CLEAN
    counted = run("dlq", "stats")
    assert (counted.code, "4 in all" in counted.out) == (exits.CLEAN, True)
    assert "Time and money are not known of all" in counted.err
    assert run("dlq", "stats", "--output", "json").json["worth_unknown_because"]
    refused = run("dlq", "list", "--client", "C-1")
    assert (refused.code, refused.out) == (exits.UNREACHABLE, "")
    assert "client, legal entity and period are not known" in refused.err


# ------------------------------------------------------------------------------------------------ stats


def test_stats_count_by_cause_with_time_and_money(run: Run, months: Plant) -> None:
    body = run("dlq", "stats", "--output", "json").json
    assert [(c["code"], c["records"], c["hours"], c["money"]) for c in body["causes"]] == [
        ("malformed-json", 1, "0.0000", {}),
        ("resource-unknown", 3, "4.5000", {"GBP": "562.5"}),
    ]
    assert [(w["legal_entity"], w["currency"], w["period"], w["hours"]) for w in body["worth"]] == [
        ("UK01", "GBP", "2026-05", "1.5000"),
        ("UK01", "GBP", "2026-06", "3.0000"),
    ]
    assert (body["total"], body["hours"], body["money"], body["without_worth"]) == (4, "4.5000", {"GBP": "562.5"}, 1)
    assert "groups" not in body
    table = run("dlq", "stats")
    assert "4 in all, 4.5000 hours, 562.5 GBP." in table.out
    assert "1 are no events, or cannot be read" in table.out


def test_stats_count_by_what_is_asked_for(run: Run, months: Plant) -> None:
    body = run("dlq", "stats", "--by", "period", "--by", "currency", "--output", "json").json
    assert [(g["period"], g["currency"], g["records"], g["hours"]) for g in body["groups"]] == [
        ("", "", 1, "0.0000"),
        ("2026-05", "GBP", 1, "1.5000"),
        ("2026-06", "GBP", 2, "3.0000"),
    ]
    assert "2026-06" in run("dlq", "stats", "--by", "period").out
    wrong = run("dlq", "stats", "--by", "weather")
    assert (wrong.code, "there is cause, component, client" in sentence(wrong.err)) == (exits.USAGE, True)


def test_stats_of_nothing_say_so(run: Run, here: Plant) -> None:
    assert run("dlq", "stats").out == "No open dead letters.\n"
    body = run("dlq", "stats", "--output", "json").json
    assert (body["causes"], body["worth"], body["total"], body["money"]) == ([], [], 0, {})


def test_a_long_list_is_shown_page_by_page_and_as_one_json(
    run: Run, months: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "PAGE", 2)
    ran = run("dlq", "list")
    assert (ran.out.count("failed at"), "4 in all" in ran.out) == (2, True)
    text = run("dlq", "list", "--output", "json").out
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    assert run("dlq", "list", "--code", "bug", "--output", "json").out == '{\n  "dead_letters": []\n}\n'


# ------------------------------------------------------------------------------------------------ show


def replayed(here: Plant, offset: int) -> None:
    place = Place(f"dlq.{here.name}", 0, offset)
    here.write(Stored(place, State.REPLAYED, AT, "anna@desk", "act-1", "c0ffee").to_write())


def closer(run: Run, here: Plant, offset: int = 0, *options: str) -> Any:
    return run("dlq", "show", f"{here.name}/0/{offset}", "--output", "json", *options).json


def test_show_tells_the_history_and_where_the_record_stands(run: Run, here: Plant, tmp_path: Any) -> None:
    event, plan = here.time_event(), str(tmp_path / "plan.json")
    record = here.record(event)
    here.bury(record)
    assert closer(run, here)["now"] == "It is open: nobody has replayed, amended or discarded it."
    run("replay", "plan", "--to", plan)
    run("replay", "apply", plan, "--yes", "--reason", "on-boarded")
    here.refuse(event)
    here.bury(record, code="erp-refused", why="still not")
    here.hold(record)
    waits = closer(run, here, 1)
    assert waits["now"].startswith(f"It waits at {here.name} since")
    here.release(record)
    here.deliver(event)
    first = closer(run, here)
    assert (first["state"], first["again"], first["failures"]) == ("failed again", f"{here.name}/0/1", 2)
    assert (
        first["now"]
        == f"It failed again as {here.name}/0/1. It was delivered, or need not be any more: nobody has to do anything."
    )
    told = [(moment["what"], moment["who"] != "", moment["reason"]) for moment in first["history"]]
    assert told == [
        ("failed", False, ""),
        ("replayed", True, "on-boarded"),
        ("receipt: rejected", False, ""),
        ("failed", False, ""),
        ("receipt: delivered", False, ""),
    ]
    assert first["history"][3]["detail"] == "erp-refused: still not"
    assert first["history"][1]["plan"] == json.loads((tmp_path / "plan.json").read_text())["hash"]
    assert "on-boarded" in run("dlq", "show", f"{here.name}/0/0").out


def test_show_tells_of_a_replay_without_an_answer_and_of_a_discard(run: Run, here: Plant) -> None:
    here.bury(here.record(here.time_event()))
    replayed(here, 0)
    assert closer(run, here)["now"] == "It was replayed; no answer has come yet."
    run("dlq", "discard", f"{here.name}/0/0", "--reason", "test data")
    found = closer(run, here)
    assert (found["state"], found["now"]) == ("discarded", "An operator discarded it.")
    assert [(m["what"], m["reason"]) for m in found["history"]][-1] == ("discard was asked for", "test data")


def test_discard_is_stored_with_its_request_so_that_asking_again_does_nothing(run: Run, here: Plant) -> None:
    here.bury(here.record(here.time_event()))
    id = f"{here.name}/0/0"
    run("dlq", "discard", id, "--reason", "test data")
    assert f"{id} is discarded already" in run("dlq", "discard", id, "--reason", "again").out
    assert len(here.redone()) == 1
    assert listed(run) == []
    assert listed(run, "--all") == listed(run, "--state", "discarded") == ["0"]


def test_older_failures_are_listed_when_asked_for(run: Run, here: Plant) -> None:
    record = here.record(here.time_event())
    here.bury(record)
    here.bury(record)
    assert listed(run) == listed(run, "--all") == ["1"]
    assert listed(run, "--state", "failed-again") == ["0"]
    assert f"failed again as {here.name}/0/1" in run("dlq", "list", "--state", "failed-again").out


@pytest.mark.parametrize("verb", ["dlq", "hold"])
def test_reveal_is_refused_where_the_settings_do_not_permit_it(
    run: Run, here: Plant, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = here.record(event_of(example("client.ClientOnboarded")))
    here.bury(record)
    here.hold(record, Parent("project", "P-1"))
    id = f"{here.name}/0/0" if verb == "dlq" else f"{here.name}/{record.coordinates}"
    assert "Leeds" in run(verb, "show", id, "--reveal").out
    monkeypatch.setenv("PSF_REVEAL", "false")
    refused = run(verb, "show", id, "--reveal")
    assert (refused.code, refused.out) == (exits.REFUSED, "")
    assert "PSF_REVEAL is false" in refused.err
    assert run(verb, "show", id).code == exits.CLEAN
    monkeypatch.setenv("PSF_REVEAL", "no")
    assert run(verb, "show", id).code == exits.USAGE

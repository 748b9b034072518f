"""Dead letters of others on the command line: list, show, stats, and a replay to a topic of the operator's choice."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import exits
from psfabric.engine import Write
from psfabric.kafka import read_topic
from tests.cli.conftest import Run
from tests.replay import strangers
from tests.replay.plant import Plant
from tests.replay.strangers import OWN, REFUSED, STRANGERS
from tests.replay.test_foreign import lay, topic

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "dlq_dialects" / "cases.jsonl"
KEYS = {
    "id", "dialect", "origin", "stage", "code", "exception", "message", "key", "first_failed_at", "timestamp",
    "value_size", "value_hash", "first_failure", "details", "derived", "notes",
}  # fmt: skip


def listed(run: Run, *args: str) -> Any:
    ran = run("dlq", "list", *args, "--output", "json")
    assert ran.code == exits.CLEAN, ran.err
    assert list(ran.json) == ["dead_letters"]
    return ran.json["dead_letters"]


def as_list_tells(expected: dict[str, Any]) -> dict[str, Any]:
    origin = {name: expected.get(name) for name in ("topic", "partition", "offset", "group")}
    rest = {name: expected.get(name) for name in ("stage", "code", "exception", "message", "first_failed_at")}
    return {"origin": origin, **rest}


def test_every_dialect_is_listed_alike_with_every_key_there(run: Run, here: Plant) -> None:
    where = topic(here.kafka)
    lay(here, where, *STRANGERS)
    letters = listed(run, "--topic", where)
    assert [x["id"] for x in letters] == [f"{where}/0/{n}" for n in range(len(STRANGERS))]
    for letter, stranger in zip(letters, STRANGERS.values(), strict=True):
        assert letter.keys() == KEYS
        told = as_list_tells(stranger.expected)
        assert {name: letter[name] for name in told} == told
        assert letter["dialect"] == stranger.dialect
        assert letter["key"] == (stranger.key and "order-7")
        assert letter["value_size"] == len(stranger.value or b"")


def test_ours_are_read_by_their_topic_too(run: Run, here: Plant) -> None:
    here.bury(here.record(here.time_event(), offset=4711))
    (letter,) = listed(run, "--topic", f"dlq.{here.name}")
    assert letter["dialect"] == "fabric"
    assert letter["origin"] == {"topic": f"deliver.{here.name}", "partition": 0, "offset": 4711, "group": here.name}
    assert (letter["code"], letter["stage"]) == ("resource-unknown", "sink")
    assert letter["first_failed_at"] == "2026-06-03T17:00:00.000000Z"


def cases() -> list[dict[str, Any]]:
    if not CASES.exists():
        pytest.skip(f"{CASES} is not here: the records that the real frameworks wrote")
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def decoded(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def judged(case: dict[str, Any], letter: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each field and whether it is right, left open because its dialect does not carry it, or wrong."""
    expected, first = case["expected"], case["expected"]["first_failure"]
    fields = {
        "original_topic": letter["origin"]["topic"],
        "original_partition": letter["origin"]["partition"],
        "original_offset": letter["origin"]["offset"],
        "group": letter["origin"]["group"],
        "exception_class": letter["exception"],
        "stage": letter["stage"],
        **{name: letter["details"].get(name) for name in ("rule", "subject", "delivery_count") if name in expected},
    }
    for name, told in fields.items():
        right = told == expected[name]
        yield name, "right" if right else "open" if told is None and name in case["not_carried"] else "wrong"
    wanted = expected["message_contains"]
    if wanted is not None:
        yield "message", "right" if wanted in (letter["message"] or "") else "wrong"
    yield "dialect", "right" if letter["dialect"] == case["framework"] else "wrong"
    key = decoded(case["key_b64"])
    yield "key", "right" if letter["key"] == (None if key is None else key.decode()) else "wrong"
    yield "first_failure", "right" if (letter["first_failure"] is None) == (first is None) else "wrong"
    if first is not None and letter["first_failure"] is not None:
        told = letter["first_failure"]["origin"]
        place = (first["original_topic"], first["original_partition"], first["original_offset"])
        yield "first place", "right" if (told["topic"], told["partition"], told["offset"]) == place else "wrong"


def test_the_records_that_the_real_frameworks_wrote_are_read_as_they_were_made(run: Run, here: Plant) -> None:
    written, where = cases(), topic(here.kafka, 1)
    for case in written:
        own = tuple((name, decoded(value)) for name, value in case["headers"])
        here.write(Write(where, decoded(case["key_b64"]), decoded(case["value_b64"]), own, 0))
    letters = listed(run, "--topic", where)
    assert len(letters) == len(written)
    found = [
        (case["id"], *each) for case, letter in zip(written, letters, strict=True) for each in judged(case, letter)
    ]
    counts = Counter(verdict for _, _, verdict in found)
    print(f"{len(written)} records of real frameworks: {dict(counts)}")
    assert [each for each in found if each[2] == "wrong"] == []
    assert not [note for letter in letters for note in letter["notes"]]


def test_the_records_of_real_frameworks_go_home_as_they_were_sent_first(run: Run, here: Plant, tmp_path: Path) -> None:
    """Key, value and own headers, but for the traps that the page names."""
    written, where, to = cases(), topic(here.kafka, 1), topic(here.kafka, 1)
    for case in written:
        own = tuple((name, decoded(value)) for name, value in case["headers"])
        here.write(Write(where, decoded(case["key_b64"]), decoded(case["value_b64"]), own, 0))
    path = str(tmp_path / "plan.json")
    assert run("replay", "plan", "--topic", where, "--to-topic", to, "--to", path).code == exits.CLEAN
    assert run("replay", "apply", path, "--yes").code == exits.CLEAN
    sent = Counter((record.key, record.value) for record in read_topic(here.kafka, to))
    assert sent == Counter((decoded(case["key_b64"]), decoded(case["value_b64"])) for case in written)
    headers = {(record.key, record.value): record.headers for record in read_topic(here.kafka, to)}
    for case in written:
        first = tuple((name, decoded(value)) for name, value in case["source"]["headers"])
        got = headers[decoded(case["key_b64"]), decoded(case["value_b64"])]
        added = tuple(pair for pair in got if pair[0].endswith("TypeId__"))  # of Spring's own serializer
        assert tuple(pair for pair in got if pair not in added) == first, case["id"]


def test_a_topic_and_a_component_exclude_each_other(run: Run, here: Plant) -> None:
    where = topic(here.kafka)
    for verb in (("dlq", "list"), ("dlq", "stats"), ("replay", "plan", "--to-topic", where)):
        for option in (("--component", here.name), ("--type", "time.TimeApproved")):
            ran = run(*verb, "--topic", where, *option)
            assert ran.code == exits.USAGE
            assert "goes not with --topic" in ran.err


@pytest.mark.parametrize("verb", [("dlq", "list"), ("dlq", "stats"), ("dlq", "show", "0/0")], ids=" ".join)
def test_a_topic_that_is_not_there_is_exit_2_with_the_nearest(run: Run, here: Plant, verb: tuple[str, ...]) -> None:
    where = topic(here.kafka)
    ran = run(*verb, "--topic", where[:-1], "--output", "json")
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert f"no topic '{where[:-1]}'; did you mean" in ran.err
    assert where in ran.err


def test_filters_that_make_sense_apply(run: Run, here: Plant) -> None:
    where = topic(here.kafka)
    lay(here, where, "connect", "rules", "arroyo")
    assert [x["dialect"] for x in listed(run, "--topic", where, "--code", "OrderRefused")] == ["connect"]
    assert [x["dialect"] for x in listed(run, "--topic", where, "--code", "articleKnown")] == ["rules"]
    assert listed(run, "--topic", where, "--until", "2020-01-01") == []
    assert len(listed(run, "--topic", where, "--limit", "2")) == 2
    assert "No dead letter in" in run("dlq", "list", "--topic", where, "--key", "nobody").out


def test_the_table_says_what_the_json_says(run: Run, here: Plant) -> None:
    where = topic(here.kafka)
    lay(here, where, "connect", "unknown")
    ran = run("dlq", "list", "--topic", where)
    assert ran.code == exits.CLEAN
    assert f"{where}/0/1" in ran.out
    assert "orders/2/41" in ran.out
    assert REFUSED in ran.out
    assert "2 in all" in ran.out
    assert "Nothing lies in" in run("dlq", "list", "--topic", topic(here.kafka)).out


def test_show_decodes_binary_numbers_and_covers_what_may_be_personal(run: Run, here: Plant) -> None:
    where = topic(here.kafka)
    lay(here, where, "spring")
    covered = run("dlq", "show", f"{where}/0/0", "--output", "json").json
    headers = [tuple(pair) for pair in covered["headers"]]
    assert ("kafka_dlt-original-partition", 2) in headers
    assert ("kafka_dlt-original-offset", 41) in headers
    assert ("kafka_dlt-original-timestamp", "2026-03-04T15:30:47.627+00:00") in headers
    assert [value for name, value in headers if name == "tag"] == ["***", "***"]
    assert ("none", None) in headers
    assert covered["payload"].startswith("16 bytes")
    shown = run("dlq", "show", "0/0", "--topic", where, "--reveal", "--output", "json").json
    assert [value for name, value in map(tuple, shown["headers"]) if name == "tag"] == ["one", "two"]
    assert shown["payload"] == '{"article": "x"}'
    table = run("dlq", "show", f"{where}/0/0")
    assert table.code == exits.CLEAN
    assert "article" not in table.out.replace("no such article", "")


def test_show_of_a_hostile_record_says_what_could_not_be_read(run: Run, here: Plant) -> None:
    where = topic(here.kafka)
    hostile = (*strangers.spring_cause(message="\x1b[2J"), ("kafka_dlt-original-offset", b"\xff\xfe"))
    here.write(Write(where, b"\xff\x00", None, (*hostile, ("kafka_dlt-exception-stacktrace", b"x" * 300_000)), 0))
    (letter,) = listed(run, "--topic", where)
    assert letter["notes"] == ["kafka_dlt-original-offset has 2 bytes, not 8"]
    assert (letter["key"], letter["value_size"], letter["origin"]["offset"]) == ("\\xff\x00", None, None)
    ran = run("dlq", "show", f"{where}/0/0")
    assert ran.code == exits.CLEAN
    assert "\x1b" not in ran.out
    assert "has 2 bytes, not 8" in ran.out
    assert len(ran.out) < 20_000


@pytest.mark.parametrize(
    "id", ["{topic}/0/7", "{topic}/9/0", "{topic}/x/0", "{topic}/0/-1", "{topic}/0", "{topic}", "{topic}/0/²"]
)
def test_show_of_a_place_where_nothing_lies_is_exit_2(run: Run, here: Plant, id: str) -> None:
    where = topic(here.kafka)
    lay(here, where, "connect")
    ran = run("dlq", "show", id.format(topic=where))
    assert ran.code == exits.USAGE
    assert ran.err


def test_an_id_of_another_topic_than_the_one_named_is_exit_2(run: Run, here: Plant) -> None:
    where, other = topic(here.kafka), topic(here.kafka)
    ran = run("dlq", "show", f"{other}/0/0", "--topic", where)
    assert ran.code == exits.USAGE
    assert f"lies in {other}, not in {where}" in ran.err


def test_stats_count_by_dialect_and_cause(run: Run, here: Plant) -> None:
    where = topic(here.kafka)
    lay(here, where, "connect", "connect", "rules", "unknown")
    body = run("dlq", "stats", "--topic", where, "--output", "json").json
    assert [(c["dialect"], c["code"], c["exception"], c["records"]) for c in body["causes"]] == [
        ("connect", None, REFUSED, 2),
        ("rules", "articleKnown", None, 1),
        ("unknown", None, None, 1),
    ]
    assert (body["topic"], body["total"], body["causes"][0]["bytes"]) == (where, 4, 32)
    assert body["causes"][0]["oldest"] <= body["causes"][0]["newest"]
    assert REFUSED in run("dlq", "stats", "--topic", where).out
    assert "goes not with --topic" in run("dlq", "stats", "--topic", where, "--by", "client").err


def test_plan_apply_verify_bring_records_of_others_to_a_topic_of_choice(run: Run, here: Plant, tmp_path: Path) -> None:
    where, to, plan = topic(here.kafka), topic(here.kafka), str(tmp_path / "plan.json")
    lay(here, where, "spring", "connect")
    made = run("replay", "plan", "--topic", where, "--to-topic", to, "--code", "OrderRefused", "--to", plan)
    assert made.code == exits.CLEAN, made.err
    assert f"Targets touched: {to}." in made.out
    assert "keeps the timestamp" in made.out
    early = run("replay", "verify", plan)
    assert (early.code, "not applied yet" in early.err) == (exits.USAGE, True)
    assert run("replay", "apply", plan, "--reason", "article added", "--yes").code == exits.CLEAN
    sent = read_topic(here.kafka, to)
    assert sorted((x.key, x.value, x.headers) for x in sent) == [(b"order-7", b'{"article": "x"}', OWN)] * 2
    ran = run("replay", "verify", plan)
    assert ran.code == exits.CLEAN
    assert f"2 of 2 were sent to {to}. Its readers are none of ours" in ran.out
    body = run("replay", "verify", plan, "--output", "json").json
    assert (body["home"], body["counts"]) == (True, {"sent": 2, "not sent": 0})
    assert run("replay", "apply", plan, "--yes").out.startswith("This plan was already applied")
    assert len(read_topic(here.kafka, to)) == 2


@pytest.mark.parametrize(
    ("to", "code", "says"),
    [
        ("redo.{name}", exits.REFUSED, "--component"),
        ("dlq.{name}", exits.REFUSED, "--component"),
        ("hold.{name}", exits.REFUSED, "--component"),
        ("fabric.operations", exits.REFUSED, "--component"),
        ("{topic}", exits.REFUSED, "is where they lie"),
        ("{topic}x", exits.USAGE, "did you mean {topic}"),
    ],
)
def test_a_target_that_may_not_be_written_to_is_refused_and_no_plan_made(
    run: Run, here: Plant, tmp_path: Path, to: str, code: int, says: str
) -> None:
    where, path = topic(here.kafka), tmp_path / "plan.json"
    lay(here, where, "connect")
    names = {"name": here.name, "topic": where}
    ran = run("replay", "plan", "--topic", where, "--to-topic", to.format(**names), "--to", str(path))
    assert ran.code == code
    assert says.format(**names) in ran.err
    assert not path.exists()


def test_a_replay_of_others_needs_whence_and_whereto(run: Run, here: Plant) -> None:
    where = topic(here.kafka)
    assert run("replay", "plan", "--topic", where).code == exits.USAGE
    assert run("replay", "plan", "--to-topic", where).code == exits.USAGE


def test_an_empty_selection_of_others_writes_no_plan(run: Run, here: Plant, tmp_path: Path) -> None:
    where, to, path = topic(here.kafka), topic(here.kafka), tmp_path / "plan.json"
    ran = run("replay", "plan", "--topic", where, "--to-topic", to, "--to", str(path))
    assert ran.code == exits.FINDINGS
    assert "No plan was written" in ran.err
    assert not path.exists()


def test_a_topic_that_our_components_read_is_warned_of(run: Run, here: Plant, tmp_path: Path) -> None:
    where = topic(here.kafka)
    lay(here, where, "connect")
    to, path = f"deliver.{here.name}", str(tmp_path / "plan.json")
    ran = run("replay", "plan", "--topic", where, "--to-topic", to, "--to", path, "--output", "json")
    assert ran.code == exits.CLEAN, ran.err
    assert f"{to} is read by {here.name}" in ran.json["plan"]["warnings"][-1]

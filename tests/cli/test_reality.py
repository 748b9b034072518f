"""`--against-topic` and `--against-dlq`: a change tried on real records and dead letters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import schemas
from cli import exits, installation
from psfabric.engine import Write
from schemas import contract
from schemas.review.reports import MARKER
from tests.cli.conftest import Run
from tests.kafka.topics import topic
from tests.psfabric.reference.server import free_port
from tests.replay.plant import Plant, event_of, example
from tests.schemas.review.test_check import ACCEPTED, NAME, Repository, changed, repository

__all__ = ["repository"]

OLD = contract.AVRO / "time.TimeApproved_v1.avsc"
TIME = contract.read(OLD)
BROKEN = changed(TIME, "worked_seconds", type="string")
PATTERN = changed(TIME, "task", pattern="^NEVER$")
HARMLESS = {**TIME, "fields": [*TIME["fields"], {"name": "note", "type": "string", "doc": "A note.", "default": ""}]}


@pytest.fixture
def proposed(tmp_path: Path) -> Callable[[Any], str]:
    def written(schema: Any) -> str:
        path = tmp_path / "time.TimeApproved_v1.avsc"
        path.write_text(json.dumps(schema))
        return str(path)

    return written


@pytest.fixture
def kept(here: Plant) -> str:
    """A topic with 40 approved times over 4 partitions, and of everything else one."""
    name = topic(here.kafka, 4)
    value = here.codec.value(example("time.TimeApproved"))
    here.write(*(Write(name, b"k", value, (), number % 4) for number in range(40)))
    other = here.codec.value(event_of(example("time.TimeRemoved", "deleted")).data)
    unknown = b"\0" + (2_000_000_000).to_bytes(4, "big") + value[5:]
    here.write(*(Write(name, b"k", each, (), 1) for each in (other, unknown, b'{"issue": 1}', value[:-2], None)))
    return name


def diff(run: Run, new: str, *args: str) -> Any:
    ran = run("schema", "diff", str(OLD), new, *args, "--output", "json")
    return ran.code, ran.json


def codes(body: Any) -> list[tuple[str, str]]:
    return [(each["code"], each["path"]) for each in body["findings"] if "strand" in each["code"]]


COUNTS = ("read", "stranded", "already_stranded", "other_event", "writer_unknown", "no_event", "no_value")


def counts(tried: Any) -> list[int]:
    return [tried[name] for name in COUNTS]


def test_records_that_would_strand_are_counted_with_samples_and_cause(
    run: Run, kept: str, proposed: Callable[[Any], str]
) -> None:
    code, body = diff(run, proposed(BROKEN), "--against-topic", kept)
    assert (code, codes(body)) == (exits.FINDINGS, [("records-strand", kept)])
    (finding,) = [each for each in body["findings"] if each["code"] == "records-strand"]
    assert (finding["severity"], finding["accepted"]) == ("break", False)
    assert finding["message"].startswith(f"40 records of {kept} (all 45 tried) could not be read with the new schema")
    (tried,) = body["reality"]["tried"]
    assert (tried["where"], tried["kept"], tried["tried"], tried["sampled"]) == (kept, 45, 45, False)
    assert counts(tried) == [0, 40, 0, 1, 1, 2, 1]
    assert len(tried["samples"]) == 5
    for sample in tried["samples"]:
        place, _, offset = sample["place"].rpartition("/")
        assert place.startswith(f"{kept}/")
        assert offset.isdigit()
        assert sample["cause"].startswith("`worked_seconds`: ")


def test_a_value_that_a_new_rule_forbids_strands_although_the_bytes_can_be_read(
    run: Run, kept: str, proposed: Callable[[Any], str]
) -> None:
    code, body = diff(run, proposed(PATTERN), "--against-topic", kept)
    assert (code, codes(body)) == (exits.FINDINGS, [("records-strand", kept)])
    assert "`task`: it breaks the pattern ^NEVER$" in body["findings"][0]["message"]
    assert body["compatible"] == {"backward": True, "forward": True}


def test_a_change_that_harms_no_record_is_clean_and_says_what_was_tried(
    run: Run, kept: str, proposed: Callable[[Any], str]
) -> None:
    ran = run("schema", "diff", str(OLD), proposed(HARMLESS), "--against-topic", kept)
    assert ran.code == exits.CLEAN
    told = " ".join(ran.out.split())
    assert f"Records of {kept}: all 45 tried: 40 can be read, 1 are of events that are not proposed anew" in told
    assert "1 have a writer's schema that the registry does not know, 2 are no events, or no whole ones" in told


def test_above_a_limit_a_sample_is_tried_and_said_so(run: Run, kept: str, proposed: Callable[[Any], str]) -> None:
    code, body = diff(run, proposed(BROKEN), "--against-topic", kept, "--sample", "16")
    (tried,) = body["reality"]["tried"]
    assert (code, tried["kept"], tried["sampled"]) == (exits.FINDINGS, 45, True)
    assert 12 <= tried["tried"] <= 16
    ran = run("schema", "diff", str(OLD), proposed(BROKEN), "--against-topic", kept, "--sample", "16")
    assert f"a sample of {tried['tried']}, evenly out of 45, tried" in " ".join(ran.out.split())


@pytest.fixture
def dead(here: Plant) -> Plant:
    """Five dead letters of approved time: one delivered since, one a removal, one as received."""
    gone = here.time_event()
    for event in (here.time_event(), here.time_event(), gone):
        here.bury(here.record(event))
    here.deliver(gone)
    here.bury(here.record(event_of(example("enriched.time.TimeRemoved", "routed-elsewhere"))))
    here.bury(here.raw(b'{"issue": 1}', "notice-1"))
    return here


def test_unresolved_dead_letters_that_would_strand_are_counted(
    run: Run, dead: Plant, proposed: Callable[[Any], str]
) -> None:
    """They hold the enriched event, which the change of the canonical one changes, too."""
    code, body = diff(run, proposed(BROKEN), "--against-dlq", "--component", dead.name)
    assert (code, codes(body)) == (exits.FINDINGS, [("dead-letters-strand", dead.name)])
    (tried,) = body["reality"]["tried"]
    assert (tried["dead_letters"], tried["kept"], counts(tried)) == (True, 4, [0, 2, 0, 1, 0, 1, 0])
    assert {each["place"].rpartition("/")[0] for each in tried["samples"]} == {f"dlq.{dead.name}/0"}
    code, body = diff(run, proposed(HARMLESS), "--against-dlq")
    assert (code, counts(body["reality"]["tried"][0])) == (exits.CLEAN, [2, 0, 0, 1, 0, 1, 0])
    code, body = diff(run, proposed(HARMLESS), "--against-dlq", "--sample", "2")
    assert (body["reality"]["tried"][0]["tried"], body["reality"]["tried"][0]["sampled"]) == (2, True)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--against-topic", "psf.tiem"), "no topic 'psf.tiem'; did you mean psf.time?"),
        (("--against-dlq", "--component", "tryton-nowhere"), "no component 'tryton-nowhere'"),
        (("--component", "tryton-uk"), "--against-dlq only"),
        (("--against-topic", "psf.time", "--sample", "0"), "--sample"),
    ],
)
def test_what_is_not_there_gets_a_sentence(
    run: Run, here: Plant, proposed: Callable[[Any], str], args: tuple[str, ...], why: str
) -> None:
    ran = run("schema", "diff", str(OLD), proposed(HARMLESS), *args)
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert why in " ".join(ran.err.replace("│", " ").split())


@pytest.mark.parametrize("away", ["PSF_KAFKA_BOOTSTRAP", "PSF_REGISTRY_URL"])
def test_what_is_away_is_exit_5_after_all_else_was_told(
    run: Run, kept: str, proposed: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    monkeypatch.setattr(installation, "ANSWER_WITHIN", 1.0)
    port = free_port()
    monkeypatch.setenv(away, f"127.0.0.1:{port}" if "KAFKA" in away else f"http://127.0.0.1:{port}")
    code, body = diff(run, proposed(BROKEN), "--against-topic", kept)
    assert code == exits.UNREACHABLE
    assert {"backward-type-mismatch", "forward-type-mismatch"} <= {each["code"] for each in body["findings"]}
    assert (body["reality"]["tried"], bool(body["reality"]["away"])) == ([], True)
    ran = run("schema", "diff", str(OLD), proposed(BROKEN), "--against-topic", kept)
    assert "Not all was tried on records: " in ran.out
    assert "the review of the schemas themselves is whole" in ran.err


# ------------------------------------------------------------------------------------------------ check


def test_the_check_of_a_branch_tries_what_it_changes(run: Run, repository: Repository, kept: str) -> None:
    args = ("schema", "check", "--against-topic", kept, "--output")
    assert run(*args, "json").json["reality"]["tried"] == [], "nothing is changed yet, so nothing is read"
    repository.write(PATTERN)
    ran = run(*args, "json")
    (finding,) = [each for each in ran.json["findings"] if each["code"] == "records-strand"]
    assert (ran.code, finding["id"], finding["file"]) == (
        exits.FINDINGS,
        f"{NAME}/records-strand/{kept}",
        f"schemas/avro/{NAME}.avsc",
    )
    assert "price-time" in {each["name"] for each in finding["consumers"]} or finding["consumers"]
    assert counts(ran.json["reality"]["tried"][0]) == [0, 40, 0, 1, 1, 2, 1]
    assert "records-strand" in run(*args, "table").out
    comment = run(*args, "markdown").out
    assert comment.startswith(MARKER)
    assert f"| `{kept}` | `records-strand` |" in comment
    assert f"- Records of {kept}: all 45 tried: " in comment
    results = run(*args, "sarif").json["runs"][0]["results"]
    assert finding["id"] in {each["partialFingerprints"]["findingId/v1"] for each in results}


def test_stranding_is_accepted_as_any_finding_and_its_acceptance_may_rest(
    run: Run, repository: Repository, kept: str
) -> None:
    repository.write(PATTERN)
    repository.accept(ACCEPTED.format(id=f"{NAME}/records-strand/{kept}", expiry="2999-12-31"))
    with_records = run("schema", "check", "--against-topic", kept, "--output", "json").json["findings"]
    assert [each["accepted"] for each in with_records if each["code"] == "records-strand"] == [True]
    without = run("schema", "check", "--output", "json").json["findings"]
    assert {each["code"] for each in without} == {"constraint-tightened"}, "no acceptance-unused"


def test_what_was_stranded_before_is_not_the_branch_s(run: Run, repository: Repository, kept: str) -> None:
    repository.git("checkout", "-q", "main")
    repository.commit(PATTERN)
    repository.git("checkout", "-q", "-b", "later")
    repository.write(changed(PATTERN, "role", doc="Role in which the person has worked."))
    ran = run("schema", "check", "--against-topic", kept, "--output", "json")
    assert (ran.code, counts(ran.json["reality"]["tried"][0])) == (exits.CLEAN, [0, 0, 40, 1, 1, 2, 1])


@pytest.mark.parametrize("which", ["enrichment", "canonical"])
def test_enriched_records_are_tried_when_either_part_is_changed(
    run: Run, repository: Repository, dead: Plant, which: str
) -> None:
    enrichment = schemas.enrichment("time.TimeApproved")
    repository.git("checkout", "-q", "main")
    (repository.top / "schemas/avro/enrichment").mkdir()
    repository.commit(enrichment, f"enrichment/{NAME}")
    repository.git("checkout", "-q", "-b", "later")
    added = {"name": "surcharge", "type": "string", "doc": "What is added."}
    if which == "enrichment":
        repository.write({**enrichment, "fields": [*enrichment["fields"], added]}, f"enrichment/{NAME}")
    else:
        repository.write({**TIME, "fields": [*TIME["fields"], added]})
    ran = run("schema", "check", "--against-dlq", "--component", dead.name, "--output", "json")
    strands = [each for each in ran.json["findings"] if each["code"] == "dead-letters-strand"]
    assert [each["id"] for each in strands] == [f"{NAME}/dead-letters-strand/{dead.name}"]
    assert "surcharge" in strands[0]["message"]
    assert strands[0]["message"].startswith(f"2 unresolved dead letters of {dead.name} (all 4 tried)")


def test_a_file_that_is_no_schema_is_told_of_and_the_others_are_tried(
    run: Run, repository: Repository, kept: str
) -> None:
    repository.write({**TIME, "fields": [{"name": "a", "type": "panther"}]}, "time.TimeSeen_v1")
    repository.write(PATTERN)
    ran = run("schema", "check", "--against-topic", kept, "--output", "json")
    assert {"schema-invalid", "records-strand"} <= {each["code"] for each in ran.json["findings"]}

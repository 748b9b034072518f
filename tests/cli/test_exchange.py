"""`psfabric dlq export` and `import`: what retention removed comes back as it was, once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from cli import exits
from psfabric.event import Record
from psfabric.kafka import read_topic
from psfabric.kafka.producer import WriteFailed
from psfabric.kafka.transaction import Transactions
from replay import Operator
from replay.importing import import_, verified
from tests.cli.conftest import Run
from tests.replay.plant import Plant

NEW = "fabric-dlq-imported"


@pytest.fixture
def five(here: Plant) -> Plant:
    """Dead letters on two partitions, one of them without a value."""
    for partition in (0, 0, 2, 2):
        here.bury(here.record(here.time_event(), partition=partition))
    notice = here.raw(b"", "n-1")
    here.bury(Record(notice.topic, 0, notice.offset, None, None, (*notice.headers, ("x", None))), code="null-value")
    return here


def stored(here: Plant) -> list[Record]:
    return sorted(read_topic(here.kafka, f"dlq.{here.name}"), key=lambda r: (r.partition, r.offset))


def audit(here: Plant) -> list[dict[str, Any]]:
    rows = [json.loads(record.value or b"") for record in read_topic(here.kafka, "fabric.operations")]
    return [row for row in rows if here.name in json.dumps(row)]


def vanish(here: Plant, before: dict[int, int]) -> None:
    """As retention does it."""
    admin = AdminClient({"bootstrap.servers": here.kafka.bootstrap})
    places = [TopicPartition(f"dlq.{here.name}", partition, offset) for partition, offset in before.items()]
    for future in admin.delete_records(places).values():
        future.result(20)


def contents(records: list[Record]) -> list[tuple[Any, ...]]:
    return sorted(
        (r.partition, r.key or b"", r.value or b"", [h for h in r.headers if h[0] != NEW], r.value is None)
        for r in records
    )


@pytest.mark.parametrize("name", ["june.jsonl", "june/"])
def test_what_retention_removed_is_imported_as_it_was_and_a_second_time_is_a_no_op(
    run: Run, five: Plant, tmp_path: Path, name: str
) -> None:
    before, to = stored(five), f"{tmp_path}/{name}"
    made = run("dlq", "export", "--to", to, "--reveal", "--reason", "audit", "--output", "json")
    assert (made.code, made.json["records"]) == (exits.CLEAN, 5)
    vanish(five, {0: 2, 2: 2})
    assert len(stored(five)) == 1
    done = run("dlq", "import", to, "--reason", "retention", "--sha256", made.json["sha256"], "--output", "json")
    assert (done.code, done.json["records"], done.json["already_there"]) == (exits.CLEAN, 4, 1)
    assert contents(stored(five)) == contents(before)
    places = {r.header(NEW) for r in stored(five)} - {None}
    assert places == {f"{r.coordinates}@{r.timestamp_ms}" for r in before if r.key is not None}
    again = run("dlq", "import", to, "--reason", "retention")
    assert (again.code, again.out) == (exits.CLEAN, "0 dead letters imported; 5 are there already.\n")
    rows = [(row["act"], row["reason"], row["detail"]["sha256"] == made.json["sha256"]) for row in audit(five)]
    assert rows == [("dlq.export", "audit", True), ("dlq.import", "retention", True)]


def test_an_imported_one_is_as_old_as_it_was_so_that_its_receipt_still_closes_it(
    run: Run, here: Plant, tmp_path: Path
) -> None:
    event, to = here.time_event(), str(tmp_path / "june.jsonl")
    here.bury(here.record(event))
    run("dlq", "export", "--to", to, "--reveal")
    here.deliver(event)
    vanish(here, {0: 1})
    assert run("dlq", "import", to, "--reason", "retention").code == exits.CLEAN
    assert run("dlq", "list").out == "No open dead letters.\n"
    (letter,) = run("dlq", "list", "--all", "--output", "json").json["dead_letters"]
    assert (letter["state"], letter["id"]) == ("delivered", f"{here.name}/0/1")


def test_an_imported_one_is_exported_and_imported_again_as_the_same(run: Run, here: Plant, tmp_path: Path) -> None:
    first, second = str(tmp_path / "1.jsonl"), str(tmp_path / "2.jsonl")
    here.bury(here.record(here.time_event()))
    run("dlq", "export", "--to", first, "--reveal")
    vanish(here, {0: 1})
    run("dlq", "import", first, "--reason", "retention")
    run("dlq", "export", "--to", second, "--reveal")
    vanish(here, {0: 2})
    run("dlq", "import", second, "--reason", "retention")
    assert run("dlq", "import", first, "--reason", "x").out == "0 dead letters imported; 1 are there already.\n"
    (record,) = stored(here)
    assert [name for name, _ in record.headers].count(NEW) == 1


def test_filters_and_a_dry_run(run: Run, five: Plant, tmp_path: Path) -> None:
    to = str(tmp_path / "june.jsonl")
    dry = run("dlq", "export", "--to", to, "--reveal", "--code", "null-value", "--dry-run")
    assert dry.out == "1 dead letters would be exported; nothing was written.\n"
    assert not Path(to).exists()
    assert run("dlq", "export", "--to", to, "--reveal", "--limit", "3").code == exits.CLEAN
    vanish(five, {0: 3, 2: 2})
    tried = run("dlq", "import", to, "--reason", "x", "--dry-run")
    assert tried.out == "3 dead letters would be imported; nothing was written; 0 are there already.\n"
    assert stored(five) == []
    assert [row["act"] for row in audit(five)] == ["dlq.export"]


def test_standard_output_has_the_records_and_nothing_else(
    five: Plant, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from cli.main import execute

    assert execute(["dlq", "export", "--to", "-", "--reveal"]) == exits.CLEAN
    (tmp_path / "june.jsonl").write_bytes(capfdbinary.readouterr().out)
    assert execute(["dlq", "import", str(tmp_path / "june.jsonl"), "--reason", "x", "--dry-run"]) == exits.CLEAN


def test_an_export_is_refused_without_reveal_and_where_it_is_not_permitted(
    run: Run, five: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = str(tmp_path / "june.jsonl")
    plain = run("dlq", "export", "--to", to)
    assert (plain.code, "say --reveal" in plain.err) == (exits.REFUSED, True)
    monkeypatch.setenv("PSF_REVEAL", "false")
    refused = run("dlq", "export", "--to", to, "--reveal")
    assert (refused.code, "PSF_REVEAL is false" in refused.err) == (exits.REFUSED, True)
    assert not Path(to).exists()
    monkeypatch.delenv("PSF_REVEAL")
    both = run("dlq", "export", "--to", "-", "--reveal", "--output", "json")
    assert (both.code, both.out) == (exits.USAGE, "")
    assert run("dlq", "export", "--to", str(tmp_path / "no/june.jsonl"), "--reveal").code == exits.USAGE


def test_what_does_not_belong_here_is_refused_and_nothing_is_written(run: Run, five: Plant, tmp_path: Path) -> None:
    to = tmp_path / "june.jsonl"
    run("dlq", "export", "--to", str(to), "--reveal")
    vanish(five, {0: 3, 2: 2})
    from psfabric.event import Record
    from replay.exported_lines import write_file

    other = [Record("dlq.tryton-gone", 0, 1, b"k", b"v", (), 1), Record(f"dlq.{five.name}", 77, 1, b"k", b"v", (), 1)]
    other.append(Record("psf.time", 0, 1, b"k", b"v", (), 1))
    for number, (record, said) in enumerate(
        zip(other, ("of no component", "has no partition 77", "of no component"), strict=True)
    ):
        write_file([record], tmp_path / f"{number}.jsonl")
        ran = run("dlq", "import", str(tmp_path / f"{number}.jsonl"), "--reason", "x")
        assert (ran.code, said in ran.err) == (exits.REFUSED, True)
    changed = run("dlq", "import", str(to), "--reason", "x", "--sha256", "0" * 64)
    assert (changed.code, "not the one asked for" in changed.err) == (exits.REFUSED, True)
    to.write_bytes(to.read_bytes().replace(b'"partition":2', b'"partition":1'))
    tampered = run("dlq", "import", str(to), "--reason", "x")
    assert (tampered.code, "was changed after it was exported" in tampered.err) == (exits.REFUSED, True)
    assert run("dlq", "import", str(tmp_path / "none.jsonl"), "--reason", "x").code == exits.USAGE
    assert run("dlq", "import", str(to)).code == exits.USAGE, "no reason"
    assert stored(five) == []


def test_an_import_that_stops_on_the_way_is_exit_3_and_the_next_one_writes_the_rest(
    run: Run, five: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = str(tmp_path / "june.jsonl")
    run("dlq", "export", "--to", to, "--reveal")
    vanish(five, {0: 3, 2: 2})
    write, calls = Transactions.write, list[int]()

    def refused_at_the_third(self: Transactions, writes: Any) -> None:
        calls.append(len(writes))
        if len(calls) == 3:
            raise WriteFailed("dlq did not acknowledge a record")
        write(self, writes)

    with monkeypatch.context() as patched:
        patched.setattr("replay.importing.AT_ONCE", 1)
        patched.setattr(Transactions, "write", refused_at_the_third)
        stopped = run("dlq", "import", to, "--reason", "x")
    assert (stopped.code, "2 were imported" in stopped.err) == (exits.PARTIAL, True)
    assert run("dlq", "import", to, "--reason", "x").out == "3 dead letters imported; 2 are there already.\n"


def test_the_rest_is_written_once(run: Run, five: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the midst of a batch: none of it is there; of those before all."""
    to = str(tmp_path / "june.jsonl")
    run("dlq", "export", "--to", to, "--reveal")
    vanish(five, {0: 3, 2: 2})
    commit, calls = Transactions._commit, list[int]()

    def killed_at_the_second(self: Transactions, producer: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        commit(self, producer)

    with monkeypatch.context() as patched:
        patched.setattr("replay.importing.AT_ONCE", 2)
        patched.setattr(Transactions, "_commit", killed_at_the_second)
        assert run("dlq", "import", to, "--reason", "x").code == exits.INTERRUPTED
    assert run("dlq", "import", to, "--reason", "x").out.startswith("3 dead letters imported; 2 are there already")
    assert len(stored(five)) == len({(r.partition, r.key) for r in stored(five)}) == 5


def test_two_who_import_the_same_at_once_write_each_record_once(
    run: Run, here: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(12):
        here.bury(here.record(here.time_event()))
    run("dlq", "export", "--to", str(tmp_path / "june.jsonl"), "--reveal")
    vanish(here, {0: 12})
    monkeypatch.setattr("replay.importing.AT_ONCE", 2)
    export = verified(tmp_path / "june.jsonl")
    with ThreadPoolExecutor(3) as pool:
        each = [pool.submit(import_, here.kafka, export, [here.name], Operator("x")) for _ in range(3)]
        written = [future.result(90).written for future in each]
    assert sum(written) == len(stored(here)) == len({r.key for r in stored(here)}) == 12

"""Schema files that cannot be reviewed get a sentence; names that other files define are found."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from schemas import review
from schemas.review import BadSchema
from schemas.review.avro import Record, Union

EMPTY = {"type": "record", "name": "Line", "fields": []}


def record(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "acme", "fields": list(fields)}


def refused(path: Path) -> str:
    with pytest.raises(BadSchema) as caught:
        review.read(path)
    return "\n".join(caught.value.mistakes)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b'{"type": }', "line 1, column 10: it is not JSON"),
        (bytes(range(128, 256)), "it is not text in UTF-8: byte 0"),
        (b"PK\x03\x04\x00", "it is not JSON"),
        (b"NaN", "NaN is not JSON"),
        (b"9" * 5000, "it is not JSON"),
        (b"7", "a type is a name, an object or a list"),
        (b"[" * 100_000 + b"]" * 100_000, "more than 200 brackets deep"),
        (b'{"type":"array","items":' * 100_000 + b'"int"' + b"}" * 100_000, "more than 200 brackets deep"),
        (b'{"type":"array","items":' * 90 + b'"int"' + b"}" * 90, "types are nested more than 60 deep"),
        (b"[" + b'"int",' * 800_000 + b'"int"]', "it has more than 4194304 bytes"),
        (b'{"type":"record","name":"Line","fields":[],"fields":[]}', "'fields' of Line is given twice"),
        (b'{"type":"enum","name":"A","doc":"\\ud800","symbols":[]}', "half of a character"),
        (
            b'{"type":"record","name":"A","fields":[{"name":"b","type":"acme.Nowhere"}]}',
            "b: 'acme.Nowhere' is not a type",
        ),
        (b'{"type":"record","name":"A","fields":[{"name":"b","type":"enum"}]}', "b: 'enum' takes an object of its own"),
        (b'{"type":"record","name":"A","fields":[{"name":"b","type":"A"},{"name":"b","type":"int"}]}', "two fields"),
        (b'[{"type":"enum","name":"A","symbols":[]},{"type":"fixed","name":"A","size":1}]', "'A' is defined twice"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_what_is_no_schema_gets_a_sentence_with_the_file_and_the_place(tmp_path: Path, body: bytes, why: str) -> None:
    (tmp_path / "bad.avsc").write_bytes(body)
    said = refused(tmp_path / "bad.avsc")
    assert said.startswith(f"{tmp_path / 'bad.avsc'}: ")
    assert why in said


def test_a_file_that_is_not_there_or_is_a_folder_gets_a_sentence(tmp_path: Path) -> None:
    assert refused(tmp_path / "no.avsc").endswith("there is no such file")
    assert refused(tmp_path).endswith("this is a folder; name an .avsc file")


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    fields = [{"name": "a"}, {"name": "2b", "type": "int"}, {"name": "c", "type": "panther"}]
    (tmp_path / "bad.avsc").write_text(json.dumps(record("Line", *fields)))
    assert [line.split(": ")[1] for line in refused(tmp_path / "bad.avsc").split("\n")] == ["a", "2b", "c"]


def test_what_readers_get_over_is_told_and_not_refused(tmp_path: Path) -> None:
    schema = record("Line", {"name": "a", "type": "int", "default": "x"}) | {"namespace": "acme-billing"}
    (tmp_path / "odd.avsc").write_text(json.dumps(schema))
    assert [each.tolerable for each in review.read(tmp_path / "odd.avsc").mistakes] == [True, True]


def test_a_record_that_contains_itself_is_read(tmp_path: Path) -> None:
    task = record("Task", {"name": "parent", "type": ["null", "Task"]})
    (tmp_path / "task.avsc").write_text(json.dumps(task))
    found = review.read(tmp_path / "task.avsc").type
    assert isinstance(found, Record)
    assert isinstance(found.fields[0].type, Union)
    assert found.fields[0].type.others == (found,)


def test_a_record_of_another_file_of_the_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "common.avsc").write_text(
        json.dumps([record("Money"), record("Party", {"name": "m", "type": "Money"})])
    )
    (tmp_path / "broken.avsc").write_text("{")
    (tmp_path / "line.avsc").write_text(json.dumps(record("Line", {"name": "party", "type": "acme.Party"})))
    found = review.read(tmp_path / "line.avsc").type
    assert isinstance(found, Record)
    assert found.fields[0].type.label == "record acme.Party"


def test_a_record_of_this_repository_is_found(tmp_path: Path) -> None:
    (tmp_path / "line.avsc").write_text(json.dumps(record("Line", {"name": "net", "type": "psf.common.Money"})))
    found = review.read(tmp_path / "line.avsc").type
    assert isinstance(found, Record)
    assert isinstance(found.fields[0].type, Record)
    assert [each.name for each in found.fields[0].type.fields] == ["amount", "currency"]


def test_two_files_with_one_full_name_are_refused_where_it_matters(tmp_path: Path) -> None:
    (tmp_path / "a.avsc").write_text(json.dumps(record("Money")))
    (tmp_path / "b.avsc").write_text(json.dumps(record("Money", {"name": "amount", "type": "int"})))
    (tmp_path / "line.avsc").write_text(json.dumps(record("Line", {"name": "net", "type": "Money"})))
    assert "'acme.Money' is defined in a.avsc and b.avsc, and not alike" in refused(tmp_path / "line.avsc")
    assert review.read(tmp_path / "a.avsc").type.label == "record acme.Money"


def test_files_that_define_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.avsc").write_text(json.dumps(record("A", {"name": "b", "type": "B"})))
    (tmp_path / "b.avsc").write_text(json.dumps(record("B", {"name": "a", "type": ["null", "A"]})))
    assert review.read(tmp_path / "a.avsc").type.label == "record acme.A"


def test_types_in_a_chain_too_long_to_follow_get_a_sentence(tmp_path: Path) -> None:
    """One file for each record: nothing is nested, and yet following it would exhaust the stack."""
    for at in range(400):
        inside = f"R{at + 1}" if at < 399 else "int"
        (tmp_path / f"r{at}.avsc").write_text(json.dumps(record(f"R{at}", {"name": "next", "type": inside})))
    assert "nested more than 60 deep" in refused(tmp_path / "r0.avsc")


def test_a_type_that_two_borrowed_records_repeat_is_one(tmp_path: Path) -> None:
    money = record("Money", {"name": "amount", "type": "long"})
    parties = [record(name, {"name": "due", "type": money}) for name in ("Payer", "Payee")]
    for each in parties:
        (tmp_path / f"{each['name']}.avsc").write_text(json.dumps(each))
    line = record(
        "Line", {"name": "a", "type": "Payer"}, {"name": "b", "type": "Payee"}, {"name": "c", "type": "Money"}
    )
    (tmp_path / "line.avsc").write_text(json.dumps(line))
    found = review.read(tmp_path / "line.avsc").type
    assert isinstance(found, Record)
    assert [each.type.label for each in found.fields] == ["record acme.Payer", "record acme.Payee", "record acme.Money"]
    own = record("Own", {"name": "a", "type": "Payer"}, {"name": "c", "type": money})
    (tmp_path / "own.avsc").write_text(json.dumps(own))
    assert review.read(tmp_path / "own.avsc").mistakes == ()


def test_a_definition_of_its_own_comes_before_what_borrowed_records_repeat(tmp_path: Path) -> None:
    payer = record("Payer", {"name": "due", "type": record("Money", {"name": "amount", "type": "long"})})
    (tmp_path / "payer.avsc").write_text(json.dumps(payer))
    line = record(
        "Line", {"name": "a", "type": record("Money")}, {"name": "b", "type": "Payer"}, {"name": "c", "type": "Money"}
    )
    (tmp_path / "line.avsc").write_text(json.dumps(line))
    found = review.read(tmp_path / "line.avsc").type
    assert isinstance(found, Record)
    assert found.fields[2].type is found.fields[0].type


def test_the_folder_of_the_file_comes_before_this_repository(tmp_path: Path) -> None:
    (tmp_path / "money.avsc").write_text(json.dumps(record("Money") | {"namespace": "psf.common"}))
    (tmp_path / "line.avsc").write_text(json.dumps(record("Line", {"name": "net", "type": "psf.common.Money"})))
    found = review.read(tmp_path / "line.avsc").type
    assert isinstance(found, Record)
    assert isinstance(found.fields[0].type, Record)
    assert found.fields[0].type.fields == []


def test_a_very_large_change_is_reviewed_in_seconds(tmp_path: Path) -> None:
    """Thousands of fields, symbols and branches, half of them exchanged, and a doc without an end."""
    fields = [{"name": f"f{at}", "type": "string", "doc": "Amount before tax."} for at in range(1500)]
    symbols = [f"S{at}" for at in range(1500)]
    doc = "; ".join(f"{each}: not net of hours" for each in symbols)
    old = [record("Line", *fields), {"type": "enum", "name": "acme.E", "symbols": symbols, "doc": doc}]
    old += [record(f"R{at}") for at in range(500)]
    text = json.dumps(old)
    (tmp_path / "old.avsc").write_text(text)
    (tmp_path / "new.avsc").write_text(text.replace('1"', '1x"').replace("before tax", "after tax").replace("S2", "T2"))
    begun = time.process_time()
    versions = [review.Version(name, review.read(tmp_path / f"{name}.avsc").type) for name in ("old", "new")]
    found = review.diff(versions[:1], versions[1])
    assert found.failed
    assert time.process_time() - begun < 20

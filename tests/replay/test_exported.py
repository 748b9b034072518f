"""Exports hold records as they were, and show whatever was done to them since."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from psfabric.event import Record
from replay import Declined, NotThere, exported_folder, exported_lines
from replay.exported import canonical
from replay.importing import verified

RECORDS = [
    Record(
        "dlq.tryton-uk", 0, 7, b"key", b"\x00\xff value", (("a", b"1"), ("a", b"2"), ("b", None), ("a", b"")), 1_780
    ),
    Record("dlq.tryton-uk", 1, 0, None, None, (), 1_781),
    Record("dlq.jira-acme.hydrate", 1, 0, b"", b"", (("ce_id", "ü".encode()),), 1_782),
]


def lines(tmp_path: Path) -> Path:
    path = tmp_path / "june.jsonl"
    exported_lines.write_file(RECORDS, path)
    return path


def folder(tmp_path: Path) -> Path:
    path = tmp_path / "june"
    exported_folder.write(RECORDS, path)
    return path


@pytest.mark.parametrize("made", [lines, folder])
def test_every_byte_and_header_comes_back_in_its_order(tmp_path: Path, made: Callable[[Path], Path]) -> None:
    found = verified(made(tmp_path))
    assert list(found.records()) == RECORDS
    assert found.written.records == 3


def test_a_folder_has_the_original_bytes_in_a_file_each_and_their_sha_256(tmp_path: Path) -> None:
    path = folder(tmp_path)
    assert (path / "dlq.tryton-uk-0-7.bin").read_bytes() == RECORDS[0].value
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["records"][0]["sha256"] == hashlib.sha256(RECORDS[0].value or b"").hexdigest()
    assert {file.name for file in path.iterdir()} == {
        "manifest.json",
        "dlq.tryton-uk-0-7.bin",
        "dlq.jira-acme.hydrate-1-0.bin",
    }, "a null value has no file"


@pytest.mark.parametrize("made", [lines, folder])
def test_an_export_is_for_its_owner_alone(tmp_path: Path, made: Callable[[Path], Path]) -> None:
    path = made(tmp_path)
    for each in (path, *(path.iterdir() if path.is_dir() else ())):
        assert each.stat().st_mode & 0o077 == 0


def test_the_same_records_have_the_same_hash(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for made in (lines, folder):
        assert verified(made(tmp_path / "a")).written == verified(made(tmp_path / "b")).written


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "june.jsonl").write_text("mine")
    (tmp_path / "june").mkdir()
    (tmp_path / "june/mine").touch()
    with pytest.raises(NotThere, match="is there already"):
        lines(tmp_path)
    with pytest.raises(NotThere, match="is not empty"):
        folder(tmp_path)
    assert (tmp_path / "june.jsonl").read_text() == "mine"


def test_a_place_that_cannot_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotThere, match="cannot be written"):
        exported_lines.write_file(RECORDS, tmp_path / "no/june.jsonl")
    with pytest.raises(NotThere, match="cannot be written"):
        exported_folder.write(RECORDS, tmp_path / "file/june")


def test_an_export_that_broke_off_has_no_name_that_could_be_imported(tmp_path: Path) -> None:
    def broken() -> Any:
        yield RECORDS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exported_lines.write_file(broken(), tmp_path / "june.jsonl")
    with pytest.raises(KeyboardInterrupt):
        exported_folder.write(broken(), tmp_path / "june")
    assert not (tmp_path / "june.jsonl").exists()
    with pytest.raises(Declined, match=r"has no manifest\.json"):
        verified(tmp_path / "june")
    lines(tmp_path)


# ------------------------------------------------------------------------------------------------ tampering, lines


def edited(path: Path, edit: Callable[[list[bytes]], object]) -> None:
    parts = path.read_bytes().splitlines(keepends=True)
    edit(parts)
    path.write_bytes(b"".join(parts))


def replaced(number: int, **changes: Any) -> Callable[[list[bytes]], None]:
    def edit(parts: list[bytes]) -> None:
        parts[number] = canonical({**json.loads(parts[number]), **changes}) + b"\n"

    return edit


LINES: dict[str, Callable[[list[bytes]], object]] = {
    "value": replaced(0, value="AAAA"),
    "value and its hash": replaced(0, value="AAAA", sha256=hashlib.sha256(b"\0\0\0").hexdigest()),
    "key": replaced(0, key="AAAA"),
    "headers": replaced(0, headers=[["a", "MQ=="]]),
    "offset": replaced(0, offset=8),
    "no base64": replaced(0, value="*"),
    "null value": replaced(0, value=None, sha256=None),
    "unknown field": replaced(0, more=1),
    "negative": replaced(0, offset=-1),
    "other topic": replaced(0, topic="../psf.time"),
    "a line left out": lambda parts: parts.pop(1),
    "a line twice": lambda parts: parts.insert(1, parts[0]),
    "lines swapped": lambda parts: parts.insert(0, parts.pop(1)),
    "end left out": lambda parts: parts.pop(),
    "more after the end": lambda parts: parts.append(parts[0]),
    "cut": lambda parts: parts.append(parts.pop()[:-10]),
    "empty": lambda parts: parts.clear(),
    "another version": lambda parts: parts.append(parts.pop().replace(b'"v":1', b'"v":2')),
    "no JSON": lambda parts: parts.insert(0, b"\xff\n"),
    "an array": lambda parts: parts.insert(0, b"[]\n"),
    "deep": lambda parts: parts.insert(0, b"[" * 100_000 + b"\n"),
}


@pytest.mark.parametrize("edit", LINES.values(), ids=LINES)
def test_whatever_was_done_to_lines_is_refused(tmp_path: Path, edit: Callable[[list[bytes]], object]) -> None:
    path = lines(tmp_path)
    edited(path, edit)
    with pytest.raises(Declined, match="nothing was imported"):
        verified(path)


# ------------------------------------------------------------------------------------------------ tampering, folder

FILE = "dlq.tryton-uk-0-7.bin"


def rehashed(path: Path, edit: Callable[[list[dict[str, Any]]], object]) -> None:
    """The manifest edited by somebody who knows how it is hashed."""
    body = json.loads((path / "manifest.json").read_text())
    edit(body["records"])
    body.pop("sha256")
    digest = hashlib.sha256(canonical(body)).hexdigest()
    (path / "manifest.json").write_text(json.dumps({**body, "sha256": digest}))


def linked(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(RECORDS[0].value or b"")
    (path / FILE).unlink()
    (path / FILE).symlink_to(path.parent / "elsewhere")


def linked_manifest(path: Path) -> None:
    (path / "manifest.json").rename(path.parent / "elsewhere")
    (path / "manifest.json").symlink_to(path.parent / "elsewhere")


def piped(path: Path) -> None:
    (path / FILE).unlink()
    os.mkfifo(path / FILE)


def outside(path: Path) -> None:
    (path.parent / "secret").write_bytes(RECORDS[0].value or b"")
    rehashed(path, lambda records: records[0].update(file="../secret"))
    (path / FILE).unlink()


FOLDERS: dict[str, Callable[[Path], object]] = {
    "a file changed": lambda path: (path / FILE).write_bytes(b"x"),
    "a file missing": lambda path: (path / FILE).unlink(),
    "a file added": lambda path: (path / "more.bin").touch(),
    "a folder added": lambda path: (path / "more").mkdir(),
    "a link": linked,
    "a pipe": piped,
    "the manifest a link": linked_manifest,
    "the manifest missing": lambda path: (path / "manifest.json").unlink(),
    "the manifest changed": lambda path: (path / "manifest.json").write_text(
        (path / "manifest.json").read_text().replace('"partition":1', '"partition":2')
    ),
    "the manifest no JSON": lambda path: (path / "manifest.json").write_bytes(b"\xff{"),
    "a path outside": outside,
    "an absolute path": lambda path: rehashed(path, lambda records: records[0].update(file="/etc/passwd")),
    "a topic with a path": lambda path: rehashed(path, lambda records: records[0].update(topic="../x")),
    "a record twice": lambda path: rehashed(path, lambda records: records.append(records[0])),
    "a file for null": lambda path: rehashed(path, lambda records: records[1].update(file=FILE)),
    "a value made null": lambda path: rehashed(path, lambda records: records[0].update(file=None, sha256=None)),
}


@pytest.mark.parametrize("edit", FOLDERS.values(), ids=FOLDERS)
def test_whatever_was_done_to_a_folder_is_refused(tmp_path: Path, edit: Callable[[Path], object]) -> None:
    path = folder(tmp_path)
    edit(path)
    with pytest.raises(Declined, match="nothing was imported"):
        verified(path)


def test_an_export_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match=r"none\.jsonl cannot be read"):
        verified(tmp_path / "none.jsonl")


def test_no_records_are_an_export_too(tmp_path: Path) -> None:
    out = BytesIO()
    assert exported_lines.write([], out).records == 0
    (tmp_path / "none.jsonl").write_bytes(out.getvalue())
    exported_folder.write([], tmp_path / "none")
    for name in ("none.jsonl", "none"):
        assert list(verified(tmp_path / name).records()) == []

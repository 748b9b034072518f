"""Topics of a release as files: one JSON line per record, bytes in base64, in the order of the log.

`<release>/<topic>.jsonl` holds state (hold, applied, dlq, redo, ref, receipts, `fabric.*`), `<release>/schemas.json`
the schemas that its values were written with, by their id in the registry of that day.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from psfabric.event import Record

FOLDER = Path(__file__).resolve().parent


def releases() -> list[Path]:
    return sorted(path for path in FOLDER.iterdir() if (path / "schemas.json").is_file())


def write_topic(folder: Path, topic: str, records: Iterable[Record]) -> None:
    lines = [json.dumps(_as_dict(record), separators=(",", ":")) for record in records]
    (folder / f"{topic}.jsonl").write_text("".join(line + "\n" for line in lines))


def read_topic(folder: Path, topic: str) -> list[Record]:
    """The records of a topic in the order of its log; none when the release had no such topic."""
    path = folder / f"{topic}.jsonl"
    return [_record(topic, json.loads(line)) for line in path.read_text().splitlines()] if path.is_file() else []


def topics(folder: Path, family: str = "") -> list[str]:
    return sorted(path.stem for path in folder.glob("*.jsonl") if path.stem.startswith(family))


def schemas_of(folder: Path) -> dict[int, dict[str, Any]]:
    return {int(id): schema for id, schema in json.loads((folder / "schemas.json").read_text()).items()}


def _as_dict(record: Record) -> dict[str, Any]:
    return {
        "p": record.partition,
        "o": record.offset,
        "t": record.timestamp_ms,
        "k": _text(record.key),
        "v": _text(record.value),
        "h": [[name, _text(value)] for name, value in record.headers],
    }


def _record(topic: str, body: dict[str, Any]) -> Record:
    headers = tuple((name, _bytes(value)) for name, value in body["h"])
    return Record(topic, body["p"], body["o"], _bytes(body["k"]), _bytes(body["v"]), headers, body["t"])


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)

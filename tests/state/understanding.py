"""What a release makes of state topics, as plain data: who waits for what, what is in the targets, what is dead.

Written beside the topics by the release that made them (`understood.json`), so that a later one can be held to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from psfabric.codec import Codec
from psfabric.engine.applied import Applied
from psfabric.engine.hold import HoldEntry, instant_text, until_text
from psfabric.event import Record
from psfabric.hosts.cursors import CURSORS
from psfabric.hosts.loading import loaded
from psfabric.kafka import latest
from psfabric.registry import Registry
from psfabric.stages import Stage
from replay.deadletters import of_record
from replay.progress import TOPIC as PROGRESS
from replay.progress import folded
from replay.receipts import parse_key
from tests.state.kept import read_topic, schemas_of, topics


def write_understood(folder: Path) -> None:
    text = json.dumps(understanding(folder), indent=0, sort_keys=True, ensure_ascii=False)
    (folder / "understood.json").write_text(text + "\n", encoding="utf-8")


def read_understood(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "understood.json").read_text(encoding="utf-8"))
    return found


def codec_of(folder: Path) -> Codec:
    """Reads values by the schemas of that release, as its registry gave them."""
    registry = Registry("http://127.0.0.1:1")
    registry.writers.update(schemas_of(folder))
    return Codec(registry)


class Reading(Stage):
    """A stage as far as loading needs one."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec


def understanding(folder: Path) -> dict[str, Any]:
    """Everything below depends on the reading code of the release that runs this."""
    codec = codec_of(folder)
    return {
        "waited": {topic: _holds(codec, _written(folder, topic)) for topic in topics(folder, "hold.")},
        "waits": {topic: _holds(codec, latest(read_topic(folder, topic))) for topic in topics(folder, "hold.")},
        "applied": {topic: _applied(codec, folder, topic) for topic in topics(folder, "applied.")},
        "versions": {topic: _versions(codec, folder, topic) for topic in topics(folder, "ref.")},
        "dead": {topic: [_dead(r) for r in read_topic(folder, topic)] for topic in topics(folder, "dlq.")},
        "receipts": [_receipt(codec, r) for r in read_topic(folder, "psf.delivery")],
        "cursors": {k.decode(): (r.value or b"").decode() for k, r in latest(read_topic(folder, CURSORS)).items()},
        "replays": {hash: asdict(progress) for hash, progress in folded(read_topic(folder, PROGRESS)).items()},
    }


def _written(folder: Path, topic: str) -> dict[bytes, Record]:
    """Hold records that were ever written, those removed since too."""
    return {r.key: r for r in read_topic(folder, topic) if r.key is not None and r.value is not None}


def _holds(codec: Codec, records: Mapping[bytes, Record]) -> list[dict[str, Any]]:
    entries: Iterable[HoldEntry] = loaded(Reading(codec), records, [], {}).held
    return [
        {
            "hold_key": entry.hold_key.decode(),
            "origin": entry.record.coordinates,
            "key": None if entry.record.key is None else entry.record.key.decode(),
            "until": until_text(entry.until),
            "since": instant_text(entry.since),
            "value": _hash(entry.record.value),
            "headers": _hash(repr(entry.record.headers).encode()),
        }
        for entry in entries
    ]


def _applied(codec: Codec, folder: Path, topic: str) -> dict[str, Any]:
    found: Mapping[str, Applied] = loaded(Reading(codec), {}, read_topic(folder, topic), {}).applied
    return {key: asdict(entry) for key, entry in found.items()}


def _versions(codec: Codec, folder: Path, topic: str) -> dict[str, Any]:
    found = loaded(Reading(codec), {}, [], latest(read_topic(folder, topic))).versions
    return {key: list(version) for key, version in found.items()}


def _dead(record: Record) -> dict[str, Any]:
    letter = of_record(record)
    names = ("id", "code", "error_class", "stage", "about", "type", "aggregate_id", "first_failed_at", "value_hash")
    return {**{name: getattr(letter, name) for name in names}, "origin": str(letter.origin)}


def _receipt(codec: Codec, record: Record) -> dict[str, Any]:
    about, kind = parse_key(record.key) or ("", "")
    says = json.loads(codec.data(record.value or b"").model_dump_json(exclude={"cause"}))
    return {"about": list(about), "kind": kind, "says": says}


def _hash(value: bytes | None) -> str | None:
    return None if value is None else blake2b(value, digest_size=8).hexdigest()

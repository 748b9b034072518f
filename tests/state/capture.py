"""Keeps the state of this release as files: `python -m tests.state.capture 0.1.0`, once, when the release is made.

Plays the working day on real parts, then stores what its components left in their state topics (of the large ones the
beginning), one hold record of every kind, and what this release makes of all of it. Never done again for a release.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cli.installation import Installation
from cli.rehearsal import Rehearsal
from deploy.local import ALL, Console, Stack
from psfabric.engine.hold import hold_headers, hold_key
from psfabric.errors import Approval, At, Earlier, Operator, Parent, Period, Until
from psfabric.event import Record
from psfabric.kafka import read_topic
from tests.state.kept import FOLDER, write_topic
from tests.state.understanding import write_understood

ROOT = Path(__file__).resolve().parent.parent.parent
STATE = ("hold.", "applied.", "dlq.", "redo.", "ref.", "fabric.", "psf.delivery")
FIRST = 25
"""Records kept per partition of the topics that grow with the work; what is in `WHOLE` is kept whole."""

WHOLE = ("dlq.", "redo.", "fabric.")
KINDS: tuple[Until, ...] = (
    Parent("project", "PRJ:1"),
    Period("UK01", "2026-10"),
    At(datetime(2026, 11, 1, 12, 30, 0, 5, tzinfo=UTC)),
    Approval("invoice:9"),
    Earlier("jira-acme:worklog:7"),
    Operator(),
)


def main(release: str) -> None:
    folder = FOLDER / release
    folder.mkdir()
    with Stack(ROOT, "state", list(ALL), on_progress=Console()) as stack:
        rehearsal = Rehearsal(stack, 1, False, print)
        rehearsal.play()
        _keep(rehearsal._where, folder)
    write_topic(folder, "hold.kinds", _kinds())
    write_understood(folder)


def _keep(where: Installation, folder: Path) -> None:
    records: list[Record] = []
    for topic in sorted(t.name for t in where.topics if t.name.startswith(STATE)):
        kept = [r for r in read_topic(where.kafka, topic) if topic.startswith(WHOLE) or _early(r)]
        records += kept
        if kept:
            write_topic(folder, topic, kept)
    ids = sorted({id for record in records for id in _schema_ids(record)})
    text = ",\n".join(f'"{id}": {_schema(where, id)}' for id in ids)
    (folder / "schemas.json").write_text(f"{{\n{text}\n}}\n")


def _early(record: Record) -> bool:
    return record.offset < FIRST


def _schema_ids(record: Record) -> Iterator[int]:
    value = record.value or b""
    if value[:1] == b"\0" and len(value) > 5:
        yield int.from_bytes(value[1:5], "big")


def _schema(where: Installation, id: int) -> str:
    return json.dumps(where.registry.writer(id), separators=(",", ":"))


def _kinds() -> Iterator[Record]:
    """As `hold.kinds`: one per kind, the last of a record without a value."""
    at = datetime(2026, 10, 30, tzinfo=UTC).timestamp()
    for offset, until in enumerate((*KINDS, Operator())):
        value = b"value" if offset < len(KINDS) else None
        first = Record("deliver.kinds", 2, 40 + offset, f"key-{offset}".encode(), value, (("own", b"h"),), 1)
        headers = hold_headers(first, until, "why it waits", at, at + 60)
        yield Record("hold.kinds", 2, offset, hold_key(first), value or b"", headers, 1)


if __name__ == "__main__":
    main(sys.argv[1])

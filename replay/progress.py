"""How far a plan was applied: `fabric.dlq-state`, key `plan/<hash>`. The format persists (version 1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.event import Record
from psfabric.kafka import latest
from psfabric.stored import understood
from replay.reading import scan

TOPIC = "fabric.dlq-state"
PREFIX = "plan/"
FORMAT = 1

RUNNING, DONE = "running", "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """`sent` of `total` records are acknowledged in redo. Instants are ISO text in UTC.

    `receipts_from` is the end of each partition of `psf.delivery` before the first record was sent: receipts from
    there on are answers to this replay, whatever the clocks say.
    """

    plan: str
    sent: int
    total: int
    status: str
    who: str
    started_at: str
    updated_at: str
    receipts_from: Mapping[str, int] = field(default_factory=dict)

    def to_write(self) -> Write:
        text = json.dumps({"v": FORMAT, **asdict(self)}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return Write(TOPIC, f"{PREFIX}{self.plan}".encode(), text.encode())


def all_progress(kafka: Kafka) -> dict[str, Progress]:
    """Progress of every plan ever applied, by its hash."""
    return folded(scan(kafka, [TOPIC]))


def folded(records: Iterable[Record]) -> dict[str, Progress]:
    """The same of the topic's records, oldest first."""
    plans = (r for r in records if (r.key or b"").startswith(PREFIX.encode()))
    found = (understood(record, _read) for record in latest(plans).values())
    return {each.plan: each for each in sorted(found, key=lambda each: each.started_at)}


def _read(record: Record) -> Progress:
    body = json.loads(record.value or b"")
    if body.pop("v") != FORMAT:
        raise ValueError(f"a replay's progress of a newer format; this release reads {FORMAT}")
    return Progress(**body)

"""A small installation on the real broker, and records planted in it as the engine writes them.

One sink of an invented name per test, so that tests do not meet; only `psf.delivery` and `fabric.*` are shared.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import schemas
from psfabric import pipelines
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine import receipts as receipt
from psfabric.engine.applied import Applied
from psfabric.engine.deadletter import Failure, dead_letter_headers
from psfabric.engine.hold import hold_headers, hold_key
from psfabric.errors import Parent, Until
from psfabric.event import Event, Record
from psfabric.kafka import Admin, Producer, read_topic
from psfabric.outcomes import Held, Rejected, Superseded
from psfabric.registry import Registry
from psfabric.stages import about_id
from schemas import Model

EXAMPLES = Path(schemas.__file__).parent / "examples"
START = 1_780_000_000.0
SINK = """
[[sink]]
name = "{name}"
use = "tryton"
settings = {{ url = "http://127.0.0.1:1", database = "acme", user = "fabric", password = "x", company = "UK01" }}
"""


def example(event: str, case: str = "complete", **changes: Any) -> Model:
    """A valid state of an event from its example file, with changes."""
    body = json.loads((EXAMPLES / f"{event}.{case}.pass.json").read_text())
    return schemas.model(event).model_validate_json(json.dumps({**body, **changes}))


def event_of(data: Model) -> Event:
    return Event(data, datetime(2026, 6, 3, 16, 20, tzinfo=UTC), "jira-acme", data.event_id)


@dataclass
class Plant:
    """Writes what components would write. `name` is the sink of this installation."""

    kafka: Kafka
    registry_url: str
    folder: Path
    name: str
    codec: Codec
    producer: Producer
    offsets: Iterator[int] = field(default_factory=lambda: iter(range(100, 10_000_000)))

    @property
    def components(self) -> list[str]:
        return [self.name]

    def time_event(self, entry: str | None = None, seconds: int = 5400, **changes: Any) -> Event:
        """Approved time for this sink, priced at 125 GBP an hour."""
        entry = entry or f"jira-acme:worklog:{uuid.uuid4().int % 10**9}"
        ids = {"event_id": uuid.uuid4().hex, "aggregate_id": entry, "partition_key": entry, "worked_seconds": seconds}
        return event_of(example("enriched.time.TimeApproved", **{**ids, **changes}))

    def record(self, event: Event, offset: int | None = None, partition: int = 0) -> Record:
        """The event as it would lie in the sink's input topic (it is not written there)."""
        key, value, own = self.codec.encode(event)
        at = next(self.offsets) if offset is None else offset
        return Record(f"deliver.{self.name}", partition, at, key, value, own)

    def raw(self, body: bytes, notice: str, key: str = "10066") -> Record:
        own = (("fabric-source", b"jira-acme"), ("fabric-notice-id", notice.encode()), ("x-api-key", b"hunter2"))
        return Record(f"deliver.{self.name}", 0, next(self.offsets), key.encode(), body, own)

    def bury(self, record: Record, code: str = "resource-unknown", why: str = "nobody of that id works here") -> None:
        self.write(self.buried(record, code, why))

    def buried(
        self, record: Record, code: str = "resource-unknown", why: str = "nobody of that id works here"
    ) -> Write:
        at = "2026-06-03T17:00:00.000000Z"
        failure = Failure(code, "reference", why, "sink", self.name, self.name, code, 1, at, at)
        own = dead_letter_headers(record, failure)
        return Write(f"dlq.{self.name}", record.key, record.value, own, record.partition)

    def hold(
        self,
        record: Record,
        until: Until | None = None,
        why: str = "the project is not there yet",
        since: float = START,
    ) -> None:
        until = until or Parent("project", "PRJ-1001")
        own = hold_headers(record, until, why, since, since)
        self.write(Write(f"hold.{self.name}", hold_key(record), record.value, own, record.partition))

    def release(self, record: Record) -> None:
        self.write(Write(f"hold.{self.name}", hold_key(record), None, (), record.partition))

    def deliver(self, event: Event, *, duplicate: bool = False, reference: str = "timesheet.line,41") -> None:
        """Terminal receipt and applied entry."""
        entry = Applied(event.version, event.id, "c0ffee", reference)
        model = receipt.delivered(self.name, event, entry, self.codec.value(event.data), duplicate=duplicate)
        self.receipt(event.id, "terminal", model)
        self.write(Write(f"applied.{self.name}", f"time/{event.aggregate_id}".encode(), entry.to_bytes(), (), 0))

    def supersede(self, event: Event) -> None:
        self.receipt(event.id, "terminal", receipt.superseded(self.name, event, "timesheet.line,9", Superseded()))

    def pass_on(self, record: Record) -> None:
        about = about_id(record)
        self.receipt(about, "terminal", receipt.passed_on(self.name, about, record.topic))

    def refuse(self, event: Event) -> None:
        outcome = Rejected("resource-unknown", "still nobody of that id")
        self.receipt(event.id, "state", receipt.state(self.name, event.id, event.type, event.data, outcome))

    def wait(self, event: Event) -> None:
        outcome = Held("the project is not there yet", Parent("project", "PRJ-1001"))
        self.receipt(event.id, "state", receipt.state(self.name, event.id, event.type, event.data, outcome))

    def receipt(self, about: str, kind: str, model: Model) -> None:
        """Later than whatever was written before, by the broker's clock."""
        time.sleep(0.003)
        own = (("ce_type", model.CE_TYPE.encode()), ("ce_id", model.event_id.encode()))
        self.write(Write(receipt.TOPIC, receipt.receipt_key(self.name, about, kind), self.codec.value(model), own))

    def write(self, *writes: Write) -> None:
        self.producer.write_and_wait(writes)

    def redone(self) -> list[Record]:
        return read_topic(self.kafka, f"redo.{self.name}")

    def environment(self) -> dict[str, str]:
        return {
            "PSF_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "PSF_REGISTRY_URL": self.registry_url,
            "PSF_REDIS_URL": "redis://127.0.0.1:1/0",
            "PSF_PIPELINES": str(self.folder),
            "PSF_ENDPOINTS": str(self.folder / "none.env"),
        }


def planted(kafka: Kafka, registry: Registry, url: str, folder: Path) -> Plant:
    """A new installation with its topics."""
    name = f"tryton-{uuid.uuid4().hex[:8]}"
    (folder / "none.env").touch()
    (folder / "sink.toml").write_text(SINK.format(name=name))
    Admin(kafka).apply(pipelines.load(folder, {}).topics())
    return Plant(kafka, url, folder, name, Codec(registry), Producer(kafka, "tests"))

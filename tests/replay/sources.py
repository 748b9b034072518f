"""A source of the planted installation: what it received, what its mapping of then made of that, and what the sink has.

The mapping is that of the test: `Notes(...)` with other settings is the mended one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import confluent_kafka as ck

from psfabric.adapters import Source, Types
from psfabric.engine import Policy, Write
from psfabric.engine.applied import Applied
from psfabric.engine.deadletter import marker_of, marker_value
from psfabric.engine.lane import Lane
from psfabric.errors import Invalid
from psfabric.event import LIVE, Event, Raw, Record, new_event, sequence
from psfabric.kafka import Admin
from psfabric.stages import TranslateStage
from replay.from_source import Downstream, Made, plan_from_source
from replay.remapping import Mapping as SourceMapping
from replay.selection import Selection
from schemas import topics
from schemas.models import EnrichedTimeApproved, TimeApproved, TimeRemoved, TimeSubmitted
from tests.replay.plant import Plant

BEGIN = datetime(2026, 6, 1, 8, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)


class Notes(Source):
    """Each record is a list of entries {"id", "edition", "seconds", …}. `quarters`: seconds are rounded up to a quarter
    of an hour. `skips`: a role of which nothing is said; `refuses`: one that is Invalid; `fails`: one that is a bug."""

    emits: ClassVar[Types] = (TimeSubmitted.EVENT, TimeRemoved.EVENT)

    quarters: bool = False
    skips: str = "none"
    refuses: str = "none"
    fails: str = "none"
    moves: str = ""

    def translate(self, full: Raw) -> Iterable[Event]:
        for said in json.loads(full.body):
            role = said.get("role", "Consultant")
            if role == self.refuses:
                raise Invalid("role-missing", "role of the issue is empty")
            if role == self.fails:
                raise ZeroDivisionError(role)
            if role != self.skips:
                yield self._event(said, role)

    def _event(self, said: Mapping[str, Any], role: str) -> Event:
        at, seconds = BEGIN + timedelta(days=said["edition"]), said["seconds"]
        common: dict[str, Any] = {
            "source": self.name,
            "native_id": said["id"],
            "aggregate_id": f"{self.name}:{said['id']}",
            "sequence": sequence(at),
            "time": at,
        }
        if said.get("removed"):
            return new_event(TimeRemoved, **common, cause="DELETED", removed_at=at)
        return new_event(
            TimeSubmitted,
            **common,
            project_id=self.moves or "PRJ-1001",
            resource_id="R-1",
            work_date=at.date(),
            zone="UTC",
            started_at=at,
            worked_seconds=-(-seconds // 900) * 900 if self.quarters else seconds,
            role=role,
            task="TASK-1",
            submitted_at=at,
        )


def entry(id: str, seconds: int = 3000, edition: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": id, "seconds": seconds, "edition": edition, **more}


@dataclass
class SourcePlant:
    """The source `name`, whose record is `raw.<name>` (thin: `full.<name>`), in front of the sink of a `Plant`."""

    plant: Plant
    name: str = field(default_factory=lambda: f"notes-{uuid.uuid4().hex[:8]}")
    thin: bool = False
    offsets: dict[int, int] = field(default_factory=dict)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    """What the audit trail was told, once for each number that was given."""

    def __post_init__(self) -> None:
        made = topics().concrete({self.name: self.thin}, [], [], 4)
        Admin(self.plant.kafka).apply([t for t in made if self.name in t.name or t.name.startswith("psf.")])

    @property
    def topic(self) -> str:
        return f"{'full' if self.thin else 'raw'}.{self.name}"

    def stage(self, mapping: Source) -> TranslateStage:
        return TranslateStage(Policy(self.name, "translate"), self.plant.codec, mapping, self.thin)

    def mapping(self, **settings: Any) -> Notes:
        return Notes(name=self.name, **settings)

    def receive(
        self, *entries: Mapping[str, Any], partition: int = 0, at: datetime | None = None, key: str = "k-1"
    ) -> Record:
        """Store one record; `at`: when (default now)."""
        return self.store(json.dumps(entries).encode(), partition, at, key)

    def store(self, body: bytes, partition: int = 0, at: datetime | None = None, key: str = "k-1") -> Record:
        own = (("fabric-source", self.name.encode()), ("fabric-notice-id", f"n-{uuid.uuid4().hex}".encode()))
        ms = int((at or datetime.now(UTC)).timestamp() * 1000)
        producer = ck.Producer({"bootstrap.servers": self.plant.kafka.bootstrap})
        stored: list[int | None] = []
        producer.produce(
            self.topic,
            body,
            key.encode(),
            partition,
            headers=list(own),
            timestamp=ms,
            on_delivery=lambda error, message: stored.append(message.offset()),
        )
        assert producer.flush(20) == 0
        offset = self.offsets[partition] = stored[0] or 0
        return Record(self.topic, partition, offset, key.encode(), body, own, ms)

    def read(self, to: Mapping[int, int] | None = None) -> None:
        """The component has committed all that was received, or up to these offsets."""
        ends = to or {partition: offset + 1 for partition, offset in self.offsets.items()}
        group = ck.Consumer({"bootstrap.servers": self.plant.kafka.bootstrap, "group.id": self.name})
        group.commit(offsets=[ck.TopicPartition(self.topic, p, o) for p, o in ends.items()], asynchronous=False)
        group.close()

    def say(self, record: Record, mapping: Source, revision: str = LIVE) -> list[Event]:
        """What the component made of a record then, in `psf.time`."""
        headers = record.headers
        if revision != LIVE:
            headers = (*headers, ("fabric-redo-revision", revision.encode()))
        return self.again(
            Record(record.topic, record.partition, record.offset, record.key, record.value, headers), mapping
        )

    def again(self, record: Record, mapping: Source) -> list[Event]:
        """The same of a record as it lies in redo."""
        writes = self.stage(mapping).handle(record, Lane(0)).writes
        events = [write for write in writes if write.topic == "psf.time"]
        self.plant.write(*events)
        return [self.plant.codec.decode(Record("", 0, 0, w.key, w.value, w.headers)) for w in events]

    def send(self, event: Event) -> Event:
        """To the sink, approved and priced at 125 GBP an hour."""
        approved = event.derive(TimeApproved, component="approve", approval_policy="p", approval_rule="r")
        enrichment = {
            "target": self.plant.name,
            "legal_entity": "UK01",
            "client_id": "C-7",
            "billing_model": "TIME_AND_MATERIALS",
            "currency": "GBP",
            "hourly_rate": Decimal(125),
            "billable": True,
            "project_reference": "",
        }
        sent = approved.enrich(EnrichedTimeApproved, enrichment)
        key, value, headers = self.plant.codec.encode(sent)
        self.plant.write(Write(f"deliver.{self.plant.name}", key, value, headers))
        return sent

    def apply(self, event: Event, **changes: Any) -> None:
        """The sink has it."""
        given = {"version": event.version, "event_id": event.id, "content_hash": "c0ffee", "reference": "line,41"}
        key = f"time/{event.aggregate_id}".encode()
        self.plant.write(Write(f"applied.{self.plant.name}", key, Applied(**{**given, **changes}).to_bytes(), (), 0))

    def bar(self, record: Record) -> None:
        """The marker of a dead letter at the sink."""
        marker = marker_of(record)
        value = marker_value("resource-unknown", "2026-06-03T17:00:00.000000Z")
        self.plant.write(Write(f"hold.{self.plant.name}", marker.key, value, (), record.partition))

    def live(self, *entries: Mapping[str, Any], mapping: Notes | None = None, **raw: Any) -> Record:
        """Received, said, sent and applied."""
        record = self.receive(*entries, **raw)
        for event in self.say(record, mapping or self.mapping()):
            self.apply(self.send(event))
        return record

    def planned(self, mapping: Notes, wanted: Selection | None = None, number: int = 7) -> Made:
        def numbered(detail: Mapping[str, Any]) -> str:
            self.asked.append(detail)
            return f"{number:020d}"

        downstream = Downstream([self.plant.name], [], lambda type: True)
        what = SourceMapping(self.plant.codec, self.stage(mapping), mapping.emits)
        return plan_from_source(
            self.plant.kafka, what, wanted or Selection(), downstream, numbered, who="anna@desk", now=NOW
        )

"""The border: what other systems write to Kafka themselves enters the fabric here, or does not.

Who wrote a record is not in the record. It is known by the topic: one `ingress.<system>` for each system, to which the
broker's access list lets that system's principal write and nobody else (docs/adr/0017).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, field_validator

import schemas
from psfabric.adapters import Guard, Known
from psfabric.errors import Invalid
from psfabric.event import LIVE, Event, Record
from psfabric.ids import SOURCE

ID = re.compile(r"[0-9a-f]{32}")
ONCE = ("content-type", "traceparent", "tracestate")
"""Headers besides those of CloudEvents that must not be doubled."""

EXACT = {"content-type": b"application/avro", "ce_specversion": b"1.0"}
NEEDED = (
    *EXACT,
    *(f"ce_{name}" for name in ("id", "source", "type", "time", "subject", "partitionkey", "sequence", "revision")),
)
"""Headers without which no record is admitted; `opened` has compared those that repeat the head with it."""


class Ingress(BaseModel):
    """One system that writes `ingress.<system>`, and what it may say there.

    `principal`: who the broker's access list lets write, e.g. `User:payroll-acme`. `sources`: what it may give as
    `ce_source`. `types`: events that it may publish. `legal_entities`: for which; any when left out ("" is *none*).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = Field(pattern=f"^{SOURCE}$")
    principal: str = Field(min_length=1, max_length=200)
    sources: tuple[str, ...] = Field(min_length=1)
    types: tuple[str, ...] = Field(min_length=1)
    legal_entities: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        return f"ingress.{self.system}"

    @field_validator("types")
    @classmethod
    def _open(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        for event in named:
            if event not in schemas.topics().open_to_systems():
                raise ValueError(f"{event!r} is no event that systems may publish; docs/publishing.md lists them")
        return named

    @field_validator("sources")
    @classmethod
    def _names(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        for source in named:
            if not re.fullmatch(SOURCE, source):
                raise ValueError(f"{source!r} is no name of a source; small letters, digits and - are allowed")
        return named


class Border(Guard):
    """Admits a record whose headers are whole and say what its head says, whose key is its partition key, whose schema
    is registered for its event, which keeps the rules, and which its system may say at all. Everything else is a dead
    letter of this component."""

    ingress: tuple[Ingress, ...] = Field(description="The systems that write, each with its own topic.")
    hours_ahead: int = Field(
        default=24, ge=0, le=8784, description="How many hours a version may lie after its record was written."
    )

    @field_validator("ingress")
    @classmethod
    def _some(cls, given: tuple[Ingress, ...]) -> tuple[Ingress, ...]:
        if not given:
            raise ValueError("no system writes; leave the border out")
        return given

    def inputs(self) -> Sequence[str]:
        return [one.topic for one in self.ingress]

    def principal(self, topic: str) -> str:
        return next((one.principal for one in self.ingress if one.topic == topic), "")

    def speaks_for(self) -> Iterable[str]:
        return [source for one in self.ingress for source in one.sources]

    def process(self, event: Event, known: Known) -> Iterable[Event]:
        """It is given records, never events."""
        raise TypeError(f"{self.name} was given {event.type}")

    def admit(self, record: Record, event: Event, *, again: bool) -> None:
        """Raises Invalid(header-invalid, source-not-allowed, type-not-accepted, entity-not-allowed, key-mismatch,
        version-invalid, contract-violated)."""
        wrong = list(_wrong_headers(record, event))
        if wrong:
            raise Invalid("header-invalid", "; ".join(wrong))
        ingress = next((one for one in self.ingress if one.topic == record.topic), None)
        if ingress is None:
            raise Invalid("source-not-allowed", f"no system of this border writes {record.topic} any more")
        self._allowed(ingress, event)
        self._keyed(record, event)
        self._versioned(record, event, again=again)

    def _allowed(self, ingress: Ingress, event: Event) -> None:
        if event.type not in ingress.types:
            raise Invalid("type-not-accepted", f"{event.type} is none of {', '.join(ingress.types)}")
        if event.source not in ingress.sources:
            raise Invalid("source-not-allowed", f"ce_source is none of {', '.join(ingress.sources)}")
        if ingress.legal_entities and event.head.legal_entity not in ingress.legal_entities:
            allowed = ", ".join(one or "none" for one in ingress.legal_entities)
            raise Invalid("entity-not-allowed", f"legal_entity is none of {allowed}")

    def _keyed(self, record: Record, event: Event) -> None:
        by = schemas.topics().rule(event.model.TOPIC).orders_by
        for name in ("aggregate_id", by):
            if not getattr(event.data, name):
                raise Invalid("key-mismatch", f"{name} is empty")
        if record.key != event.head.partition_key.encode():
            raise Invalid("key-mismatch", "the Kafka key is not the partition_key of the head")
        if event.head.partition_key != getattr(event.data, by):
            raise Invalid("key-mismatch", f"{event.model.TOPIC} is keyed by {by}, and partition_key is not that")

    def _versioned(self, record: Record, event: Event, *, again: bool) -> None:
        if not ID.fullmatch(event.id):
            raise Invalid("contract-violated", "event_id is not 32 hex digits")
        if event.head.revision != LIVE and not again:
            raise Invalid("version-invalid", "the revision is not all zeros: only the fabric revises")
        try:
            version = datetime.fromisoformat(event.head.sequence.partition("/")[0])
        except ValueError:
            raise Invalid("version-invalid", "the sequence begins with no instant") from None
        latest = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC) + timedelta(hours=self.hours_ahead)
        if version > latest:
            why = f"the sequence lies over {self.hours_ahead} h after the record was written: nothing would follow it"
            raise Invalid("version-invalid", why)


def _wrong_headers(record: Record, event: Event) -> Iterator[str]:
    names = Counter(name for name, _ in record.headers)
    found = dict(record.headers)
    for name in NEEDED:
        if not found.get(name):
            yield f"{name} is missing"
    if event.head.legal_entity and "ce_legalentity" not in found:
        yield "ce_legalentity is missing"
    for name, count in names.items():
        if count > 1 and (name.startswith("ce_") or name in ONCE):
            yield f"{name[:64]} is there {count} times"
    for name, exactly in EXACT.items():
        if found.get(name) and found[name] != exactly:
            yield f"{name} is not {exactly.decode()}"
    classification = found.get("ce_dataclassification")
    if classification and classification != schemas.classification(event.type).encode():
        yield f"ce_dataclassification is not {schemas.classification(event.type)}"

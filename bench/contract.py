"""The event that is measured with: 16 fields, three decimals, about 300 bytes, and an enrichment of three fields.

Written as `schemas/generate.py` would write it; not part of the contract, so nobody has to register it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import schemas
from schemas.base import Instant, Model, Record, Scaled, Text

EVENT, ENRICHED = "bench.TimeApproved", "enriched.bench.TimeApproved"


class TimeApproved(Model):
    EVENT: ClassVar[str] = EVENT
    CE_TYPE: ClassVar[str] = "psf.bench.TimeApproved.v1"
    TOPIC: ClassVar[str] = ""
    SUBJECT: ClassVar[str] = "psf.bench.TimeApproved"

    hours: Annotated[Decimal, Scaled(9, 2)]
    bill_rate: Annotated[Decimal, Scaled(12, 4)]
    amount: Annotated[Decimal, Scaled(18, 2)]
    currency: Text
    work_date: date
    approved_at: Annotated[datetime, Instant()]
    submitted_at: Annotated[datetime, Instant()]
    note: Text | None = None


class TimeApprovedEnrichment(Record):
    SUBJECT: ClassVar[str] = "psf.enrichment.BenchTimeApprovedEnrichment"

    client_name: Text
    cost_centre: Text
    cost_share: Annotated[Decimal, Scaled(9, 4)]


class EnrichedTimeApproved(TimeApproved):
    EVENT: ClassVar[str] = ENRICHED
    CE_TYPE: ClassVar[str] = "psf.enriched.bench.TimeApproved.v1"
    SUBJECT: ClassVar[str] = "psf.enriched.bench.TimeApproved"

    note: Text | None
    enrichment: TimeApprovedEnrichment


def _decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


_INSTANT = {"type": "long", "logicalType": "timestamp-micros"}
_FIELDS: dict[str, Any] = {
    **dict.fromkeys(schemas.HEAD_FIELDS, "string"),
    "hours": _decimal(9, 2),
    "bill_rate": _decimal(12, 4),
    "amount": _decimal(18, 2),
    "currency": "string",
    "work_date": {"type": "int", "logicalType": "date"},
    "approved_at": _INSTANT,
    "submitted_at": _INSTANT,
    "note": ["null", "string"],
}
_ENRICHMENT: dict[str, Any] = {"client_name": "string", "cost_centre": "string", "cost_share": _decimal(9, 4)}


def _record(name: str, namespace: str, fields: dict[str, Any]) -> dict[str, Any]:
    named = [{"name": n, "type": t} for n, t in fields.items()]
    return {"type": "record", "name": name, "namespace": namespace, "doc": "Measured.", "fields": named}


CANONICAL = _record("TimeApproved", "psf.bench", _FIELDS)
SCHEMAS = {
    EVENT: CANONICAL,
    ENRICHED: {
        **schemas.enriched(CANONICAL, _record("BenchTimeApprovedEnrichment", "psf.enrichment", _ENRICHMENT)),
        "namespace": "psf.enriched.bench",
    },
}


_MODELS = {name: m for m in (TimeApproved, EnrichedTimeApproved) for name in (m.SUBJECT, m.EVENT)}
_EVENTS = (*SCHEMAS, *schemas.events())


class Contract:
    """`schemas` with this event added."""

    def avro(self, event: str) -> dict[str, Any]:
        return SCHEMAS.get(event) or schemas.avro(event)

    def model(self, name: str) -> type[Model]:
        return _MODELS.get(name) or schemas.model(name)

    def classification(self, event: str) -> str:
        return "personal" if event in SCHEMAS else schemas.classification(event)

    def superseded(self, record: str) -> schemas.Superseded | None:
        return schemas.superseded(record)


class Ids:
    """Schema ids without a registry. `combinations` false: as if none were registered, so that nothing is appended."""

    def __init__(self, *, combinations: bool) -> None:
        self._combinations = combinations
        self._ids = {event: number for number, event in enumerate(_EVENTS, 1)}

    def id_of(self, event: str) -> int:
        return self._ids[event]

    def writer(self, schema_id: int) -> dict[str, Any]:
        return Contract().avro(_EVENTS[schema_id - 1])

    def combination(self, writer_id: int, event: str) -> int | None:
        return self.id_of(event) if self._combinations else None

    def has_version(self, schema_id: int, event: str) -> bool:
        return schema_id == self.id_of(event)

"""Events to Kafka records and back: Confluent framing, Avro, CloudEvents 1.0 in binary mode.

Undecodable bytes raise Invalid with a stable code; nothing here is ever guessed. Headers are copies of the head: the
head is what counts.
"""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from typing import Any, Protocol

import fastavro
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException
from pydantic import ValidationError

import schemas
from psfabric.errors import Invalid
from psfabric.event import Event, HeaderList, Record, utc_text
from schemas import Model

CONTENT_TYPE = b"application/avro"
HEADER_LIMIT = 1024
"""Bytes a header value may have (DESIGN section 3)."""

_MAGIC_ID, _MAGIC_GUID = 0, 1
_UNREADABLE = (EOFError, LookupError, ValueError, TypeError, ArithmeticError, struct.error, MemoryError, RecursionError)
"""What fastavro raises for bytes that are no record of the schema."""


class Ids(Protocol):
    def id_of(self, event: str) -> int: ...
    def writer(self, schema_id: int) -> dict[str, Any]: ...


class Codec:
    """Encodes with the bundled schemas, decodes with the writer's schema resolved to the bundled one."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._bundled: dict[str, Any] = {}
        self._writers: dict[int, tuple[Any, type[Model]]] = {}

    def value(self, data: Model) -> bytes:
        """Magic byte 0, schema id, Avro."""
        out = io.BytesIO()
        out.write(struct.pack(">bI", _MAGIC_ID, self._ids.id_of(data.EVENT)))
        fastavro.schemaless_writer(out, self._schema(data.EVENT), data.model_dump())
        return out.getvalue()

    def encode(self, event: Event) -> tuple[bytes, bytes, HeaderList]:
        """Key, value and headers of an event's record."""
        return event.data.partition_key.encode(), self.value(event.data), headers(event)

    def decode(self, record: Record) -> Event:
        """The event a record holds. Raises Invalid; Transient when the schema cannot be looked up now."""
        if record.value is None:
            raise Invalid("null-value", f"{record.topic} does not allow records without a value")
        data = self.data(record.value)
        return Event(
            data=data,
            time=_instant(record.header("ce_time"), data),
            source=record.header("ce_source") or "",
            correlation_id=record.header("ce_correlationid") or data.event_id,
            causation_id=record.header("ce_causationid") or "",
            traceparent=record.header("traceparent") or "",
            tracestate=record.header("tracestate") or "",
        )

    def event(self, framed: bytes) -> Event:
        """The event in framed bytes that have no headers (the cause that a receipt carries)."""
        data = self.data(framed)
        return Event(data, _instant(None, data), "", data.event_id)

    def type_of(self, framed: bytes) -> str:
        """The event type of framed bytes, from the schema id alone."""
        return self._writer(_schema_id(framed))[1].EVENT

    def data(self, framed: bytes) -> Model:
        writer, model = self._writer(_schema_id(framed))
        body = io.BytesIO(framed)
        body.seek(5)
        try:
            plain = fastavro.schemaless_reader(body, writer, self._schema(model.EVENT))
        except SchemaResolutionError:
            why = f"its writer's schema cannot be read as the {model.EVENT} of this release"
            raise Invalid("contract-violated", why) from None
        except _UNREADABLE as error:
            raise Invalid("avro-truncated", f"not a whole {model.EVENT}: {type(error).__name__}") from None
        if body.tell() != len(framed):
            raise Invalid("avro-truncated", f"{len(framed) - body.tell()} bytes follow the end of {model.EVENT}")
        return _validated(model, plain)

    def _schema(self, event: str) -> Any:
        parsed = self._bundled.get(event)
        if parsed is None:
            parsed = self._bundled[event] = fastavro.parse_schema(schemas.avro(event))
        return parsed

    def _writer(self, schema_id: int) -> tuple[Any, type[Model]]:
        known = self._writers.get(schema_id)
        if known is None:
            schema = self._ids.writer(schema_id)
            name = f"{schema.get('namespace', '')}.{schema.get('name', '')}"
            try:
                model = schemas.model(name)
            except schemas.UnknownEvent:
                raise Invalid(
                    "schema-unknown", f"schema id {schema_id} is {name}, which this release has not"
                ) from None
            known = self._writers[schema_id] = (_parsed(schema_id, schema), model)
        return known


def _parsed(schema_id: int, schema: dict[str, Any]) -> Any:
    try:
        return fastavro.parse_schema(schema)
    except (SchemaParseException, ValueError, KeyError, TypeError) as error:
        raise Invalid("schema-unknown", f"schema id {schema_id} is no readable Avro: {type(error).__name__}") from None


def _schema_id(framed: bytes) -> int:
    if len(framed) < 5:
        raise Invalid("wrong-magic", f"{len(framed)} bytes are too few for a framed record")
    magic, schema_id = struct.unpack_from(">bI", framed)
    if magic == _MAGIC_GUID:
        raise Invalid("schema-unknown", "the record names its schema by GUID, which this registry cannot look up")
    if magic != _MAGIC_ID:
        raise Invalid("wrong-magic", f"the first byte is {magic}, not 0")
    return int(schema_id)


def _validated(model: type[Model], plain: Any) -> Model:
    try:
        return model.model_validate(plain, strict=False)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, e["loc"])) for e in error.errors()[:5])
        raise Invalid("contract-violated", f"{model.EVENT} breaks its contract at {where}") from None


def headers(event: Event) -> HeaderList:
    """The envelope: CloudEvents attributes, our extensions, the trace."""
    data = event.data
    pairs = {
        "ce_specversion": "1.0",
        "ce_id": data.event_id,
        "ce_source": event.source,
        "ce_type": data.CE_TYPE,
        "ce_time": utc_text(event.time),
        "ce_subject": data.aggregate_id,
        "ce_correlationid": event.correlation_id,
        "ce_causationid": event.causation_id,
        "ce_partitionkey": data.partition_key,
        "ce_sequence": data.sequence,
        "ce_revision": data.revision,
        "ce_legalentity": data.legal_entity,
        "ce_dataclassification": schemas.classification(data.EVENT),
        "traceparent": event.traceparent,
        "tracestate": event.tracestate,
    }
    named = ((n, v.encode()) for n, v in pairs.items() if v)
    return (("content-type", CONTENT_TYPE), *(pair for pair in named if _fits(data, *pair)))


def _fits(data: Model, name: str, value: bytes) -> bool:
    """False for a trace that is too long: it is telemetry. Raises Invalid(header-invalid) for anything else."""
    if len(value) <= HEADER_LIMIT:
        return True
    if name in ("traceparent", "tracestate"):
        return False
    raise Invalid("header-invalid", f"{name} of a {data.EVENT} has {len(value)} bytes; {HEADER_LIMIT} are allowed")


def _instant(text: str | None, data: Model) -> datetime:
    """The upstream instant: `ce_time`, or the one in the sequence when the header is missing."""
    try:
        at = datetime.fromisoformat(text or data.sequence.partition("/")[0])
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("header-invalid", f"ce_time of {data.event_id} is not an instant") from None
    raise Invalid("header-invalid", f"ce_time of {data.event_id} has no zone")

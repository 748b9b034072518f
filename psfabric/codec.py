"""Events to Kafka records and back: Confluent framing, Avro, the envelope in headers.

Undecodable bytes raise Invalid with a stable code; nothing here is ever guessed. Records of an older major of an event
are read through its upgrade rules (docs/adr/0016). What is not read is not decoded and
what is not changed is not encoded (docs/adr/0009): `lazy` reads the head and steps over the rest, and the record of an
enriched event is the bytes of the event followed by those of the enrichment.
"""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import fastavro
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException
from pydantic import ValidationError

import schemas
from psfabric import envelope
from psfabric.avro_append import Append, record_writer
from psfabric.avro_bytes import Malformed, Walk, begins_with_head, read_head, walker
from psfabric.errors import Invalid, Transient
from psfabric.event import Appended, Event, Framed, Head, HeaderList, Record, head_of
from schemas import Model, Superseded

_FRAME = struct.Struct(">bI")
_BEGIN = _FRAME.size
_MAGIC_ID, _MAGIC_GUID = 0, 1
UNREADABLE = (EOFError, LookupError, ValueError, TypeError, ArithmeticError, struct.error, MemoryError, RecursionError)
"""What fastavro raises for bytes that are no record of the schema."""

ASK_AGAIN = 60.0
"""Seconds until the registry is asked again for a combination that it could not be asked for."""


class Ids(Protocol):
    def id_of(self, event: str) -> int: ...
    def writer(self, schema_id: int) -> dict[str, Any]: ...
    def combination(self, writer_id: int, event: str) -> int | None:
        """The id of the enriched `event` whose canonical part is as that writer wrote it; None: not registered."""

    def has_version(self, schema_id: int, event: str) -> bool:
        """Whether that id is of a version of the subject of `event`."""


class Contract(Protocol):
    """What the codec needs of the contract; `schemas` is it."""

    def avro(self, event: str) -> dict[str, Any]: ...
    def model(self, name: str) -> type[Model]: ...
    def classification(self, event: str) -> str: ...
    def superseded(self, record: str) -> Superseded | None:
        """The older major whose records have that full name; None: a current one, or none."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """How records of one schema id are read; `walk` is None where only decoding all of it is safe.

    `older`: they are of a major that is served no more, so they are decoded whole and taken to the current one.
    """

    id: int
    schema: Any
    model: type[Model]
    walk: Walk | None
    older: Superseded | None = None

    @property
    def ce_type(self) -> str:
        return self.older.name.ce_type if self.older else self.model.CE_TYPE


@dataclass(frozen=True, slots=True)
class Plain:
    """A record as its writer wrote it, not compared with its contract: the writer's schema (parsed) and the fields."""

    event: str
    schema_id: int
    schema: dict[str, Any]
    fields: dict[str, Any]


class Codec:
    """Encodes with the bundled schemas, decodes with the writer's schema resolved to the bundled one."""

    def __init__(self, ids: Ids, contract: Contract = schemas, clock: Callable[[], float] = time.monotonic) -> None:
        self._ids = ids
        self._contract = contract
        self._clock = clock
        self._bundled: dict[str, Any] = {}
        self._parsed_older: dict[str, Any] = {}
        self._enrichments: dict[str, Append] = {}
        self._writers: dict[int, _Writer] = {}
        self._combinations: dict[tuple[int, str], tuple[bytes | None, float]] = {}
        self._vouched: set[tuple[int, str]] = set()

    def topic(self, event: str) -> str:
        """The topic of a canonical event."""
        return self._contract.model(event).TOPIC

    # ------------------------------------------------------------------------------------------ encoding

    def value(self, data: Model) -> bytes:
        """Magic byte 0, schema id, Avro."""
        return self._frame(data.EVENT) + _written(self._schema(data.EVENT), data)

    def encode(self, event: Event) -> tuple[bytes, bytes, HeaderList]:
        """Key, value and headers of an event's record. Raises Invalid for an unread event that proves unreadable."""
        value = self._unchanged(event) or self._appended(event) or self.value(event.data)
        return event.head.partition_key.encode(), value, self.headers(event)

    def headers(self, event: Event) -> HeaderList:
        return envelope.headers(event, self._contract.classification(event.model.EVENT))

    def _unchanged(self, event: Event) -> bytes | None:
        """The record that the event was read from, when it would be written the same."""
        origin = event.origin
        if isinstance(origin, Framed) and origin.schema_id == self._ids.id_of(event.model.EVENT):
            return origin.value
        return None

    def _appended(self, event: Event) -> bytes | None:
        """The record of the event's base with its enrichment behind it; None for an event that is not enriched.

        The base is written as it was read where that combination is registered, else under the schema of this release.
        """
        origin = event.origin
        if not isinstance(origin, Appended):
            return None
        start, base = None, origin.base.origin
        if isinstance(base, Framed):
            frame = self._combination(base.schema_id, event.model.EVENT)
            start = None if frame is None else frame + base.value[_BEGIN:]
        if start is None:
            start = self._frame(event.model.EVENT) + _written(self._schema(origin.base.type), origin.base.data)
        return start + self._enrichment(event.model.EVENT)(origin.enrichment)

    def _combination(self, writer_id: int, event: str) -> bytes | None:
        known = self._combinations.get((writer_id, event))
        if known is not None and (known[1] == 0.0 or self._clock() < known[1]):
            return known[0]
        try:
            found, until = self._ids.combination(writer_id, event), 0.0
        except Transient:
            found, until = None, self._clock() + ASK_AGAIN
        frame = None if found is None else _FRAME.pack(_MAGIC_ID, found)
        self._combinations[writer_id, event] = frame, until
        return frame

    def _frame(self, event: str) -> bytes:
        return _FRAME.pack(_MAGIC_ID, self._ids.id_of(event))

    # ------------------------------------------------------------------------------------------ decoding

    def decode(self, record: Record) -> Event:
        """The event a record holds, read whole. Raises Invalid; Transient when the schema cannot be looked up now."""
        value = _value(record)
        writer = self._writer(framed_id(value))
        data = self._data(value, writer)
        return envelope.opened(data, head_of(data), writer.ce_type, record.headers)

    def lazy(self, record: Record) -> Event:
        """The event a record holds, of which only the head is read; `event.data` decodes the rest.

        Raises Invalid for a head that is no head, for headers that contradict it, and for a record that is not whole:
        cut, longer than its schema says, or out of step with it. What the fields behind the head contain is judged
        when they are read, by the sink at the latest. Raises Transient when the schema cannot be looked up now.
        """
        value = _value(record)
        return self._lazy(record, value, self._writer(framed_id(value)))

    def accepted(self, record: Record, types: Container[str], read: Container[str] = ()) -> Event | None:
        """As `lazy`; None for a record of another type, of which nothing but the schema id is looked at.

        Of events in `read`, whose `data` will be asked for, it is decoded at once, without reading the head first.
        """
        if record.value is None:
            raise _without_value(record)
        writer = self._writer(framed_id(record.value))
        event = writer.model.EVENT
        return self._lazy(record, _value(record), writer, at_once=event in read) if event in types else None

    def _lazy(self, record: Record, value: bytes, writer: _Writer, *, at_once: bool = False) -> Event:
        if writer.walk is None:
            return self.decode(record)
        data = self._data(value, writer) if at_once else None
        head = _stepped_over(writer.walk, value, writer.model) if data is None else head_of(data)
        state = Framed(writer.model, head, value, writer.id, self.data)
        event = envelope.opened(state, head, writer.model.CE_TYPE, record.headers)
        if data is not None:
            event.was_read(data)
        return event

    def vouched(self, record: Record) -> Event:
        """As `decode`, of a record whose writer need not be one of ours: its schema has to be one that was registered
        for its event, and so found compatible. Raises Invalid(subject-mismatch) too, Held while that is not known."""
        event = self.decode(record)
        schema = framed_id(_value(record)), event.type
        if schema not in self._vouched:
            if not self._ids.has_version(*schema):
                subject = schemas.name_of(event.type).subject
                raise Invalid("subject-mismatch", f"schema id {schema[0]} is no version of the subject {subject}")
            self._vouched.add(schema)
        return event

    def event(self, framed: bytes) -> Event:
        """The event in framed bytes that have no headers (the cause that a receipt carries)."""
        return self.decode(Record("", 0, 0, b"", framed))

    def data(self, framed: bytes) -> Model:
        """The whole state in framed bytes."""
        return self._data(framed, self._writer(framed_id(framed)))

    def _data(self, framed: bytes, writer: _Writer) -> Model:
        if writer.older is None:
            return _validated(writer.model, _read(framed, writer, self._schema(writer.model.EVENT)))
        older = writer.older
        schema = self._parsed_older.get(older.name.subject)
        if schema is None:
            schema = self._parsed_older[older.name.subject] = fastavro.parse_schema(older.schema)
        try:
            return _validated(writer.model, older.upgraded(_read(framed, writer, schema)))
        except schemas.UpgradeFailed as error:
            why = f"{older.name.event} v{older.name.major}: {error}"
            raise Invalid("upgrade-failed", why) from None

    # ------------------------------------------------------------------------------------------ by hand

    def plain(self, framed: bytes) -> Plain:
        """What framed bytes say in their writer's words, whether or not the model would take it. Raises Invalid."""
        writer = self._writer(framed_id(framed))
        return Plain(writer.model.EVENT, writer.id, writer.schema, _read(framed, writer, None))

    def framed(self, plain: Plain) -> bytes:
        """The bytes of such a record, under the schema it was written with. Raises Invalid for what does not fit."""
        out = io.BytesIO(_FRAME.pack(_MAGIC_ID, plain.schema_id))
        out.seek(_BEGIN)
        try:
            fastavro.schemaless_writer(out, plain.schema, plain.fields)
        except (*UNREADABLE, AttributeError) as error:
            why = f"it does not fit the {plain.event} it was written as: {type(error).__name__}"
            raise Invalid("contract-violated", why) from None
        return out.getvalue()

    def _schema(self, event: str) -> Any:
        parsed = self._bundled.get(event)
        if parsed is None:
            parsed = self._bundled[event] = fastavro.parse_schema(self._contract.avro(event))
        return parsed

    def _enrichment(self, event: str) -> Append:
        """Encodes the enrichment. Its types share no name with the canonical ones (DESIGN 3), so it stands alone."""
        known = self._enrichments.get(event)
        if known is None:
            schema = self._contract.avro(event)["fields"][-1]["type"]
            known = record_writer(schema) or partial(_written, fastavro.parse_schema(schema))
            self._enrichments[event] = known
        return known

    def _writer(self, schema_id: int) -> _Writer:
        known = self._writers.get(schema_id)
        if known is None:
            schema = self._ids.writer(schema_id)
            name = f"{schema.get('namespace', '')}.{schema.get('name', '')}"
            try:
                model = self._contract.model(name)
            except schemas.UnknownEvent:
                raise Invalid(
                    "schema-unknown", f"schema id {schema_id} is {name}, which this release has not"
                ) from None
            parsed, walk = _parsed(schema_id, schema)
            older = self._contract.superseded(name)
            known = self._writers[schema_id] = _Writer(schema_id, parsed, model, None if older else walk, older)
        return known


def _value(record: Record) -> bytes:
    if record.key is None:
        raise Invalid("null-key", f"{record.topic} does not allow records without a key: nothing orders them")
    if record.value is None:
        raise _without_value(record)
    return record.value


def _without_value(record: Record) -> Invalid:
    return Invalid("null-value", f"{record.topic} does not allow records without a value")


def _stepped_over(walk: Walk, framed: bytes, model: type[Model]) -> Head:
    """The head of a record that is whole."""
    try:
        head, at = read_head(framed, _BEGIN)
        end = walk(framed, at)
    except (IndexError, Malformed, UnicodeDecodeError) as error:
        raise Invalid("avro-truncated", f"not a whole {model.EVENT}: {type(error).__name__}") from None
    if end != len(framed):
        more = "bytes follow the end of" if end < len(framed) else "bytes are missing of"
        raise Invalid("avro-truncated", f"{abs(len(framed) - end)} {more} {model.EVENT}")
    return head


def _read(framed: bytes, writer: _Writer, schema: Any) -> Any:
    """The fields of a record, resolved to `schema`, or as the writer has them (None)."""
    event = writer.model.EVENT
    body = io.BytesIO(framed)
    body.seek(_BEGIN)
    try:
        plain = fastavro.schemaless_reader(body, writer.schema, schema)
    except SchemaResolutionError:
        why = f"its writer's schema cannot be read as the {event} of this release"
        raise Invalid("contract-violated", why) from None
    except UNREADABLE as error:
        raise Invalid("avro-truncated", f"not a whole {event}: {type(error).__name__}") from None
    if body.tell() != len(framed):
        raise Invalid("avro-truncated", f"{len(framed) - body.tell()} bytes follow the end of {event}")
    return plain


def _written(schema: Any, data: schemas.Record) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, data.model_dump())
    return out.getvalue()


def _parsed(schema_id: int, schema: dict[str, Any]) -> tuple[Any, Walk | None]:
    try:
        return fastavro.parse_schema(schema), walker(schema) if begins_with_head(schema) else None
    except (SchemaParseException, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid("schema-unknown", f"schema id {schema_id} is no readable Avro: {type(error).__name__}") from None


def framed_id(framed: bytes) -> int:
    """Id of the writer's schema. Raises Invalid."""
    if len(framed) < _BEGIN:
        raise Invalid("wrong-magic", f"{len(framed)} bytes are too few for a framed record")
    magic, schema_id = _FRAME.unpack_from(framed)
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

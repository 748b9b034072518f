"""What travels: `Record` (as Kafka has it), `Raw` (as a source said it), `Event` (as the contract means it).

Ids and versions never depend on code or on our clock (DESIGN section 3): an event's id is BLAKE2b-128 over
length-prefixed upstream facts, a derived event's id over its cause, the component's frozen name, the event type and
a business discriminator. The same input gives the same bytes, today and in a replay next year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple, cast

import schemas
from psfabric.ids import derived_id as derived_id
from psfabric.ids import digest as digest
from psfabric.ids import sequence as sequence
from psfabric.ids import utc_text as utc_text
from schemas import HEAD_FIELDS, Model

LIVE = "0" * 20
"""The revision of live traffic; a replay through a changed mapping and an amendment carry their operation number."""

ModelType = type[Model]

HeaderList = tuple[tuple[str, bytes | None], ...]


class Version(NamedTuple):
    """The order of an aggregate's states: compared as text, sequence first."""

    sequence: str
    revision: str = LIVE


class Record(NamedTuple):
    """One Kafka record exactly as read; repeated header names are kept. `timestamp_ms` is the broker's field."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: HeaderList = ()
    timestamp_ms: int = 0

    def header(self, name: str) -> str | None:
        """Last value of the header, or None; bytes that are not UTF-8 count as absent."""
        for found, value in reversed(self.headers):
            if found == name and value is not None:
                try:
                    return value.decode()
                except UnicodeDecodeError:
                    return None
        return None

    @property
    def coordinates(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Raw:
    """What a source system sent (`raw.<source>`) or answered when asked (`full.<source>`).

    `key` is the upstream object's id, `body` its exact bytes, `headers` the intake headers (text). `absent` says that
    the source no longer has the object (a 404 on hydrate).
    """

    key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    absent: bool = False


class Head(NamedTuple):
    """The texts that begin every record, in their order; "" when none."""

    event_id: str
    aggregate_id: str
    partition_key: str
    sequence: str
    revision: str
    legal_entity: str
    client_id: str
    project_id: str


class Framed(NamedTuple):
    """The record that an event was read from, of which only the head was decoded; `decode` does the rest."""

    model: ModelType
    head: Head
    value: bytes
    schema_id: int
    decode: Callable[[bytes], Model]


class Appended(NamedTuple):
    """An event whose record is that of `base` followed by one `enrichment`."""

    model: ModelType
    head: Head
    base: Event
    enrichment: schemas.Record


class Event:
    """A canonical (or enriched) event: its typed state and its envelope. Immutable.

    `time` is the upstream instant of the change (aware, UTC), `source` the component or system that first said it.
    Asking for `head`, `id`, `version` and the like costs nothing. `data` is decoded when first asked for, and raises
    Invalid when a record whose head was fine breaks its contract further on.
    """

    __slots__ = (
        "_data",
        "causation_id",
        "correlation_id",
        "head",
        "model",
        "origin",
        "source",
        "time",
        "traceparent",
        "tracestate",
    )

    def __init__(
        self,
        data: Model | Framed | Appended,
        time: datetime,
        source: str,
        correlation_id: str,
        causation_id: str = "",
        traceparent: str = "",
        tracestate: str = "",
    ) -> None:
        unread = data if isinstance(data, Framed | Appended) else None
        self._data: Model | None = None if unread is data else cast(Model, data)
        self.origin: Final = unread
        self.model: Final = unread.model if unread is not None else type(cast(Model, data))
        self.head: Final = unread.head if unread is not None else head_of(cast(Model, data))
        self.time: Final = time
        self.source: Final = source
        self.correlation_id: Final = correlation_id
        self.causation_id: Final = causation_id
        self.traceparent: Final = traceparent
        self.tracestate: Final = tracestate

    @property
    def data(self) -> Model:
        """The whole state. Raises Invalid(avro-truncated, contract-violated)."""
        if self._data is None:
            self._data = self._read()
        return self._data

    def was_read(self, data: Model) -> None:
        """What the record that it was read from says: nobody needs to decode that again."""
        self._data = data

    @property
    def type(self) -> str:
        """Short name, e.g. `time.TimeApproved` or `enriched.time.TimeApproved`."""
        return self.model.EVENT

    @property
    def id(self) -> str:
        return self.head.event_id

    @property
    def aggregate_id(self) -> str:
        return self.head.aggregate_id

    @property
    def version(self) -> Version:
        return Version(self.head.sequence, self.head.revision)

    def derive(
        self, model: ModelType, *, component: str, discriminator: str = "", carry: bool = True, **changes: Any
    ) -> Event:
        """A new event caused by this one; version, time, correlation and trace are inherited.

        Fields of the same name are carried over unless `carry` is false (the head always is); `changes` win.
        `discriminator` tells apart several events of one type from one cause and must be a business value.
        """
        event_id = derived_id(self.id, component, model.EVENT, discriminator)
        kept = _fields(self.data, model) if carry else self.head._asdict()
        data = model.model_validate({**kept, **changes, "event_id": event_id})
        return self.changed(data=data, causation_id=self.id)

    def enrich(self, model: ModelType, enrichment: Mapping[str, Any]) -> Event:
        """The same event with an appended `enrichment` record: head, id and all canonical fields stay as they are.

        Nothing of the event is decoded for it. Raises pydantic's ValidationError for an enrichment that breaks its
        contract.
        """
        appended = Appended(model, self.head, self, _enrichment(model).model_validate(enrichment))
        envelope = self.correlation_id, self.causation_id, self.traceparent, self.tracestate
        return Event(appended, self.time, self.source, *envelope)

    def changed(self, **changes: Any) -> Event:
        """The same event with other `data`, `time`, `source`, … as the constructor takes them."""
        if "data" not in changes:
            changes["data"] = self.origin or self._data
        for name in _ENVELOPE:
            changes.setdefault(name, getattr(self, name))
        return Event(**changes)

    def _read(self) -> Model:
        match self.origin:
            case Framed(value=value, decode=decode):
                return decode(value)
            case Appended(model, _, base, enrichment):
                return model.model_validate({**_fields(base.data, model), "enrichment": enrichment})
        raise RuntimeError("an event without data")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return self.data == other.data and all(getattr(self, n) == getattr(other, n) for n in _ENVELOPE)

    __hash__ = None  # type: ignore[assignment]  # its data holds mappings

    def __repr__(self) -> str:
        """Without its state: an event that shows in a log or a traceback carries no payload there."""
        return f"Event({self.type} {self.id} of {self.aggregate_id})"


_ENVELOPE = ("time", "source", "correlation_id", "causation_id", "traceparent", "tracestate")


def head_of(data: Model) -> Head:
    return Head._make(getattr(data, name) for name in HEAD_FIELDS)


def _fields(data: Model, model: ModelType) -> dict[str, Any]:
    """The fields of `data` that `model` has too."""
    return {name: getattr(data, name) for name in type(data).model_fields if name in model.model_fields}


@cache
def _enrichment(model: ModelType) -> type[schemas.Record]:
    found = model.model_fields["enrichment"].annotation
    if not (isinstance(found, type) and issubclass(found, schemas.Record)):
        raise TypeError(f"{model.EVENT} is no enriched event")
    return found


def new_event(
    model: ModelType,
    *,
    source: str,
    native_id: str,
    aggregate_id: str,
    sequence: str,
    time: datetime,
    partition_key: str = "",
    revision: str = LIVE,
    correlation_id: str = "",
    traceparent: str = "",
    tracestate: str = "",
    legal_entity: str = "",
    client_id: str = "",
    project_id: str = "",
    **fields: Any,
) -> Event:
    """The first canonical event of an upstream change; its id rests on upstream facts alone.

    `native_id` is the object's id in the source, `sequence` its upstream version (see `sequence()`), `time` the
    upstream instant. `partition_key` defaults to the aggregate id. Raises pydantic's ValidationError for a field that
    breaks the contract.
    """
    event_id = digest(source, native_id, model.EVENT, sequence, revision)
    data = model.model_validate(
        {
            "event_id": event_id,
            "aggregate_id": aggregate_id,
            "partition_key": partition_key or aggregate_id,
            "sequence": sequence,
            "revision": revision,
            "legal_entity": legal_entity,
            "client_id": client_id,
            "project_id": project_id,
            **fields,
        }
    )
    return Event(
        data=data,
        time=time,
        source=source,
        correlation_id=correlation_id or event_id,
        traceparent=traceparent,
        tracestate=tracestate,
    )

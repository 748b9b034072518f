"""What travels: `Record` (as Kafka has it), `Raw` (as a source said it), `Event` (as the contract means it).

Ids and versions never depend on code or on our clock (DESIGN section 3): an event's id is BLAKE2b-128 over
length-prefixed upstream facts, a derived event's id over its cause, the component's frozen name, the event type and
a business discriminator. The same input gives the same bytes, today and in a replay next year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from schemas import HEAD_FIELDS, Model

LIVE = "0" * 20
"""The revision of live traffic; a replay through a changed mapping and an amendment carry their operation number."""

ModelType = type[Model]

HeaderList = tuple[tuple[str, bytes | None], ...]


class Version(NamedTuple):
    """The order of an aggregate's states: compared as text, sequence first."""

    sequence: str
    revision: str = LIVE


@dataclass(frozen=True, slots=True)
class Record:
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


@dataclass(frozen=True, slots=True)
class Event:
    """A canonical (or enriched) event: its typed state and its envelope.

    `time` is the upstream instant of the change (aware, UTC), `source` the component or system that first said it.
    """

    data: Model
    time: datetime
    source: str
    correlation_id: str
    causation_id: str = ""
    traceparent: str = ""
    tracestate: str = ""

    @property
    def type(self) -> str:
        """Short name, e.g. `time.TimeApproved` or `enriched.time.TimeApproved`."""
        return self.data.EVENT

    @property
    def id(self) -> str:
        return self.data.event_id

    @property
    def aggregate_id(self) -> str:
        return self.data.aggregate_id

    @property
    def version(self) -> Version:
        return Version(self.data.sequence, self.data.revision)

    def derive(
        self, model: ModelType, *, component: str, discriminator: str = "", carry: bool = True, **changes: Any
    ) -> Event:
        """A new event caused by this one; version, time, correlation and trace are inherited.

        Fields of the same name are carried over unless `carry` is false (the head always is); `changes` win.
        `discriminator` tells apart several events of one type from one cause and must be a business value.
        """
        event_id = derived_id(self.id, component, model.EVENT, discriminator)
        names = HEAD_FIELDS if not carry else tuple(type(self.data).model_fields)
        kept = {n: getattr(self.data, n) for n in names if n in model.model_fields}
        data = model.model_validate({**kept, **changes, "event_id": event_id})
        return replace(self, data=data, causation_id=self.id)

    def enrich(self, model: ModelType, enrichment: Mapping[str, Any]) -> Event:
        """The same event with an appended `enrichment` record: head, id and all canonical fields stay as they are."""
        kept = {n: getattr(self.data, n) for n in type(self.data).model_fields}
        return replace(self, data=model.model_validate({**kept, "enrichment": enrichment}))


def digest(*parts: str) -> str:
    """Hex of BLAKE2b-128 over the parts, each preceded by its length, so that no two lists of parts collide."""
    h = blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode()
        h.update(len(encoded).to_bytes(4, "big"))
        h.update(encoded)
    return h.hexdigest()


def derived_id(cause_id: str, component: str, event: str, discriminator: str) -> str:
    return digest("derived", cause_id, component, event, discriminator)


def sequence(instant: datetime, tie_break: int = 0) -> str:
    """An upstream version as text that sorts: UTC instant to the microsecond, then a 20-digit tie-break."""
    if instant.tzinfo is None:
        raise ValueError("a version needs an aware instant: the source must say its zone")
    if not 0 <= tie_break < 10**20:
        raise ValueError(f"a tie-break has at most 20 digits and no sign: {tie_break}")
    return f"{utc_text(instant)}/{tie_break:020d}"


def utc_text(instant: datetime) -> str:
    """`YYYY-MM-DDThh:mm:ss.ffffffZ`, always of that length (strftime would write year 999 with three digits)."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


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

"""The interfaces an adapter's author writes against: all of them, and nothing else.

A settings file becomes the adapter's fields (a misspelt one is refused). An adapter never sleeps, retries, logs
payloads, keeps state or imports a client library: the engine retries, the host hands it `http`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, ClassVar, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr

from psfabric.errors import Invalid
from psfabric.event import Event, Raw, Record
from psfabric.http import Http
from psfabric.outcomes import Outcome
from psfabric.violated import violated
from schemas import Model
from schemas.models import ClientOnboarded, EngagementContracted, ProjectCreated
from schemas.rules import Violation

Types = tuple[str, ...]
Entities = tuple[str, ...]
Fields = Mapping[str, tuple[str, ...]]


class Component(BaseModel):
    """One instance named in a pipeline file. `name` is frozen once used: ids and topics rest on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    _http: Http | None = PrivateAttr(default=None)

    @property
    def http(self) -> Http:
        """The client handed over by the host; asking for it in a pure method is a bug."""
        # As `self._http`, which pydantic looks up on a road that costs a sink a twentieth of its processor time.
        http: Http | None = (self.__pydantic_private__ or {}).get("_http")
        if http is None:
            raise RuntimeError(f"{self.name} was not given an HTTP client")
        return http

    def bind(self, http: Http) -> Self:
        self._http = http
        return self

    def send_while(self, gate: Callable[[], Awaitable[None]]) -> None:
        """Let no request leave before `gate` returns. One that does not speak HTTP must wait for it by itself."""
        if self._http is not None:
            self._http.gate = gate


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what a source or a target holds, for reconciliation.

    entity `time`: one time entry (`aggregate_id` the entry, `seconds`; in a target `invoice_id`, "" while unbilled).
    entity `invoice`: one invoice line (`aggregate_id` the invoice, `quantity`, `unit_price`, `amount`, `number`).
    entity `rate`: what a contract says an hour of `role` costs on `project_id` (`unit_price`), and whose it is.
    entity `milestone`: an accepted milestone (`amount`). Amounts are in `currency`, net of tax.
    """

    entity: Literal["time", "invoice", "rate", "milestone"]
    aggregate_id: str
    legal_entity: str = ""
    currency: str = ""
    client_id: str = ""
    project_id: str = ""
    role: str = ""
    day: date | None = None
    seconds: int = 0
    quantity: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    invoice_id: str = ""
    number: str = ""
    state: str = ""


# ---------------------------------------------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True)
class Request:
    """A webhook as received: header names in lower case, the raw body untouched."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """`id` is the same for every retry of one notice; `key` is the upstream object's id (the Kafka key)."""

    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one read gave, and the cursor from which the next begins."""

    raws: tuple[Raw, ...]
    cursor: str


class Source(Component, ABC):
    emits: ClassVar[Types]

    @abstractmethod
    def translate(self, full: Raw) -> Iterable[Event]:
        """Turn one full record into canonical events. Pure. Raises Invalid(code, why)."""


class Polled(Source):
    @abstractmethod
    def read(self, cursor: str | None) -> AsyncIterator[Page]:
        """Pages from just after `cursor` (None: the beginning), for ever. The same cursor gives equal records.

        Raises Transient; Invalid("cursor-expired", …) when the source no longer has that position.
        """


class Webhook(Source):
    @abstractmethod
    def verify(self, request: Request, now: datetime) -> Notice:
        """Authenticate over the raw body, in constant time, before any parsing. Raises Refused."""


class Thin(ABC):
    """Mix-in of a source whose notices do not carry the state."""

    @abstractmethod
    async def hydrate(self, raw: Raw) -> Raw:
        """Read the full record that the notice is about. A 404 is `Raw(absent=True)`.

        Raises Transient, Invalid, Held.
        """


class Stated(ABC):
    """Mix-in of a source that can say all it holds: the side that a reconciliation starts from."""

    @abstractmethod
    def statement(self, entity: str) -> AsyncIterator[Line]:
        """Every `time`, `rate` or `milestone` line the source holds now, deleted ones left out; ValueError for others.

        Reads the source itself, never the fabric. Raises Transient.
        """


# ---------------------------------------------------------------------------------------------------- processors


class Known(Protocol):
    """What a processor may look up. Every method raises Held(Parent(entity, id)) when the store does not have it yet,
    Transient when the store itself is not ready."""

    def client(self, id: str) -> ClientOnboarded: ...
    def engagement(self, id: str) -> EngagementContracted: ...
    def project(self, id: str) -> ProjectCreated: ...
    def kept(self, entity: str, id: str) -> Model: ...
    def find(self, entity: str, id: str) -> Model | None:
        """As `kept`, but None for what the store does not have yet."""

    def decode(self, framed: bytes) -> Event:
        """The event whose framed Avro bytes a receipt carries (`cause`)."""


class Processor(Component, ABC):
    accepts: ClassVar[Types]
    emits: ClassVar[Types]
    reads: ClassVar[Fields] = {}
    """Event -> fields that it looks at, looked-up ones included: `{"project.ProjectCreated": ("rates.role",)}`. Without
    those of the head, which everybody reads. `psfabric schema impact` names by it whom a change reaches. An event of
    which it looks at any is handed over read whole, and is refused before if it breaks its contract."""
    hands_on: ClassVar[Fields] = {}
    """Event -> events that it derives from it with the fields of the same name carried over."""
    needs: ClassVar[Entities] = ()
    keeps: ClassVar[Entities] = ()
    """The `ref.<entity>` topics this processor is the one writer of."""
    compares: ClassVar[Entities] = ()
    """Entities that what it accepts names by id, and with which the rules of the contract compare it here, before
    `process`. An event waits until what it names is known."""

    def comparing(self) -> Entities:
        """Those of `compares` that its settings leave on."""
        return self.compares

    def refuse(self, event: Event, broken: Sequence[Violation]) -> Iterable[Event]:
        """What becomes of an event that does not agree with what it names; by default Invalid(rule-violated)."""
        raise Invalid("rule-violated", violated(event, broken))

    @abstractmethod
    def process(self, event: Event, known: Known) -> Iterable[Event | Route | Reference]:
        """Canonical in, canonical or routed out. Pure but for `known`. Raises Invalid, Held."""

    def targets(self) -> Iterable[str]:
        """Every sink that it may route to, by name: what its settings say. A name that is no sink is a mistake."""
        return ()


class Guard(Processor):
    """A processor at the border: it reads the topics that systems write for themselves, and judges each record as it
    came, headers and all, before it is an event of the fabric. What it admits goes on byte for byte."""

    accepts: ClassVar[Types] = ()
    emits: ClassVar[Types] = ()

    @abstractmethod
    def inputs(self) -> Sequence[str]:
        """The topics, `ingress.<system>`."""

    @abstractmethod
    def principal(self, topic: str) -> str:
        """Who may write to that topic, as the broker's access list has it; "" for one that it does not read."""

    @abstractmethod
    def speaks_for(self) -> Iterable[str]:
        """Every source that a system may claim."""

    @abstractmethod
    def admit(self, record: Record, event: Event, *, again: bool) -> None:
        """Raise Invalid(code, why) unless this event, read from this record, may go on. `again`: an operator sent it
        once more, perhaps amended."""


@dataclass(frozen=True, slots=True)
class Route:
    """An enriched event for one target: it goes to `deliver.<target>` under the event's partition key."""

    target: str
    event: Event


@dataclass(frozen=True, slots=True)
class Reference:
    """The latest state of one piece of master or reference data: it goes to `ref.<entity>` under `<entity>:<id>`.

    The engine emits it only when its version is not below the one stored, so a late event never sets it back.
    """

    entity: str
    id: str
    event: Event


# ---------------------------------------------------------------------------------------------------- sinks


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the target can promise.

    idempotency: `upsert` (writes by our key), `unique` (refuses a second create of our key), `none`,
    `at_least_once` (cannot be read back; refused money types). settle: seconds after sending until a commit is
    visible to `find`. batch: events per `deliver` call. concurrency: calls open at once. timeout: seconds one request
    may take; the sending lease and every belief in absence count on it (DESIGN 5.5).
    """

    idempotency: Literal["upsert", "unique", "none", "at_least_once"]
    settle: float = 0.0
    batch: int = 1
    concurrency: int = 4
    read_back: bool = True
    timeout: float = 30.0
    conditional: bool = False
    """A write to an existing document carries a version condition, so that one sent earlier and arriving late fails."""


@dataclass(frozen=True, slots=True)
class Document:
    """What would be sent: `kind` and `aggregate_id` name the business object, `body` is JSON-able without floats.

    `removed` is true for a removal. Two documents with equal `content_hash` leave the target equal.
    """

    kind: str
    aggregate_id: str
    body: Mapping[str, Any]
    removed: bool = False

    @property
    def key(self) -> str:
        """The key of `applied.<target>`."""
        return f"{self.kind}/{self.aggregate_id}"

    @property
    def content_hash(self) -> str:
        text = json.dumps([self.kind, self.removed, self.body], sort_keys=True, separators=(",", ":"), default=str)
        return blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the target holds for an event: the same reference and facts that `deliver` answered."""

    reference: str
    facts: Mapping[str, str] = field(default_factory=dict)
    number: str = ""
    document_version: int = 1


class Sink(Component, ABC):
    accepts: ClassVar[Types]
    reads: ClassVar[Fields] = {}
    """Event -> fields that it looks at, without those of the head."""
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        """Make the effects durable; one outcome per event, in order. A raised error counts for every event."""

    @abstractmethod
    def document(self, event: Event) -> Document:
        """Pure: business identity and the body to send. Raises Invalid."""

    async def find(self, event: Event) -> Receipt | None:
        """What the target holds under the event's business identity, or None."""
        raise NotImplementedError(f"{self.name} cannot be read back")

    def statement(self, entity: str, period: str) -> AsyncIterator[Line]:
        """Read back `time` or `invoice` lines of `period` (YYYY-MM, or "" for all)."""
        raise NotImplementedError(f"{self.name} has no statement")

    def amount(self, seconds: int, hourly_rate: Decimal, currency: str) -> Decimal:
        """What the target bills for one document line: its documented rounding of summed seconds to money. Pure."""
        raise NotImplementedError(f"{self.name} bills no time")

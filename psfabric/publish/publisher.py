"""`Publisher`: from drafts to acknowledged records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self, overload

import schemas
from psfabric import settings
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import Invalid, Misconfigured, Transient, Unavailable
from psfabric.http import fetch
from psfabric.kafka import Placed, Placing, read_topic
from psfabric.publish.draft import Draft
from psfabric.publish.errors import Mistake, NotAcknowledged, WrongInput
from psfabric.publish.judging import ALLOWED, NAME, Judged, judged
from psfabric.registry import SCHEMAS, Registry, believed
from schemas import Model

ASK_WITHIN = 5.0
"""Seconds that the registry has to answer."""

_SIZE_OF_ID = 0
"""Any schema id: all have as many bytes."""


class Sent(NamedTuple):
    """An event that the broker has acknowledged: its id, its type, and where it lies."""

    event_id: str
    type: str
    topic: str
    partition: int
    offset: int


class Publisher:
    """Publishes what one source says. Not thread-safe; one per thread."""

    def __init__(
        self,
        source: str,
        *,
        ingress: str = "",
        kafka: Kafka | None = None,
        registry_url: str = "",
        within: float = 30.0,
    ) -> None:
        """`source`: the name that its ids rest on and `ce_source` says; frozen once used. `ingress`: write to
        `ingress.<ingress>`, from where the border passes on what is right, instead of to the canonical topics.
        `kafka`, `registry_url`: from `PSF_*` of the environment when left out. `within`: seconds a call may take to
        be acknowledged. Raises Misconfigured with every mistake."""
        wrong = [
            f"{what} is {name!r}; {ALLOWED}"
            for what, name in (("source", source), ("ingress", ingress or "none"))
            if not NAME.fullmatch(name)
        ]
        if not 1.0 <= within <= 3600.0:
            wrong.append(f"within is {within!r}; seconds from 1 to 3600 are allowed")
        if kafka is None or not registry_url:
            try:
                found, url = settings.broker_and_registry()
                kafka, registry_url = kafka or found, registry_url or url
            except Misconfigured as error:
                wrong += error.mistakes
        if wrong or kafka is None:
            raise Misconfigured(wrong)
        self.source, self._topic = source, f"ingress.{ingress}" if ingress else ""
        self._ids = _Ids(kafka, Registry(registry_url, partial(fetch, timeout=ASK_WITHIN)))
        self._placing: Placing | None = Placing(kafka, f"psfabric.publish.{source}", within=within)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing of the client is left, no thread either. All that `publish` returned is written already."""
        placing, self._placing = self._placing, None
        if placing is not None:
            placing.close()

    @overload
    def publish(self, events: Model | Draft) -> Sent: ...
    @overload
    def publish(self, events: Iterable[Model | Draft]) -> tuple[Sent, ...]: ...
    def publish(self, events: Model | Draft | Iterable[Model | Draft]) -> Sent | tuple[Sent, ...]:
        """Write one event, or several in their order; return when the broker has acknowledged all of them.

        Raises WrongInput (nothing was sent), NotAcknowledged (it says which were), and Unavailable when it cannot be
        known under which id a schema is registered.
        """
        if self._placing is None:
            raise RuntimeError("this publisher is closed")
        given: list[Model | Draft] = [events] if isinstance(events, Model | Draft) else list(events)
        ready = checked(given, self.source)
        codec = Codec(self._ids)
        encoded = [codec.encode(one.event) for one in ready]
        writes = [Write(self._topic or one.rule.name, *record) for one, record in zip(ready, encoded, strict=True)]
        sent = _sent(ready, self._placing.place(writes))
        return sent[0] if isinstance(events, Model | Draft) else sent


def checked(given: Sequence[Model | Draft], source: str) -> list[Judged]:
    """All of them, in order. Raises WrongInput with every mistake of every one. Asks nobody."""
    found = [judged(one, source, at) for at, one in enumerate(given)]
    wrong = [mistake for one in found if isinstance(one, list) for mistake in one]
    ready = [one for one in found if isinstance(one, Judged)]
    places = [at for at, one in enumerate(found) if isinstance(one, Judged)]
    codec = Codec(_AnyId())
    values: dict[str, bytes] = {}
    for at, one in zip(places, ready, strict=True):
        wrong += _unfit(codec, at, one, values)
    if wrong:
        raise WrongInput(sorted(wrong, key=lambda mistake: mistake.at))
    return ready


def _unfit(codec: Codec, at: int, one: Judged, values: dict[str, bytes]) -> Iterable[Mistake]:
    """What shows only once it is encoded: size, headers, and another content under the same id."""
    try:
        key, value, headers = codec.encode(one.event)
    except Invalid as error:
        yield Mistake(at, "headers", error.code, error.why)
        return
    size = len(key) + len(value) + sum(len(name) + len(content or b"") for name, content in headers)
    limit = one.rule.max_message_bytes or schemas.topics().max_message_bytes
    if size > limit:
        yield Mistake(at, "data", "oversize", f"is {size:,} bytes with its headers; {one.rule.name} takes {limit:,}")
    if values.setdefault(one.event.id, value) != value:
        why = "another event of this call has the same id, version and type but not the same content"
        yield Mistake(at, "sequence", "field-invalid", why)


def _sent(ready: Sequence[Judged], answers: Sequence[Any]) -> tuple[Sent, ...]:
    sent: dict[int, Sent] = {}
    unknown: dict[int, str] = {}
    refused: dict[int, str] = {}
    for at, (one, answer) in enumerate(zip(ready, answers, strict=True)):
        if isinstance(answer, Placed):
            sent[at] = Sent(one.event.id, one.event.type, *answer)
        else:
            (unknown if answer.unknown else refused)[at] = answer.why
    if unknown or refused:
        raise NotAcknowledged(sent, unknown, refused)
    return tuple(sent.values())


class _Ids:
    """The registry's id of a schema; while that is away the id that `fabric.schemas` keeps for the bundled copy."""

    def __init__(self, kafka: Kafka, registry: Registry) -> None:
        self._kafka, self._registry = kafka, registry
        self._kept: Mapping[str, int] | None = None

    def id_of(self, event: str) -> int:
        try:
            return self._registry.id_of(event)
        except Transient as error:
            if self._kept is None:
                self._kept = believed(read_topic(self._kafka, SCHEMAS))
            if event not in self._kept:
                why = f"the schema registry gives no answer ({error.why}), and {SCHEMAS} keeps no id for {event}"
                raise Unavailable(why) from None
            return self._kept[event]

    def writer(self, schema_id: int) -> dict[str, Any]:
        return self._registry.writer(schema_id)

    def combination(self, writer_id: int, event: str) -> int | None:
        return None

    def has_version(self, schema_id: int, event: str) -> bool:
        return self._registry.has_version(schema_id, event)


class _AnyId:
    """For what is encoded only to be looked at."""

    def id_of(self, event: str) -> int:
        return _SIZE_OF_ID

    def writer(self, schema_id: int) -> dict[str, Any]:
        raise LookupError(schema_id)

    def combination(self, writer_id: int, event: str) -> int | None:
        return None

    def has_version(self, schema_id: int, event: str) -> bool:
        raise LookupError(schema_id)

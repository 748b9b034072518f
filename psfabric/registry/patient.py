"""The registry as the hosts ask it: seldom, briefly, and able to do without (DESIGN 5.11).

What was learnt stays good while the registry is away. A schema that it does not know is asked for once a minute, not
once a record; a registry that gave no answer is left alone for a while, because each question stands in the way of
everything else in the process. Both mean that the record waits in hold. After a start in such a time the bundled copies
are used, under the ids that `fabric.schemas` has kept for them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog

import schemas
from psfabric.errors import Held, Schema, Transient
from psfabric.registry.client import NotRegistered, Registry

log = structlog.get_logger(__name__)

T = TypeVar("T")

ASK_AGAIN = 60.0
"""Seconds until the registry is asked again for an id that it did not know."""

LEFT_ALONE = 15.0
"""Seconds without any question after one that was not answered."""

REMEMBERED = 10_000
"""Unknown ids; bytes that are no record of ours may name any number."""


class PatientRegistry:
    """`kept` is the id of each event as `fabric.schemas` has it; `learned` is told of every id that is new or other."""

    def __init__(
        self,
        registry: Registry,
        kept: Mapping[str, int] | None = None,
        learned: Callable[[str, int], None] = lambda event, id: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._learned, self._clock = registry, learned, clock
        self._kept = dict(kept or {})
        self._events = {id: event for event, id in self._kept.items()}
        self._asked: dict[int, float] = {}
        self._told: set[str] = set()
        self._away_until = float("-inf")
        self._lock = threading.Lock()  # look-ups of the reference store come from other threads

    def id_of(self, event: str) -> int:
        """As of the registry, or as kept while that is away. Raises Transient when it is neither; Unavailable for a
        schema that the registry says is not registered."""
        try:
            id = self._ask(lambda: self._registry.id_of(event), event in self._registry.ids)
        except Transient:
            if event in self._kept:
                return self._kept[event]
            raise
        self._tell(event, id)
        return id

    def writer(self, schema_id: int) -> dict[str, Any]:
        """Raises Held(Schema(…)) for one that cannot be known now; Invalid for one that is no record's."""
        known = self._registry.writers.get(schema_id)
        if known is not None:
            return known
        if self._clock() < self._asked.get(schema_id, float("-inf")) + ASK_AGAIN:
            raise Held(Schema(schema_id), f"the registry has no schema {schema_id}")
        try:
            return self._ask(lambda: self._registry.writer(schema_id))
        except NotRegistered:
            self._remember(schema_id)
            raise Held(Schema(schema_id), f"the registry has no schema {schema_id}") from None
        except Transient as error:
            event = self._events.get(schema_id)
            if event is not None:
                return schemas.avro(event)
            raise Held(Schema(schema_id, unreachable=True), f"schema {schema_id}: {error.why}") from None

    def combination(self, writer_id: int, event: str) -> int | None:
        """Raises Transient for a combination of an earlier version while the registry is away."""
        if writer_id == self.id_of(event.removeprefix(schemas.ENRICHED)):
            return self.id_of(event)
        return self._ask(lambda: self._registry.combination(writer_id, event))

    def has_version(self, schema_id: int, event: str) -> bool:
        """Raises Held(Schema(…)) while the registry is away, but for the bundled schemas."""
        if schema_id == self.id_of(event):
            return True
        try:
            return self._ask(lambda: self._registry.has_version(schema_id, event))
        except Transient as error:
            why = f"subjects of schema {schema_id}: {error.why}"
            raise Held(Schema(schema_id, unreachable=True), why) from None

    def ready(self) -> bool:
        return self._registry.ready()

    def _ask(self, question: Callable[[], T], known: bool = False) -> T:
        """`known`: it will be answered without the registry."""
        if known:
            return question()
        if self._clock() < self._away_until:
            raise Transient("the schema registry gave no answer a moment ago")
        try:
            with self._lock:
                return question()
        except Transient as error:
            self._away_until = self._clock() + LEFT_ALONE
            log.warning("the schema registry gives no answer", why=error.why)
            raise

    def _remember(self, schema_id: int) -> None:
        if len(self._asked) >= REMEMBERED:
            self._asked.clear()
        self._asked[schema_id] = self._clock()

    def _tell(self, event: str, id: int) -> None:
        """Once per process and event; what is kept already under this id needs no second record."""
        if event in self._told:
            return
        self._told.add(event)
        if self._kept.get(event) != id:
            self._learned(event, id)

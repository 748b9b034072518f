"""Lookups in the reference store: what processors know, and what the sweep of holds asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from psfabric.errors import Parent, Transient
from psfabric.event import Event
from psfabric.reference import scripts
from psfabric.reference.known import Lookups
from psfabric.reference.link import Link
from psfabric.reference.stamp import Stamp, Stored, parse_stored, stamp_of
from schemas import Model

SWEEP_CHUNK = 500
"""Parents asked for in one script call."""

DECODED = 4096
"""Decoded values kept. Values are found in Redis each time, under the epoch's check; what is remembered is only what
given bytes mean, and that never changes."""


class Store(Lookups):
    """The `Known` of processors. Every lookup is one round trip to Redis; thread-safe.

    `decode` turns a framed value into its event (the codec's job). Lookups raise Held(Parent) for what a **complete**
    copy does not have, and Transient when Redis cannot be reached or its copy is absent, partial or of another run.
    """

    def __init__(
        self, url: str, decode: Callable[[bytes], Event], *, prefix: str = "psf", timeout: float = 1.0
    ) -> None:
        self._link, self._key = Link(url, timeout), f"{prefix}:ref"
        self._decode = lru_cache(DECODED)(decode)

    def find(self, entity: str, id: str) -> Model | None:
        """The latest state of `id`, or None when a complete copy has none."""
        stored = self.stored(entity, id)
        return None if stored is None else self._decode(stored.value).data

    def decode(self, framed: bytes) -> Event:
        """The event inside a receipt."""
        return self._decode(framed)

    def stored(self, entity: str, id: str) -> Stored | None:
        """The framed bytes kept under `<entity>:<id>` and their origin, or None when a complete copy has none."""
        raw = self._answer(scripts.LOOKUP, [f"{entity}:{id}"])[1][0]
        if raw is None:
            return None
        try:
            return parse_stored(raw)
        except ValueError as error:
            raise Transient(f"{entity}:{id}: {error}; delete the Redis key {self._key}, it is loaded anew") from None

    def has_many(self, parents: Iterable[Parent]) -> set[Parent]:
        """Which of `parents` are there: the sweep of holds asks for all it waits for at once."""
        wanted = list(dict.fromkeys(parents))
        found: set[Parent] = set()
        for start in range(0, len(wanted), SWEEP_CHUNK):
            asked = wanted[start : start + SWEEP_CHUNK]
            flags = self._answer(scripts.PRESENT, [f"{p.entity}:{p.id}" for p in asked])[1]
            found.update(parent for parent, flag in zip(asked, flags, strict=True) if flag)
        return found

    def reachable(self) -> bool:
        """Whether Redis answers now, whatever it holds."""
        return self._link.reachable()

    def complete(self) -> bool:
        """Whether the copy holds everything. Raises Transient when that cannot be told."""
        return self.stamp().complete

    def stamp(self) -> Stamp:
        """How far the copy has come, complete or not. Raises Transient when there is no usable copy."""
        return stamp_of(self._answer(scripts.STAMP, []))

    def close(self) -> None:
        self._link.close()

    def _answer(self, script: str, args: Sequence[str]) -> list[Any]:
        answer = self._link.run(script, self._key, args)
        if answer[0] != b"ok":
            raise Transient(scripts.WHY.get(answer[0].decode(errors="replace"), "the reference store is not ready"))
        return answer

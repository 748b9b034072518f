"""The reference store in memory, with the promises of `Store`: for tests, and for trying a processor on a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from psfabric.errors import Parent
from psfabric.event import Event
from psfabric.reference.known import Lookups
from schemas import Model


def _cannot_decode(framed: bytes) -> Event:
    raise LookupError("this store was given no codec")


class Memory(Lookups):
    """Holds what it was given; complete from the start."""

    def __init__(self, *events: Event, decode: Callable[[bytes], Event] = _cannot_decode) -> None:
        self._kept: dict[tuple[str, str], Model] = {}
        self._decode = decode
        for event in events:
            self.keep(event.type.partition(".")[0], event.aggregate_id, event)

    def keep(self, entity: str, id: str, event: Event) -> None:
        """Make `event` the latest state of `id`."""
        self._kept[entity, id] = event.data

    def find(self, entity: str, id: str) -> Model | None:
        return self._kept.get((entity, id))

    def decode(self, framed: bytes) -> Event:
        return self._decode(framed)

    def has_many(self, parents: Iterable[Parent]) -> set[Parent]:
        return {parent for parent in parents if (parent.entity, parent.id) in self._kept}

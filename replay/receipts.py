"""Receipts in `psf.delivery` as the replay side needs them: which subject, terminal or not, when."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from psfabric.connection import Kafka
from psfabric.engine.receipts import TOPIC, receipt_key
from replay.reading import scan
from schemas import models

TERMINAL, STATE = "terminal", "state"


class About(NamedTuple):
    """What receipts and dead letters are filed under: a component and the id of what it was given."""

    component: str
    id: str

    @property
    def terminal(self) -> bytes:
        return receipt_key(self.component, self.id, TERMINAL)


def parse_key(key: bytes | None) -> tuple[About, str] | None:
    """Subject and kind of a receipt's key; None for a key that is none. An id may hold slashes, a name cannot."""
    component, _, rest = (key or b"").decode(errors="replace").partition("/")
    id, _, kind = rest.rpartition("/")
    return (About(component, id), kind) if id and kind in (TERMINAL, STATE) else None


class Terminal(NamedTuple):
    """Broker timestamp (epoch milliseconds) of a terminal receipt, and whether it says that an operator discarded."""

    at_ms: int
    discarded: bool


def terminals(kafka: Kafka, wanted: Collection[bytes]) -> dict[bytes, Terminal]:
    """The newest terminal receipt of each wanted key that has one."""
    found: dict[bytes, Terminal] = {}
    if not wanted:
        return found
    for record in scan(kafka, [TOPIC]):
        if record.key in wanted and record.key is not None and record.value is not None:
            receipt = Terminal(record.timestamp_ms, record.header("ce_type") == models.Discarded.CE_TYPE)
            found[record.key] = max(receipt, found.get(record.key, receipt))
    return found

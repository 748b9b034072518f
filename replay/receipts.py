"""Receipts in `psf.delivery` as the replay side needs them: which subject, terminal or not."""

from __future__ import annotations

from typing import NamedTuple

from psfabric.engine.receipts import receipt_key

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

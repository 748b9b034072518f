"""Whether the breaker of a component is open, for whoever looks from outside; nothing is changed by looking."""

from __future__ import annotations

from collections.abc import Iterable

from psfabric.engine.backoff import Breaker
from psfabric.errors import Transient
from psfabric.reference.link import Link

FRESH_MS = 5_000.0
"""Age of the last word of any worker beyond which nothing is known: nobody works, or they cannot reach Redis."""

_LOOK = """
local found, time = redis.call('HMGET', KEYS[1], 'failures', 'seen'), redis.call('TIME')
return {found[1] or '', found[2] or '', tostring(time[1] * 1000 + time[2] / 1000)}
"""


def breakers(url: str, components: Iterable[str], *, prefix: str = "psf", within: float = 1.0) -> dict[str, bool]:
    """Open or not, of each component whose workers share a pace now; the others, and all when Redis is away, are left
    out."""
    link, found = Link(url, within, "the Redis of shared paces"), dict[str, bool]()
    try:
        for component in components:
            failures, seen, now = (_number(each) for each in link.run(_LOOK, f"{prefix}:pace:{{{component}}}", []))
            if failures is not None and seen is not None and abs((now or 0.0) - seen) < FRESH_MS:
                found[component] = failures >= Breaker().trip
    except Transient:
        return {}
    finally:
        link.close()
    return found


def _number(text: bytes) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

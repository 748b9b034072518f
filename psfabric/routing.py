"""Which target serves which legal entity. A routing table is a setting: legal entity -> target instance.

A routed version goes to one target, and its removal to every other target of the table, so that an entry that moved
between legal entities is never counted twice; a target that never had it records the removal and does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from psfabric.errors import Invalid


def target_of(routes: Mapping[str, str], legal_entity: str) -> str:
    """The target that serves `legal_entity`. Raises Invalid(no-route)."""
    target = routes.get(legal_entity)
    if target is None:
        known = ", ".join(sorted(routes)) or "none"
        raise Invalid("no-route", f"no target serves legal entity {legal_entity!r}; routes exist for: {known}")
    return target


def targets(routes: Mapping[str, str]) -> tuple[str, ...]:
    """Every target of the table, each once, in a fixed order."""
    return tuple(sorted(set(routes.values())))


def others(routes: Mapping[str, str], chosen: str) -> tuple[str, ...]:
    """Every target of the table but the chosen one."""
    return tuple(target for target in targets(routes) if target != chosen)

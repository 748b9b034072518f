"""What an operator is told when a request cannot be done; the command line gives each its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from psfabric.errors import FabricError


class NotThere(FabricError):
    """Something that was named does not exist (exit code 2)."""


class Declined(FabricError):
    """What was asked is refused and nothing was sent (exit code 4)."""


def nearest(what: str, name: str, known: Iterable[str]) -> NotThere:
    """`no component 'tryton-ukk'; did you mean tryton-uk?`"""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(names) or 'none'}"
    return NotThere(f"no {what} {name!r}; {hint}")

"""What an operator is told when a request cannot be done; the command line gives each its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from psfabric.errors import FabricError

LISTED = 20
"""Names that a sentence can hold."""


class NotThere(FabricError):
    """Something that was named does not exist (exit code 2)."""


class Declined(FabricError):
    """What was asked is refused and nothing was sent (exit code 4)."""


class Interrupted(FabricError):
    """Part of what was asked is done; asking again does the rest (exit code 3)."""


def nearest(what: str, name: str, known: Iterable[str], *, most: int = 1) -> NotThere:
    """`no component 'tryton-ukk'; did you mean tryton-uk?` `most`: names that may be offered."""
    names = sorted(known)
    near = get_close_matches(name, names, n=most)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there is {_listed(names)}"
    return NotThere(f"no {what} {name!r}; {hint}")


def _listed(names: list[str]) -> str:
    more = f", … ({len(names)} in all)" if len(names) > LISTED else ""
    return (", ".join(names[:LISTED]) or "none") + more

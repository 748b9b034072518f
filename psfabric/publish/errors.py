"""What publishing can answer with instead of `Sent`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from psfabric.errors import FabricError

if TYPE_CHECKING:
    from psfabric.publish.publisher import Sent

SHOWN = 20
"""Mistakes that the text of an error names; all of them are in its `mistakes`."""


class Mistake(NamedTuple):
    """One thing that is wrong. `at`: which event of the call, from 0; `field`: dotted path in its data, or the name of
    what was given beside it; `code`: one of schemas/codes.toml; `why`: what is wrong, without the value."""

    at: int
    field: str
    code: str
    why: str

    def __str__(self) -> str:
        return f"event {self.at}: {self.field}: {self.why} [{self.code}]"


class WrongInput(FabricError):
    """Nothing was sent: events that break their contract. `mistakes` has every one, of every event of the call."""

    exit_code = 2

    def __init__(self, found: Sequence[Mistake]) -> None:
        more = len(found) - SHOWN
        shown = [*map(str, found[:SHOWN]), *([f"and {more} more"] if more > 0 else [])]
        super().__init__("nothing was sent:\n" + "\n".join(shown))
        self.mistakes = tuple(found)


class NotAcknowledged(FabricError):
    """Not every event was acknowledged. Keys are the places of the events in the call, from 0.

    `sent` are written. `unknown` may be written or not: publish them again, the same input has the same id.
    `refused` are not written, and a repetition is refused again until what the text says is changed.
    """

    def __init__(self, sent: Mapping[int, Sent], unknown: Mapping[int, str], refused: Mapping[int, str]) -> None:
        self.sent, self.unknown, self.refused = dict(sent), dict(unknown), dict(refused)
        self.exit_code = 3 if sent else 5
        parts = [
            f"{len(sent)} acknowledged",
            *([f"{len(unknown)} unknown ({_first(unknown)}); publish them again, it is safe"] if unknown else []),
            *([f"{len(refused)} refused ({_first(refused)})"] if refused else []),
        ]
        super().__init__("; ".join(parts))


def _first(reasons: Mapping[int, str]) -> str:
    at, why = next(iter(reasons.items()))
    return f"event {at}: {why}"

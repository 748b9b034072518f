"""Errors named for what the engine will do with the record.

FabricError
 ├── Transient   try again later, the record is fine            -> retry with back-off
 ├── Invalid     the record can never succeed as it is           -> dead letter with a stable code
 ├── Held        the record is fine, something it needs is absent -> hold until that is there
 ├── Unknown     the request left, the answer did not come        -> read back, or retry where that is safe
 ├── Refused     the caller is not who it says                    -> 401 at intake, dead letter elsewhere
 ├── Unavailable a part of the fabric cannot be reached            -> wait, then exit 5
 └── Misconfigured the configuration is wrong                      -> every mistake at once, exit 2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Parent:
    """Met when the reference store has `entity` (project, client, …) `id`."""

    entity: str
    id: str


@dataclass(frozen=True, slots=True)
class Period:
    """Met when accounting period `period` (YYYY-MM) of legal entity `entity` is open."""

    entity: str
    period: str


@dataclass(frozen=True, slots=True)
class At:
    """Met at `instant` (aware, UTC)."""

    instant: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """Met when the approval `id` is given."""

    id: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """Met when no earlier record of Kafka key `key` waits any more."""

    key: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Met only by an operator."""


@dataclass(frozen=True, slots=True)
class Schema:
    """Met when the registry has schema `id`. `unreachable`: it could not be asked, so absence was not said."""

    id: int
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A request left and no answer came. From `at` (aware, UTC) on, absence in the target can be believed."""

    at: datetime


Until = Parent | Period | At | Approval | Earlier | Operator | Schema | Answer


class FabricError(Exception):
    """Root of all errors whose message is meant for a person."""


class Transient(FabricError):
    """Try again. `after` is the wait in seconds the other side asked for, when it did."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.why, self.after = why, after


class Invalid(FabricError):
    """This record can never succeed as it is; `code` is one of `schemas/codes.toml`."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code, self.why = code, why


class Held(FabricError):
    """The record waits for `until`; nothing is wrong with it."""

    def __init__(self, until: Until, why: str = "") -> None:
        self.until, self.why = until, why or f"waits for {until}"
        super().__init__(self.why)


class Unknown(FabricError):
    """The request left and no trustworthy answer came: it may or may not have taken effect."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Refused(FabricError):
    """Authentication failed. Says nothing a forger could use."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code, self.why = code, why


class Unavailable(FabricError):
    """A part the fabric depends on cannot be reached (exit code 5)."""


class Misconfigured(FabricError):
    """The configuration is wrong; all mistakes are listed at once (exit code 2)."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)

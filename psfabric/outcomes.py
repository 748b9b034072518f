"""What became of one event at a target: the answer of `Sink.deliver`, one per event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psfabric import errors
from psfabric.errors import Until


@dataclass(frozen=True, slots=True)
class Delivered:
    """The effect is durable in the target.

    `reference` is the target's own id ("" when a removal found nothing), `number` what people call the document,
    `facts` what the target decided (number, lines, tax …) as text, `document_version` the version of the business
    identity that holds it (1 unless the document was reversed and posted again).
    """

    reference: str
    facts: Mapping[str, str] = field(default_factory=dict)
    number: str = ""
    document_version: int = 1


@dataclass(frozen=True, slots=True)
class Duplicate(Delivered):
    """The target already holds exactly this; same reference and facts as the first delivery gave."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A newer version of the same aggregate is already there."""

    why: str = "a newer version was applied"


@dataclass(frozen=True, slots=True)
class Rejected:
    """The target, or our own check for it, says no for good. `code` is one of `schemas/codes.toml`. `principal`: who
    may write where the record came from, told by the border."""

    code: str
    why: str
    principal: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again; `after` is the wait in seconds the target asked for, when it did."""

    why: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Wait for `until`."""

    why: str
    until: Until


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left, the answer did not come."""

    why: str


@dataclass(frozen=True, slots=True)
class Discarded:
    """An operator closed a dead letter for good. `about`, `about_type`: what the receipt is filed under."""

    why: str
    about: str
    about_type: str = ""


@dataclass(frozen=True, slots=True)
class Amended:
    """An operator put another event, with the id `by`, in the place of a dead letter. Otherwise as Discarded."""

    why: str
    about: str
    about_type: str = ""
    by: str = ""


Outcome = Delivered | Duplicate | Superseded | Rejected | Retry | Held | Unknown | Discarded | Amended


def of_error(error: errors.FabricError) -> Outcome:
    """The outcome that an error raised by an adapter stands for."""
    match error:
        case errors.Transient():
            return Retry(error.why, error.after)
        case errors.Held():
            return Held(error.why, error.until)
        case errors.Unknown():
            return Unknown(error.why)
        case errors.Invalid() | errors.Refused():
            return Rejected(error.code, error.why)
        case _:
            return Retry(str(error))

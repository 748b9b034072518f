"""What a plan that was made from a source's record says beside its entries. It stands in the plan file, so that the
plan's hash covers it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

ANY = "*"
"""In `awaited`: some target, not known which."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Failing(_Part):
    """Records that the mapping refuses; `why` is that of the first."""

    code: str
    records: int
    why: str


class Change(_Part):
    """New less old of one group, of corrections of what is delivered. Decimals as text; `unpriced`: how many of these
    events change by an amount that is not known."""

    legal_entity: str
    client: str
    period: str
    currency: str
    events: int
    seconds: int
    hours: str
    money: str
    unpriced: int


class Sample(_Part):
    """One event and the fields that changed, before and after; personal and confidential values are covered."""

    state: Literal["delivered", "not delivered", "new"]
    type: str
    aggregate_id: str
    sequence: str
    record: str
    changes: dict[str, tuple[str, str]]


class Awaited(_Part):
    """An event that will be said. `id` is the one it will have; `correlation` is shared by all that is derived of it;
    `targets` those where an answer is due, `*` for any one."""

    record: str
    id: str
    type: str
    correlation: str
    targets: tuple[str, ...]


class Remapped(_Part):
    """What running the mapping again would do, in events but for `records`, `ahead` (not read by the component yet) and
    `failing`.

    `corrected`: those of `changed` that a target holds. `corrections`: these, and new ones that replace what a target
    holds. `since_offsets`: the end of each `<topic>/<partition>` where answers are looked for, when this was made.
    """

    topic: str
    revision: str
    records: int
    ahead: int
    unchanged: int
    changed: int
    corrected: int
    new: int
    gone: int
    superseded: int
    amended: int
    left: int
    corrections: int
    failing: tuple[Failing, ...]
    differences: tuple[Change, ...]
    samples: tuple[Sample, ...]
    gone_samples: tuple[str, ...]
    awaited: tuple[Awaited, ...]
    since_offsets: dict[str, int]

"""How one component delivers: data from its pipeline file and from what its adapter can promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from psfabric.event import Record

WINDOW = 1024
"""Offsets that unacknowledged work may reach above the committed one: a constant of the format (DESIGN 5.1)."""

LONGEST_WAIT = 30.0
"""Seconds a record may wait in the window; anything due later goes to hold so that the offset moves on."""

MET_IN_VAIN = 5.0
"""Seconds until a record is tried again that was released and still waits for the same thing."""

ASK_PERIOD = 60.0
"""Seconds until a target is asked again whether a closed period takes the record now: nobody tells us."""

ASK_SCHEMA = 60.0
"""Seconds until the registry is asked again for a schema id that it does not know."""

ASK_REGISTRY = 5.0
"""Seconds until a registry that gave no answer is asked again."""

PERIOD_DAYS = 60
"""Days that a record may wait for its period."""

SCHEMA_WAIT = 15 * 60.0
"""Seconds of "there is no such schema" after which a record is a dead letter."""

SUSPECT_TIMES, SUSPECT_AFTER = 8, 600.0
"""A record that failed so often, over so many seconds, while others of its target succeeded, is a dead letter."""

Idempotency = Literal["upsert", "unique", "none", "at_least_once"]


@dataclass(frozen=True, slots=True)
class Limit:
    """When so many records become dead letters that the fault is ours: the component stops instead.

    `ratio` of the `last` records, or `in_row` one after another; records that wait behind a dead letter count too.
    """

    ratio: float = 0.6
    last: int = 500
    in_row: int = 200


@dataclass(frozen=True, slots=True)
class Policy:
    """How one component delivers.

    `creatable`: the entities some component of the pipelines creates; a missing parent of any other kind is a dead
    letter at once. `barrier`: a record waits behind an earlier one of its key that lies in hold or is a dead letter;
    `barrier_off`: the `ce_type`s that do not. `idempotency`, `settle`, `timeout`, `conditional`: see
    `adapters.Capabilities`; a pure stage repeats without harm.
    """

    component: str
    stage: str
    concurrency: int = 1
    batch: int = 1
    rate: float = 0.0
    barrier: bool = False
    barrier_off: frozenset[str] = frozenset()
    idempotency: Idempotency = "upsert"
    settle: float = 0.0
    timeout: float = 0.0
    conditional: bool = True
    creatable: frozenset[str] = frozenset()
    hold_days: int = 14
    limit: Limit = Limit()
    classes: Mapping[str, str] = field(default_factory=dict)
    """Dead-letter class per code, from the list of codes."""

    @property
    def hold_topic(self) -> str:
        return f"hold.{self.component}"

    @property
    def dlq_topic(self) -> str:
        return f"dlq.{self.component}"

    @property
    def redo_topic(self) -> str:
        return f"redo.{self.component}"

    @property
    def safe_repeat(self) -> bool:
        """Whether repeating a send whose answer was lost does no harm."""
        return self.idempotency != "none"

    def bars(self, record: Record) -> bool:
        """Whether the key barrier holds for this record. One without a key has no order to keep."""
        if not self.barrier or record.key is None:
            return False
        return not self.barrier_off or record.header("ce_type") not in self.barrier_off

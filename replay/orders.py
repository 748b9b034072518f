"""What anybody may order about a replay, from wherever: pause, resume, cancel. Obeyed by its applier within seconds.

An order is stored apart from the progress of the applier and has an audit row in the same transaction. A pause stays
over the death of the applier; a cancelled replay never goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from psfabric.connection import Kafka
from replay import acts, alive
from replay.acts import Operator
from replay.errors import Declined, NotThere
from replay.plan import read_plan
from replay.progress import (
    CANCEL,
    CANCELLED,
    DONE,
    INTERRUPTED,
    PAUSE,
    PAUSED,
    RUNNING,
    STOPPED,
    Order,
    Replay,
)

_HASH = re.compile(r"[0-9a-f]{8,64}")


def hash_of(named: str, known: Mapping[str, Replay]) -> str:
    """The hash of the plan in a file, or of the one among `known` that begins so (8 digits at least).

    Raises NotThere; Declined for a file that was changed.
    """
    if Path(named).exists():
        return read_plan(Path(named)).hash
    fitting = [plan for plan in known if _HASH.fullmatch(named) and plan.startswith(named)]
    if len(fitting) != 1:
        many = f"{len(fitting)} plans that were applied begin so" if fitting else "no plan that was applied begins so"
        raise NotThere(f"{named!r} is no plan file, and {many}; psfabric replay status lists them")
    return fitting[0]


def expect_open(found: Replay, what: str) -> bool:
    """Whether PAUSE, RESUME or CANCEL would change anything. Raises Declined for a replay that is over or never was."""
    progress = found.progress
    if progress is None or progress.status == DONE or (found.cancel is not None and what != CANCEL):
        raise Declined(f"{said(found)}; there is nothing to {what}")
    if what == CANCEL:
        return found.cancel is None
    return not found.paused if what == PAUSE else found.paused or progress.status == STOPPED


def order(kafka: Kafka, operator: Operator, found: Replay, what: str) -> None:
    """Order PAUSE, RESUME or CANCEL. Raises Declined as `expect_open` does, Unavailable."""
    expect_open(found, what)
    sent, total = (found.progress.sent, found.progress.total) if found.progress is not None else (0, 0)
    stored = Order(found.plan, what, operator.who, operator.where, operator.at, operator.reason)
    acts.order(kafka, operator, stored, {"plan": found.plan, "sent": sent, "total": total})


def state(found: Replay, now: datetime) -> str:
    """How a replay stands, from what its applier last said and what was ordered since. One whose applier was killed is
    interrupted once that is known, or its last sign of life is old."""
    progress = found.progress
    if progress is None or progress.status in (DONE, CANCELLED):
        return "" if progress is None else progress.status
    if found.cancel is not None:
        return CANCELLED
    if found.paused:
        return PAUSED
    if progress.status == STOPPED:
        return STOPPED
    return RUNNING if alive.alive(progress, now) else INTERRUPTED


def said(found: Replay) -> str:
    """Why a replay is over, in a sentence."""
    progress = found.progress
    if progress is None:
        return "this plan was not applied yet"
    sent = f"{progress.sent} of {progress.total} records were sent"
    if found.cancel is not None and progress.status != DONE:
        return f"{found.cancel.who} cancelled this replay at {found.cancel.at[:19]} ({found.cancel.reason}): {sent}"
    return f"this replay is done: {sent}"

"""The audit rows of a replay: that it was started, by each who applied it, and how it ended.

A row has an id that follows from the plan and the run, and is written once: whoever finds the end of a replay without
its row writes it, whatever was killed in between.
"""

from __future__ import annotations

from psfabric.connection import Kafka
from psfabric.errors import Unavailable
from psfabric.kafka import WriteFailed
from replay.ledger import append
from replay.operations import Operation
from replay.plan import Plan
from replay.progress import CANCELLED, DONE, STOPPED, Progress

ENDINGS = {DONE: "finished", STOPPED: "stopped", CANCELLED: "cancelled"}


def started_id(progress: Progress) -> str:
    return f"{progress.plan}/started/{progress.run}"


def started(plan: Plan, progress: Progress) -> Operation:
    return _row(plan, progress, "started", started_id(progress), progress.since)


def ended(plan: Plan, progress: Progress) -> Operation:
    """`progress` as it was stored when it ended: the row is the same whoever writes it."""
    what = ENDINGS[progress.status]
    id = f"{plan.hash}/{what}" if progress.status == DONE else f"{plan.hash}/{what}/{progress.updated_at}"
    return _row(plan, progress, what, id, progress.updated_at)


def write(kafka: Kafka, row: Operation, *, once: bool = False) -> None:
    """Append the row; with `once` only if it is not there. Raises Unavailable when nobody says whether it is."""
    try:
        append(kafka, row, once=once)
    except WriteFailed as error:
        raise Unavailable(str(error)) from None


def _row(plan: Plan, progress: Progress, what: str, id: str, at: str) -> Operation:
    detail = {
        "plan": plan.hash,
        "sent": progress.sent,
        "total": progress.total,
        "counts": [count.model_dump() for count in plan.counts],
        "targets": list(plan.targets),
        **({"answers": dict(progress.answers)} if progress.answers else {}),
        **({"why": progress.why} if progress.why else {}),
    }
    about = (progress.who, at, progress.reason, detail, progress.where, "", progress.who_is, progress.os_user)
    return Operation(id, f"replay.apply.{what}", *about)

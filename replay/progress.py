"""How far a plan was applied, and what operators ordered about it: `fabric.dlq-state`. The formats persist.

Key `plan/<hash>`: the progress (version 2; 1 is read), written by the one who applies the plan, in one transaction with
the records it is about. Keys `plan/<hash>/order` and `plan/<hash>/cancel`: what anybody ordered (version 1); apart from
the progress, so that the two never overwrite each other, and apart from each other, so that a cancelled plan stays so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from psfabric import strict_json
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.event import Record
from psfabric.stored import understood
from replay.operations import CLAIMED
from replay.reading import scan

TOPIC = "fabric.dlq-state"
PREFIX = "plan/"
FORMAT = 2
ORDER_FORMAT = 1

RUNNING, PAUSED, STOPPED = "running", "paused", "stopped"
INTERRUPTED, CANCELLED, DONE = "interrupted", "cancelled", "done"
PAUSE, RESUME, CANCEL = "pause", "resume", "cancel"


@dataclass(frozen=True, slots=True)
class Progress:
    """`sent` of `total` records are in redo. Instants are ISO text in UTC, by the clock of the applier.

    `updated_at` is the last sign of life of the applier while `run` names one; "" is nobody. `process` tells an applier
    on the same machine whether that one is still there (`alive`). `receipts_from` is the end of each partition of
    `psf.delivery` before the first record was sent: receipts from there on are answers to this replay, whatever the
    clocks say. `first`: the entries that are sent before all others, by index. Records number `mark` to `gate` of the
    sending order are the canary. `cause`: why it stopped. `told`: the audit row of its end is written.
    """

    plan: str
    sent: int
    total: int
    status: str
    who: str
    started_at: str
    updated_at: str
    receipts_from: Mapping[str, int] = field(default_factory=dict)
    run: str = ""
    where: str = ""
    who_is: str = CLAIMED
    os_user: str = ""
    process: str = ""
    since: str = ""
    reason: str = ""
    first: tuple[int, ...] = ()
    mark: int = 0
    gate: int = 0
    answers: Mapping[str, int] = field(default_factory=dict)
    cause: str = ""
    why: str = ""
    told: bool = False

    @property
    def key(self) -> bytes:
        return f"{PREFIX}{self.plan}".encode()

    def to_write(self) -> Write:
        return Write(TOPIC, self.key, strict_json.dumps({"v": FORMAT, **asdict(self)}))


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator ordered about a plan: PAUSE, RESUME or CANCEL."""

    plan: str
    order: str
    who: str
    where: str
    at: str
    reason: str

    def to_write(self) -> Write:
        kind = CANCEL if self.order == CANCEL else "order"
        return Write(
            TOPIC, f"{PREFIX}{self.plan}/{kind}".encode(), strict_json.dumps({"v": ORDER_FORMAT, **asdict(self)})
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """All that is known of one plan; `order` is the last pause or resume."""

    plan: str
    progress: Progress | None = None
    order: Order | None = None
    cancel: Order | None = None

    @property
    def paused(self) -> bool:
        return self.order is not None and self.order.order == PAUSE

    @property
    def cancelled(self) -> bool:
        return self.cancel is not None

    def after(self, record: Record) -> Replay:
        """What a further record of the topic under one of this plan's keys makes of it."""
        kind = _parsed(record.key)[1]
        if kind == "":
            return replace(self, progress=None if record.value is None else understood(record, _read))
        order = None if record.value is None else understood(record, _read_order)
        return replace(self, cancel=order) if kind == CANCEL else replace(self, order=order)


def is_about_plan(record: Record) -> bool:
    """Whether a record of the topic is about a plan; others are about dead letters."""
    return (record.key or b"").startswith(PREFIX.encode())


def plan_of(record: Record) -> str:
    """The hash of the plan that a record is about."""
    return _parsed(record.key)[0]


def replays(records: Iterable[Record]) -> dict[str, Replay]:
    """What the topic's records, oldest first, say of each plan that was ever applied; by its hash, the oldest first."""
    found: dict[str, Replay] = {}
    for record in records:
        if is_about_plan(record):
            plan = plan_of(record)
            found[plan] = found.get(plan, Replay(plan)).after(record)
    applied = {plan: each for plan, each in found.items() if each.progress is not None}
    return dict(sorted(applied.items(), key=lambda item: _started(item[1])))


def folded(records: Iterable[Record]) -> dict[str, Progress]:
    """Of the same only the progress."""
    return {plan: each.progress for plan, each in replays(records).items() if each.progress is not None}


def all_replays(kafka: Kafka) -> dict[str, Replay]:
    """Every plan that was ever applied. Raises Unavailable."""
    return replays(scan(kafka, [TOPIC]))


def all_progress(kafka: Kafka) -> dict[str, Progress]:
    """Progress of every plan ever applied, by its hash."""
    return folded(scan(kafka, [TOPIC]))


def _started(each: Replay) -> str:
    return each.progress.started_at if each.progress is not None else ""


def _parsed(key: bytes | None) -> tuple[str, str]:
    """Hash, and "" (progress), `order` or `cancel`."""
    plan, _, kind = (key or b"").decode(errors="replace").removeprefix(PREFIX).partition("/")
    return plan, kind


def _read(record: Record) -> Progress:
    body: dict[str, Any] = json.loads(record.value or b"")
    version = body.pop("v")
    if version == 1:
        return Progress(**body)
    if version != FORMAT:
        raise ValueError(f"a replay's progress of a newer format; this release reads {FORMAT}")
    return Progress(**{**body, "first": tuple(body["first"])})


def _read_order(record: Record) -> Order:
    body = json.loads(record.value or b"")
    if body.pop("v") != ORDER_FORMAT:
        raise ValueError(f"an order about a replay in a newer format; this release reads {ORDER_FORMAT}")
    return Order(**body)

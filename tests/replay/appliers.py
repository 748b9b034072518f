"""Processes that apply a plan, to be killed: `python -m tests.replay.appliers` is a nursery of them (tests/faults).

Each is forked from one that has everything imported, so that a hundred of them cost seconds. What it ended with stands
in the file `out`: the exit code that the command line would give, and what it would say.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tests.faults.child import nursery

STEPS = (
    "replay.watching:Watch.settle",
    "replay.sending:Applier.check",
    "replay.trail:write",
    "replay.originals:Originals.take",
    "replay.run:Run._turn",
    "psfabric.kafka.transaction:Transactions.begin",
    "psfabric.kafka.transaction:Transactions._begin",
    "psfabric.kafka.transaction:Transactions._produce",
    "psfabric.kafka.transaction:Transactions._commit",
)
"""What an applier does, one after the other: it can be killed before and after each of them, at any repetition."""


class Applier(BaseModel):
    """One process. `point`: one of STEPS with `:before` or `:after`; it kills itself when it gets there for the
    `reached`-th time. `notes`: a file that counts how often each was reached. `start_at`: waits until that file is
    there, so that several begin at once. `pace`: the rate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plan: str
    kafka: str
    who: str
    out: str
    log: str
    pace: float = 0.0
    canary: int = 0
    batch: int = 500
    point: str = ""
    reached: int = 1
    notes: str = ""
    start_at: str = ""


def become(role: Applier) -> None:
    import replay
    from cli.exits import code_of
    from psfabric.connection import Kafka
    from replay import applying

    applying.BATCH = role.batch
    _arm(role)
    try:
        plan = replay.read_plan(Path(role.plan))
        with replay.Applier(Kafka(role.kafka), plan) as applier:
            _wait_for(role.start_at)
            applier.check()
            terms = replay.Terms(role.pace, role.canary)
            applied = applier.apply(replay.Operator("it was mended", role.who, "desk"), terms)
        found = {"code": 0, "sent": applied.sent, "status": applied.progress.status, "already": applied.already}
    except Exception as error:  # noqa: BLE001 - as the command line
        found = {"code": code_of(error), "said": str(error)}
    Path(role.out).write_text(json.dumps(found))


def _wait_for(file: str) -> None:
    waiting = threading.Event()
    while file and not Path(file).exists():
        waiting.wait(0.002)


def _arm(role: Applier) -> None:
    import importlib

    counts: dict[str, int] = {}

    def hit(point: str) -> None:
        counts[point] = counts.get(point, 0) + 1
        if role.notes:
            Path(role.notes).write_text(json.dumps(counts))
        if point == role.point and counts[point] >= role.reached:
            os.kill(os.getpid(), signal.SIGKILL)

    for step in STEPS if role.point or role.notes else ():
        module, _, path = step.partition(":")
        owner: Any = importlib.import_module(module)
        *names, last = path.split(".")
        for name in names:
            owner = getattr(owner, name)
        setattr(owner, last, _pointed(getattr(owner, last), step, hit))


def _pointed(function: Callable[..., Any], step: str, hit: Callable[[str], None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **named: Any) -> Any:
        hit(f"{step}:before")
        result = function(*args, **named)
        hit(f"{step}:after")
        return result

    return wrapped


if __name__ == "__main__":
    nursery(("replay.sending", "cli.exits", "psfabric.kafka"), Applier, become)

"""A process that sleeps through its session and wakes up believing that nothing happened."""

from __future__ import annotations

import contextlib
import signal
import time

from tests.faults.books import Fault
from tests.faults.fabric import LOAD, SESSION, Fabric, Setting
from tests.faults.ground import Ground, Row

SLEEPERS = 5
NEWS_LATE = 1.5
"""Seconds from waking until the client says that others have taken over."""
TAKEN_OVER = 30.0
"""Seconds after the session until the one that is left owns everything: it hears of it, hands over, and joins anew."""


def run(ground: Ground) -> None:
    sinks = "upsert", "versioned", "unique", "none"
    setting = Setting(sinks=sinks, slots=False, deliverers=4, processors=3, news_late=NEWS_LATE)
    with ground.fabric(setting) as fabric:
        _slow(fabric, share=0.5, seconds=0.4)
        with fabric.load(LOAD):
            time.sleep(3)
            for _ in range(-(-ground.count // SLEEPERS)):
                _sleep(fabric, ground.seconds(SESSION))
                time.sleep(fabric.rng.uniform(0.5, 1.5))
                _slow(fabric, share=0.1, seconds=0.2)  # or a backlog of all rounds would gather
                fabric.recovered()
        fabric.settle()


def _sleep(fabric: Fabric, seconds: float) -> None:
    """All but one of those that deliver and of those that process; they wake when that one has taken over."""
    sleepers = [*fabric.rng.sample(fabric.of("deliver"), 3), *fabric.rng.sample(fabric.of("process"), 2)]
    _slow(fabric, share=1.0, seconds=1.5)
    fabric.say(300)
    time.sleep(1.0)  # so that all calls are open, and records wait behind them, when the processes stop
    with contextlib.ExitStack() as stops:
        for _ in sleepers:
            stops.enter_context(fabric.fault("stop"))
        for worker in sleepers:
            worker.signal(signal.SIGSTOP)
        _slow(fabric, share=0.5, seconds=0.4)
        time.sleep(seconds)
        fabric.owned_by_one(TAKEN_OVER)
        fabric.recovered()  # what the sleepers were about to do is done, and newer versions after it
        for worker in sleepers:
            worker.signal(signal.SIGCONT)


def _slow(fabric: Fabric, *, share: float, seconds: float) -> None:
    for sink in fabric.sinks:
        fabric.erp.rules(sink, faults=(Fault(kind="slow", share=share, seconds=seconds),))


ROW = Row(2, "paused longer than its session, then woken", run)

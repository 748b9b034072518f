"""The ERP commits and the reply is lost: by reset, by silence, by a gateway that gives up."""

from __future__ import annotations

from tests.faults.books import Fault
from tests.faults.fabric import Setting
from tests.faults.ground import Ground, Row
from tests.faults.ledger import Fault as Injected

LOST = (
    Fault(kind="reset", share=0.15),
    Fault(kind="bad_gateway", share=0.15),
    Fault(kind="hang", share=0.04, seconds=4.0),
)
LATE = Fault(kind="late", share=0.04, seconds=3.0)
"""It comes into effect a second after the caller has given up."""
BEARS_LATE = ("versioned", "slow")
"""By the condition of the write, and by waiting it out; nothing else protects a target from it."""
SINKS = ("upsert", "versioned", "unique", "none", "slow")


def run(ground: Ground) -> None:
    setting = Setting(sinks=SINKS, keys=60)
    with ground.fabric(setting) as fabric:
        for sink, flavour in fabric.sinks.items():
            late = (LATE,) if flavour in BEARS_LATE else ()
            fabric.erp.rules(sink, faults=(*LOST, *late), lag=0.3)
        while len(fabric.journal.acts("fault")) < ground.count * len(SINKS):
            fabric.say(200)
            fabric.settle(90, quiet=0)
        fabric.settle(quiet=4.0)
        fabric.faults += [Injected(f["kind"], f["at"], f["at"]) for f in fabric.journal.acts("fault")]


ROW = Row(17, "the ERP commits and the reply is lost", run)

"""The ERP says 500 and did it, or says 200 and did not: what is there is read back, and nothing is believed."""

from __future__ import annotations

from tests.faults.books import Fault
from tests.faults.fabric import Setting
from tests.faults.ground import Ground, Row
from tests.faults.ledger import Fault as Injected


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "checked", "unique", "none"), keys=60)) as fabric:
        for sink, flavour in fabric.sinks.items():
            lies = (Fault(kind="lie", share=0.3),) if flavour == "checked" else ()
            fabric.erp.rules(sink, faults=(Fault(kind="error", share=0.3), *lies))
        while len(fabric.journal.acts("fault")) < ground.count * len(fabric.sinks):
            fabric.say(200)
            fabric.settle(90, quiet=0)
        fabric.settle(quiet=3.0)
        fabric.faults += [Injected(f["kind"], f["at"], f["at"]) for f in fabric.journal.acts("fault")]


ROW = Row(18, "500 but committed, 200 but not", run)

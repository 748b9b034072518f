"""Part of a batch is refused: each bad line by its own reason, the good ones once."""

from __future__ import annotations

from psfabric.engine import Write
from tests.faults.fabric import Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("batched",), thin=False, keys=200, corrections=0.0)) as fabric:
        (sink,) = fabric.sinks
        refused: dict[str, str] = {}
        writes: list[Write] = []
        while len(refused) < ground.count:
            for number in range(100):
                bad = number % 100 < 37
                state = fabric.sayings.say(key=f"{fabric.run}-line{len(writes)}", new=True, posted=not bad)
                writes.append(fabric.raw(state))
                if bad:
                    refused[str(state["id"])] = f"reason {len(refused)}"
        fabric.erp.rules(sink, refused=refused)
        for _ in refused:
            with fabric.fault("line refused"):
                pass
        fabric.store(writes)
        fabric.settle()
        named = {r.header("ce_subject"): r.header("__dlq.errors.message") for r in fabric.dead_letters()}
        assert named == refused


ROW = Row(23, "part of a batch refused", run)

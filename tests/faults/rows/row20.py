"""Our key is taken by a document with other content: a dead letter, and never a new key."""

from __future__ import annotations

from tests.faults.fabric import Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("unique",), thin=False)) as fabric:
        (sink,) = fabric.sinks
        foreign = set()
        for number in range(ground.count):
            key = f"{fabric.run}-taken{number}"
            state = fabric.sayings.say(key=key, new=True, posted=False)
            body = {
                "external": state["id"], "key": "somebody-else", "seq": number + 1, "edition": 1, "client": "C-else",
                "currency": "GBP", "amount": "1.00", "seconds": 1, "day": state["day"],
            }  # fmt: skip
            with fabric.fault("key taken"):
                fabric.erp.document(sink, body)
                foreign.add(state["id"])
            fabric.say(3)
            fabric.store([fabric.raw(state)])
        fabric.settle()
        assert {r.header("ce_subject") for r in fabric.dead_letters()} == foreign
        assert {r.header("fabric-dlq-code") for r in fabric.dead_letters()} == {"erp-refused"}
        theirs = [d for d in fabric.erp.statement(sink) if d["body"]["client"] == "C-else"]
        assert {d["body"]["external"] for d in theirs} == foreign, "their documents were touched"


ROW = Row(20, "the same key with another body", run)

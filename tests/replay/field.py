"""Appliers in processes of their own over a planted installation, and what they left in redo."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import replay
from psfabric.event import Record
from psfabric.kafka import read_topic
from replay import Plan, Selection, State
from replay.progress import TOPIC as STATES
from replay.progress import Progress, all_progress
from replay.states import is_state, read_state
from tests.faults.processes import Nursery
from tests.replay.appliers import Applier
from tests.replay.plant import Plant
from tests.waiting import eventually

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
WITHIN = 90.0


@dataclass
class Field:
    plant: Plant
    nursery: Nursery
    folder: Path
    outs: dict[int, Path] = field(default_factory=dict)

    def planned(self, count: int, keys: int = 0) -> tuple[Plan, Path]:
        """A plan over so many new dead letters, of so many keys (0: each its own)."""
        writes = []
        for number in range(count):
            key = f"jira-acme:worklog:{number % keys if keys else uuid.uuid4().int % 10**9}"
            record = self.plant.record(self.plant.time_event(key), partition=number % keys % 4 if keys else number % 4)
            writes.append(self.plant.buried(record))
        for start in range(0, len(writes), 5000):
            self.plant.write(*writes[start : start + 5000])
        letters = replay.open_dead_letters(self.plant.kafka, self.plant.components)
        fresh = [letter for letter in letters if letter.state is State.OPEN]
        made = replay.make_plan(
            self.plant.kafka, self.plant.codec, fresh, Selection(), self.plant.components, who="anna@desk", now=NOW
        )
        path = self.folder / f"{made.hash}.json"
        replay.write_plan(made, path)
        return made, path

    def start(self, plan: Path, who: str = "anna@desk", **options: Any) -> int:
        out = self.folder / f"{uuid.uuid4().hex}.out"
        log = self.folder / "appliers.log"
        role = Applier(plan=str(plan), kafka=self.plant.kafka.bootstrap, who=who, out=str(out), log=str(log), **options)
        pid = self.nursery.start(role)
        self.outs[pid] = out
        return pid

    def ended(self, pid: int, within: float = WITHIN) -> dict[str, Any]:
        """What an applier ended with; `{"killed": signal}` when it did not end by itself."""
        eventually(lambda: self.nursery.ended(pid) is not None, within, f"applier {pid} ends")
        status = self.nursery.ended(pid)
        if status:
            return {"killed": -status}
        found: dict[str, Any] = json.loads(self.outs[pid].read_text())
        return found

    def progress(self, plan: Plan) -> Progress | None:
        return all_progress(self.plant.kafka).get(plan.hash)

    def redone(self, plan: Plan) -> list[Record]:
        """What of a plan is in redo, as its component reads it, by partition and offset."""
        mine = [record for record in self.plant.redone() if record.header("fabric-redo-plan") == plan.hash]
        return sorted(mine, key=lambda record: (record.partition, record.offset))

    def twice(self, plan: Plan) -> list[str | None]:
        """Dead letters that entered redo more than once."""
        counts = Counter(record.header("fabric-redo-dead-letter") for record in self.redone(plan))
        return [id for id, count in counts.items() if count > 1]

    def rows(self, plan: Plan) -> list[dict[str, Any]]:
        """The audit rows of a plan."""
        rows = [json.loads(record.value or b"") for record in read_topic(self.plant.kafka, "fabric.operations")]
        return [row for row in rows if row["detail"].get("plan") == plan.hash]

    def expect_sent_once(self, plan: Plan) -> None:
        """Each record of the plan is in redo once, each key in the order of its source, and marked as replayed."""
        sent = self.redone(plan)
        ids = [record.header("fabric-redo-dead-letter") for record in sent]
        assert sorted(map(str, ids)) == sorted(entry.id for entry in plan.entries)
        expect_source_order(sent)
        stored = [read_state(record) for record in read_topic(self.plant.kafka, STATES) if is_state(record)]
        known = [str(each.of) for each in stored if each is not None and each.plan == plan.hash]
        assert sorted(known) == sorted(str(entry.place) for entry in plan.entries), "one state for each, with its batch"


def expect_source_order(sent: Sequence[Record]) -> None:
    by_key: dict[tuple[int, bytes | None], list[int]] = {}
    for record in sent:
        by_key.setdefault((record.partition, record.key), []).append(int(record.header("__dlq.errors.offset") or -1))
    assert all(offsets == sorted(offsets) for offsets in by_key.values()), by_key

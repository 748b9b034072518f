"""An incident of many dead letters comes home while whoever replays it is killed: the ledger judges, not redo."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import replay
from psfabric.codec import Codec
from psfabric.kafka import Admin
from psfabric.registry import Registry
from replay import Selection
from replay.progress import all_progress
from tests.conftest import Tell
from tests.faults.fabric import Fabric, Parts, Setting
from tests.faults.ledger import judge
from tests.faults.processes import Nursery
from tests.replay.appliers import Applier
from tests.waiting import eventually

LARGE = int(os.environ.get("LARGE", "100000"))
DEATHS = 20
UNLIMITED = {"limit": {"ratio": 1.0, "last": 100_000, "in_row": 100_000}}
"""So that an incident gets so large; as shipped a component stops after 200 in a row."""


@pytest.fixture(scope="module")
def appliers() -> Iterator[Nursery]:
    made = Nursery(module="tests.replay.appliers")
    yield made
    made.close()


@pytest.mark.large
@pytest.mark.timeout(3600)
def test_a_large_incident_comes_home_once_though_its_replay_is_killed_twenty_times(
    parts: Parts, nursery: Nursery, appliers: Nursery, tmp_path: Path, tell: Tell
) -> None:
    """Every entry is refused by two targets, then the cause is mended and all are replayed, at least 200 a second with
    deaths and restarts, until the last one is posted."""
    seed = random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    flavours = ("upsert", "unique")
    setting = Setting(sinks=flavours, thin=False, deliverers=2, declared=dict.fromkeys(flavours, UNLIMITED))
    with Fabric(parts, nursery, tmp_path, seed, setting) as fabric:
        for sink in fabric.sinks:
            fabric.erp.rules(sink, refuses="the client is blocked")
        for start in range(0, LARGE, 1000):
            numbers = range(start, min(LARGE, start + 1000))
            fabric.store([fabric.raw(fabric.sayings.say(key=f"{fabric.run}-n{n}", new=True)) for n in numbers])
        dlqs = [f"dlq.{sink}" for sink in fabric.sinks]
        admin = Admin(fabric.kafka)
        eventually(lambda: sum(admin.end_offsets(dlqs).values()) >= LARGE, 1200, "all are dead letters", every=1.0)
        for sink in fabric.sinks:
            fabric.erp.rules(sink, refuses="")

        codec = Codec(Registry(parts.direct_registry or parts.registry))
        letters = replay.open_dead_letters(fabric.kafka, fabric.components)
        plan = replay.make_plan(
            fabric.kafka, codec, letters, Selection(), list(fabric.sinks), who="anna", now=datetime.now(UTC)
        )
        assert len(plan.entries) == LARGE
        path = tmp_path / "plan.json"
        replay.write_plan(plan, path)
        del letters

        def apply() -> int:
            out, log = tmp_path / uuid.uuid4().hex, tmp_path / "appliers.log"
            role = Applier(plan=str(path), kafka=fabric.kafka.bootstrap, who="anna@desk", out=str(out), log=str(log))
            return appliers.start(role)

        def sent() -> int:
            found = all_progress(fabric.kafka).get(plan.hash)
            return found.sent if found is not None else 0

        began = time.monotonic()
        for death in range(1, DEATHS + 1):
            pid, goal = apply(), LARGE * death // (DEATHS + 2)
            eventually(lambda goal=goal: sent() >= goal, 600, "it sends", every=0.2)  # type: ignore[misc]
            threading.Event().wait(rng.uniform(0, 0.3))
            os.kill(pid, signal.SIGKILL)
            eventually(lambda pid=pid: appliers.ended(pid) is not None, 60, "it died")  # type: ignore[misc]
            assert appliers.ended(pid) == -signal.SIGKILL, f"it ended before its death {death}, seed {seed}"
        last = apply()
        eventually(lambda: appliers.ended(last) is not None, 1200, "the last one ends")
        found = replay.verify(fabric.kafka, codec, plan, deadline=time.monotonic() + 1200)
        took = time.monotonic() - began
        tell(f"{LARGE} dead letters, {DEATHS} deaths: posted after {took:.0f} s, {LARGE / took:.0f} a second")
        assert found.home, f"{found.counts}, seed {seed}\n{fabric.logs()}"
        fabric.settle(300, quiet=1.0)
        verdict = judge(fabric.sayings.ledger, fabric.journal, held=fabric.held())
        assert verdict.clean, f"seed {seed} {verdict}\n{fabric.logs()}"
        assert (verdict.posted, verdict.dead, verdict.held) == (LARGE, 0, 0)
        if LARGE >= 10_000:  # fewer are sent while the first appliers still begin
            assert LARGE / took >= 200

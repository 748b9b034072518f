"""Planted bugs: each takes away one defence of the product, in the child, before anything runs.

What is patched is named in full, so that a plant that no longer meets anything fails at once.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def no_idempotency_key() -> None:
    """Each attempt gives the target a new external id."""
    from tests.faults import adapters

    counting = itertools.count()
    adapters.ErpSink.key_of = lambda self, body: f"{body['external']}~{os.getpid()}.{next(counting)}"  # type: ignore[method-assign]


def commit_before_effect() -> None:
    """What was read is committed, whether or not it is done."""
    from psfabric.engine import lane

    lane.Log.committable = property(lambda self: self.position)  # type: ignore[assignment, method-assign]


def acknowledge_on_exception() -> None:
    """An exception counts as done: nothing is buried."""
    from psfabric.engine import Result
    from psfabric.outcomes import Delivered
    from psfabric.stages import base

    base.failed = lambda component, error: Result(Delivered(""))


def redis_trusted() -> None:
    """Whether a thing was posted is asked of Redis, and remembered there before it is."""
    import redis

    from psfabric.engine import Result
    from psfabric.outcomes import Delivered
    from psfabric.stages import SinkStage

    client = redis.Redis.from_url(os.environ["PSF_REDIS_URL"], socket_timeout=1.0)

    def known(self: Any, task: Any, event: Any, document: Any) -> Result | None:
        name = f"posted:{self.name}:{document.key}:{event.version.sequence}"
        if client.set(name, "1", nx=True):
            return None
        return Result(Delivered(""))

    SinkStage._known = known  # type: ignore[method-assign]
    SinkStage._may_be_there = lambda self, work: False  # type: ignore[method-assign]


def lease_not_checked() -> None:
    """A worker sends and writes whoever owns the partitions."""
    from psfabric.hosts import lease

    lease.Lease.sends = lease.Lease.writes = property(lambda self: True)  # type: ignore[assignment, method-assign]


def version_condition_dropped() -> None:
    """A write replaces whatever is there."""
    from tests.faults import adapters

    adapters.Versioned.condition = lambda self, found: {}  # type: ignore[method-assign]


def hold_order_ignored() -> None:
    """What waits does not keep later records of its key back."""
    from psfabric.engine import lane

    lane.Lane.waits_before = lambda self, work: False  # type: ignore[method-assign]


def writes_not_awaited() -> None:
    """Receipts, applied and outputs count as durable when they were handed to the client."""
    from psfabric.kafka import Producer

    real = Producer.write

    def write(self: Any, writes: Sequence[Any], done: Callable[[Exception | None], None]) -> None:
        real(self, writes, lambda error: None)
        done(None)

    Producer.write = write  # type: ignore[method-assign]
    _slow_producer()


def dead_letter_not_awaited() -> None:
    """The write into the dead-letter topic is begun, and nobody looks whether it succeeded."""
    from psfabric.kafka import Producer

    real = Producer.write

    def write(self: Any, writes: Sequence[Any], done: Callable[[Exception | None], None]) -> None:
        if any(w.topic.startswith("dlq.") for w in writes):
            real(self, writes, lambda error: None)
            done(None)
        else:
            real(self, writes, done)

    Producer.write = write  # type: ignore[method-assign]


def applied_not_loaded() -> None:
    """A new owner begins without knowing what was posted."""
    import dataclasses

    from psfabric.hosts import aio, loading

    def load(*given: Any) -> Mapping[int, Any]:
        return {p: dataclasses.replace(found, applied={}) for p, found in loading.load(*given).items()}

    vars(aio)["load"] = load


def find_first_dropped() -> None:
    """Whatever an earlier owner may have sent is sent again."""
    from psfabric.stages import SinkStage

    SinkStage._may_be_there = lambda self, work: False  # type: ignore[method-assign]


def retry_after_ignored() -> None:
    """A throttled record is tried again when we like."""
    from tests.faults import adapters

    vars(adapters)["retry_after"] = lambda response, now=None: None


def new_key_on_conflict() -> None:
    """A key that is taken is replaced by another one."""
    from psfabric.outcomes import Delivered
    from tests.faults import adapters

    async def one(self: Any, body: dict[str, Any]) -> Any:
        answer = await self._send("POST", "/docs", body)
        if answer.status == 409:
            await self._send("POST", "/docs", {**body, "external": f"{body['external']}-2"})
        return Delivered("")

    adapters.Unique._one = one  # type: ignore[method-assign]


def absence_believed_at_once() -> None:
    """What the target does not show yet counts as not posted."""
    from psfabric.engine import Engine

    real = Engine.settle

    def settle(self: Any, work: Any, result: Any, now: float) -> Any:
        writes = real(self, work, result, now)
        lane = self.lanes.get(work.lane)
        if lane is not None:
            lane.believe_at = work.attempted_at = 0.0
        work.due = min(work.due, now)
        return writes

    Engine.settle = settle  # type: ignore[method-assign]


def older_versions_not_superseded() -> None:
    """Whatever is not known exactly is sent."""
    from psfabric.engine.applied import Decision
    from psfabric.stages import delivering

    vars(delivering)["decide"] = lambda stored, version, content_hash: Decision.NEW


def _slow_producer() -> None:
    """What is enqueued leaves after half a second: the window in which it can be lost."""
    import confluent_kafka as ck

    real = ck.Producer

    def made(config: dict[str, Any], **options: Any) -> ck.Producer:
        return real({**config, "linger.ms": 500}, **options)

    ck.Producer = made  # type: ignore[assignment, misc]


PLANTS: dict[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        no_idempotency_key,
        commit_before_effect,
        acknowledge_on_exception,
        redis_trusted,
        lease_not_checked,
        version_condition_dropped,
        hold_order_ignored,
        writes_not_awaited,
        dead_letter_not_awaited,
        applied_not_loaded,
        find_first_dropped,
        retry_after_ignored,
        new_key_on_conflict,
        absence_believed_at_once,
        older_versions_not_superseded,
    )
}

"""What is done to a run: each function is one injection and returns when what it did is over.

Broker and Redis are the harness's own, never the ones that other tests share. Times are drawn from the run's seed.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator

import redis

from deploy.local import Stack
from tests.faults.fabric import Fabric
from tests.faults.processes import Worker
from tests.faults.proxy import Proxy


def kill_one(fabric: Fabric, role: str = "") -> None:
    """SIGKILL to a worker drawn from the seed; the supervisor starts the next one at once."""
    fabric.kill(fabric.rng.choice(fabric.of(role) if role else fabric.workers))


def kill_all(fabric: Fabric, away: float) -> None:
    """SIGKILL to all; they stay away for a time."""
    with fabric.fault("kill all"):
        for worker in fabric.workers:
            worker.kept = False
            worker.signal(signal.SIGKILL)
        time.sleep(away)
        for worker in fabric.workers:
            worker.kept = True


@contextlib.contextmanager
def stopped(fabric: Fabric, worker: Worker) -> Iterator[None]:
    """SIGSTOP while the body runs, then SIGCONT: what wakes up believes that no time has passed."""
    with fabric.fault(f"stop {worker.role.role}"):
        worker.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            worker.signal(signal.SIGCONT)


def broker_restart(fabric: Fabric, stack: Stack, *, hard: bool, away: float) -> None:
    with fabric.fault(f"broker {'kill' if hard else 'restart'}"):
        (stack.kill if hard else stack.stop)("kafka")
        time.sleep(away)
        stack.start("kafka")


@contextlib.contextmanager
def erp(fabric: Fabric, state: str) -> Iterator[None]:
    """The ERP is `unavailable`, `resets`, `hangs` or is `away` while the body runs."""
    with fabric.fault(f"erp {state}"):
        fabric.erp.state(state)
        try:
            yield
        finally:
            fabric.erp.state("up")


@contextlib.contextmanager
def proxied(fabric: Fabric, proxy: Proxy, mode: str, latency: float = 0.0) -> Iterator[None]:
    """The way through `proxy` is broken or slow while the body runs."""
    with fabric.fault(f"{mode} {latency or ''}".strip()):
        proxy.mode, proxy.latency = mode, latency
        try:
            yield
        finally:
            proxy.mode, proxy.latency = "pass", 0.0


def flush(fabric: Fabric) -> None:
    with fabric.fault("FLUSHALL"):
        _redis(fabric).flushall()


@contextlib.contextmanager
def redis_configured(fabric: Fabric, name: str, **settings: str) -> Iterator[None]:
    """CONFIG SET while the body runs: `min-replicas-to-write` 1 refuses writes, `maxmemory` 1 is a full one."""
    client = _redis(fabric)
    before = {key: str(client.config_get(key.replace("_", "-"))[key.replace("_", "-")]) for key in settings}
    with fabric.fault(f"redis {name}"):
        for key, value in settings.items():
            client.config_set(key.replace("_", "-"), value)
        try:
            yield
        finally:
            for key, value in before.items():
                client.config_set(key.replace("_", "-"), value)


def redis_slow(fabric: Fabric, seconds: float) -> None:
    """It answers nobody for that long."""
    with fabric.fault("redis slow"):
        _redis(fabric).client_pause(round(seconds * 1000))
        time.sleep(seconds)


def _redis(fabric: Fabric) -> redis.Redis:
    return redis.Redis.from_url(fabric.direct_redis)

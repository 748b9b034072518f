"""What the rows run on: the harness's own stack, its proxies, the tier, and where verdicts go."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import Stack
from tests.faults.fabric import Fabric, Parts, Setting
from tests.faults.ledger import Verdict
from tests.faults.processes import Nursery
from tests.faults.proxy import Proxy


@dataclass(frozen=True)
class Tier:
    """`injections` for rows without an outage, `outages` for the others; `scale` stretches outages (1: seconds)."""

    name: str
    injections: int
    outages: int
    scale: float


QUICK = Tier("quick", 30, 6, 1.0)
LONG = Tier("long", 300, 30, 6.0)
SMALL = Tier("small", 6, 2, 1.0)
"""For controls: a planted bug shows itself soon."""
TIERS = {tier.name: tier for tier in (QUICK, LONG, SMALL)}


@dataclass
class Ground:
    stack: Stack
    nursery: Nursery
    redis: Proxy
    registry: Proxy
    parts: Parts
    folder: Path
    seed: int
    tier: Tier = QUICK
    plant: str = ""
    sinks: tuple[str, ...] = ()
    """Only these flavours of sinks, whatever the row names: for a plant in one of them."""
    verdicts: list[Verdict] = field(default_factory=list)
    logs: str = ""

    @property
    def count(self) -> int:
        return self.tier.injections

    @property
    def outages(self) -> int:
        return self.tier.outages

    def seconds(self, scaled: float) -> float:
        return scaled * self.tier.scale

    @contextmanager
    def fabric(self, setting: Setting) -> Iterator[Fabric]:
        """A run; its verdict is among `verdicts` when the body has ended."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        setting = dataclasses.replace(setting, plant=self.plant, sinks=self.sinks or setting.sinks)
        made = Fabric(self.parts, self.nursery, folder, self.seed, setting)
        made.patience = 12.0 if self.plant else 0.0
        try:
            with made as running:
                try:
                    yield running
                finally:
                    self.logs = running.logs()
                verdict = running.verdict()
                self.verdicts.append(verdict)
                if not verdict.clean and not self.plant and verdict.suspects:
                    self.logs += "\n".join(["", f"--- {verdict.suspects[0]}", *running.trail(verdict.suspects[0])])
        finally:
            self.redis.mode = self.registry.mode = "pass"
            self.redis.latency = self.registry.latency = 0.0


@dataclass(frozen=True)
class Row:
    """One row of the fault matrix: its number there, what it shows, and how it is run."""

    number: int
    title: str
    run: Callable[[Ground], None]
    outage: bool = False


@dataclass(frozen=True)
class Total:
    """A row's line in the summary."""

    row: int
    injections: int
    lost: int
    doubled: int
    amount_difference: Decimal
    out_of_order: int
    redelivered: int
    recovery_p95_s: float

    @classmethod
    def of(cls, row: int, verdicts: Sequence[Verdict]) -> Total:
        return cls(
            row,
            sum(v.injections for v in verdicts),
            sum(v.lost for v in verdicts),
            sum(v.doubled for v in verdicts),
            sum((v.amount_difference for v in verdicts), Decimal(0)),
            sum(v.out_of_order for v in verdicts),
            sum(v.redelivered for v in verdicts),
            max((v.recovery_p95_s for v in verdicts), default=0.0),
        )


def own_parts(stack: Stack) -> tuple[Parts, Proxy, Proxy]:
    """The parts of a stack with a proxy before Redis and one before the registry."""
    known = stack.endpoints
    redis, registry = known["PSF_REDIS_URL"], known["PSF_REGISTRY_URL"]
    redis_proxy, registry_proxy = Proxy(urlsplit(redis).port or 0), Proxy(urlsplit(registry).port or 0)
    parts = Parts(
        known["PSF_KAFKA_BOOTSTRAP"],
        _through(registry, registry_proxy),
        _through(redis, redis_proxy),
        direct_registry=registry,
        direct_redis=redis,
        own=True,
    )
    return parts, redis_proxy, registry_proxy


def _through(url: str, proxy: Proxy) -> str:
    return re.sub(r":\d+", f":{proxy.port}", url, count=1)

"""`python -m bench [--size quick]`: measure, print a table, write bench/results/latest.json."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import disturbance, endurance
from bench.foreign import Absent, kafka_streams, quix_python
from bench.meter import Reading
from bench.posting import enriched
from bench.results import FILE, Results
from bench.runs import ROOT, backlog, component_topics, create, environment, fill, measured, unique
from deploy.local import Console, Stack


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured. `records` for peers that decode no more than they read, `full` for those that decode
    everything, `slow` for those that take one at a time, `shared` for one and two workers of a group, `posts` for the
    sink, `pairs` of windows without and with a replay."""

    rounds: int = 3
    records: int = 300_000
    full: int = 100_000
    slow: int = 30_000
    shared: int = 150_000
    posts: int = 6_000
    paced_seconds: float = 15.0
    memory_minutes: float = 1.0
    pairs: int = 8
    foreign: bool = True

    @classmethod
    def of_one_round(cls, records: int, **others: Any) -> Size:
        return cls(rounds=1, records=records, full=records, shared=records, **others)


SIZES = {
    "default": Size(),
    "quick": Size.of_one_round(60_000, slow=10_000, posts=2_000, paced_seconds=5.0, memory_minutes=0.25, pairs=3),
    "tiny": Size.of_one_round(
        3_000, slow=1_000, posts=100, paced_seconds=1.0, memory_minutes=0.03, pairs=1, foreign=False
    ),
    "long": Size(full=300_000, shared=300_000, posts=12_000, paced_seconds=30.0, memory_minutes=10.0, pairs=10),
}

POSTERS = {"http_loop": ("http_loop", "httpx"), "aiohttp_loop": ("http_loop", "aiohttp"), "sink": ("sink", "")}
"""Who posts -> its module and its client."""


class Bench:
    """`only`: names of peers, or of `latency`, `memory`, `growth` and `replay`; empty: all."""

    def __init__(
        self, bootstrap: str, size: Size, tell: Callable[[str], None], only: frozenset[str] = frozenset()
    ) -> None:
        self._bootstrap, self._size, self._tell, self._only = bootstrap, size, tell, only
        self.results = Results()

    def run(self) -> Results:
        """All of it, peers of one comparison alternating."""
        source = backlog(self._bootstrap, self._size.records)
        for number in range(self._size.rounds):
            for peer, act in self._processing(source):
                self._one(peer, number, act)
        self._posting()
        if self._wanted("replay"):
            self._beside_replay()
        if self._wanted("growth"):
            self._growth(source)
        for rate in (100, 1000) if self._wanted("latency") else ():
            self._more({f"latency_{rate}": endurance.latency(self._bootstrap, rate, self._size.paced_seconds)})
        if self._wanted("memory"):
            self._more(endurance.memory(self._bootstrap, self._size.memory_minutes))
        return self.results

    def _wanted(self, name: str) -> bool:
        return not self._only or name in self._only

    def _processing(self, source: str) -> Iterator[tuple[str, Callable[[], Reading]]]:
        count, full, slow, shared = self._size.records, self._size.full, self._size.slow, self._size.shared
        yield "bare_full", partial(self._peer, "bare", source, full, lazy=False)
        yield "host_full", partial(self._peer, "host", source, full, lazy=False)
        yield "bare_lazy", partial(self._peer, "bare", source, count, lazy=True)
        yield "host_lazy", partial(self._peer, "host", source, count, lazy=True)
        yield "stock_faust", partial(self._peer, "stock_faust", source, slow, lazy=False)
        if self._size.foreign:
            yield "quix", partial(self._quix, source, full)
            yield "kafka_streams", partial(self._kafka_streams, source, count)
        yield "host_lazy_shared", partial(endurance.shared, self._bootstrap, 1, source, shared)
        yield "two_workers", partial(endurance.shared, self._bootstrap, 2, source, shared)

    def _one(self, peer: str, number: int, act: Callable[[], Reading]) -> None:
        if peer in self.results.absent or not self._wanted(peer):
            return
        try:
            found = act()
        except Absent as why:
            self.results.absent[peer] = str(why)
            self._tell(f"{peer}: absent, {why}")
            return
        self.results.add(peer, found)
        self._tell(f"round {number + 1}: {peer:16} {found.per_second:9,.0f}/s {found.per_cpu_second:9,.0f}/CPU-s")

    def _peer(self, module: str, source: str, count: int, *, lazy: bool, python: str = sys.executable) -> Reading:
        name = unique(module.replace("_", "-"))
        want = {"bootstrap": self._bootstrap, "source": source, "group": name, "records": count, "lazy": lazy}
        if module != "host":
            return measured(module, want, python=python)
        with component_topics(self._bootstrap, name):
            return measured(module, want)

    def _quix(self, source: str, count: int) -> Reading:
        python = quix_python()
        try:
            return self._peer("quix", source, count, lazy=False, python=python)
        except RuntimeError as error:  # what was measured of all others is worth more than this one
            raise Absent(str(error)) from None

    def _kafka_streams(self, source: str, count: int) -> Reading:
        want = {"bootstrap": self._bootstrap, "source": source, "group": unique("streams"), "records": count}
        return kafka_streams(want)

    def _posting(self) -> None:
        source = unique("posts")
        create(self._bootstrap, [source, "psf.delivery"])
        fill(self._bootstrap, source, enriched(self._size.posts))
        with http_target() as url:
            for number in range(self._size.rounds):
                for peer in POSTERS:
                    self._one(peer, number, partial(self._post, peer, source, url))

    def _post(self, peer: str, source: str, url: str) -> Reading:
        name, (module, client) = unique(peer.replace("_", "-")), POSTERS[peer]
        want = {"bootstrap": self._bootstrap, "source": source, "group": name, "records": self._size.posts, "url": url}
        want["client"] = client
        create(self._bootstrap, [f"applied.{name}"])
        with component_topics(self._bootstrap, name):
            return measured(module, want)

    def _beside_replay(self) -> None:
        with http_target() as url:
            self._more(disturbance.replay_beside_live(self._bootstrap, url, self._size.pairs, 5.0))

    def _growth(self, source: str) -> None:
        small = self._size.records // 10
        few = self._peer("host", backlog(self._bootstrap, small), small, lazy=True)
        many = self._peer("host", source, self._size.records, lazy=True)
        self._more({"cost_per_event_backlog_10x": endurance.growth(few, many)})

    def _more(self, found: Mapping[str, object]) -> None:
        self.results.more.update(found)
        self._tell(str(found))


@contextmanager
def http_target() -> Iterator[str]:
    command = [sys.executable, "-m", "bench.peers.http_target"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment(), text=True, stdin=pipe, stdout=pipe) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a pipe is missing")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.stdin.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="how fast the fabric is, beside its peers")
    parser.add_argument("--size", choices=list(SIZES), default="default")
    parser.add_argument("--results", type=Path, default=FILE, help="the file to write")
    parser.add_argument("--only", default="", help="some of what is measured, with commas")
    parser.add_argument("--bootstrap", default="", help="a broker to use instead of starting one")
    asked = parser.parse_args(arguments)

    def run(bootstrap: str) -> Results:
        only = frozenset(filter(None, asked.only.split(",")))
        return Bench(bootstrap, SIZES[asked.size], lambda text: print(text, flush=True), only).run()

    if asked.bootstrap:
        found = run(asked.bootstrap)
    else:
        with Stack(ROOT, "bench", ("kafka",), on_progress=Console()) as stack:
            found = run(stack.endpoints["PSF_KAFKA_BOOTSTRAP"])
    found.write(asked.results)
    print(f"\n{found.table()}\n\nwritten to {asked.results}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""A worker without Kafka: asks its pace as an engine does, and notes when it called and how many calls were open."""

from __future__ import annotations

import heapq
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import redis

from psfabric.pacing import SharedPace, Sharing
from tests.psfabric.reference.server import Server
from tests.waiting import eventually

DOES_NOT_ANSWER, ANSWERS = False, True


class Worker:
    """`backlog` calls wait (None: without end); each takes `seconds` and ends as `answers` says at that moment."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        rate: float = 0.0,
        in_flight: int = 64,
        seconds: float = 0.0,
        answers: Callable[[], bool] = lambda: ANSWERS,
        component: str = "tryton-uk",
    ) -> None:
        self.name = name
        self.backlog: int | None = 0
        self.seconds, self.answers = seconds, answers
        self.called: list[float] = []
        self.ends: list[float] = []
        """Of the calls in `called`, epoch seconds."""
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._sharing = Sharing(url, name)
        self.pace: SharedPace = self._sharing.pace(component, rate, in_flight, self._wake.set)
        self._open: list[float] = []
        self._threads = [
            threading.Thread(target=self._sharing.run, args=(self._stop,)),
            threading.Thread(target=self._run),
        ]

    def work(self, backlog: int | None = None) -> None:
        self.backlog = backlog
        self._wake.set()

    def rest(self) -> None:
        self.backlog = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            now = time.time()
            while self._open and self._open[0] <= now:
                heapq.heappop(self._open)
                self.pace.returned()
                (self.pace.succeeded if self.answers() else self.pace.failed)(now)
            while self.backlog != 0 and self.pace.may_call(now, len(self._open)):
                self.backlog = None if self.backlog is None else self.backlog - 1
                at = time.time()
                self.called.append(at)
                self.ends.append(at + self.seconds)
                heapq.heappush(self._open, at + self.seconds)
            due = self._open[:1] + ([self.pace.next_at(now)] if self.backlog != 0 else [])
            self._wake.wait(max(0.001, min([now + 0.2, *due]) - time.time()))
            self._wake.clear()


@contextmanager
def working(*workers: Worker) -> Iterator[None]:
    with ExitStack() as stack:
        for worker in workers:
            worker.start()
            stack.callback(worker.stop)
        yield


def settled(server: Server, component: str) -> None:
    """The hash of a component that has been in use for a while, with an empty bucket: no time of grace to wait for."""
    now = time.time() * 1000
    with redis.Redis.from_url(server.url) as client:
        client.hset(f"psf:pace:{{{component}}}", mapping={"born": now - 60_000, "seen": now, "at": now})


until = partial(eventually, seconds=10.0, every=0.002)


def most_above(instants: Sequence[float], rate: float) -> float:
    """How many calls the busiest window holds above rate x its length: the burst that a target saw."""
    # A window that ends with call j and begins with call i holds j - i + 1 calls in t[j] - t[i] seconds.
    most = least = float("-inf")
    least = float("inf")
    for number, at in enumerate(sorted(instants)):
        least = min(least, number - rate * at)
        most = max(most, number + 1 - rate * at - least)
    return most


def most_open(workers: Sequence[Worker]) -> int:
    """The most calls open at one moment at the target."""
    edges = [(at, 1) for w in workers for at in w.called] + [(at, -1) for w in workers for at in w.ends]
    count = most = 0
    for _, step in sorted(edges):
        count += step
        most = max(most, count)
    return most


if __name__ == "__main__":  # one process of several: url, name, rate, seconds of work; begins when told
    worker = Worker(sys.argv[1], sys.argv[2], rate=float(sys.argv[3]))
    with working(worker):
        time.sleep(1.6)  # until slots are given
        print("ready", flush=True)
        sys.stdin.readline()
        worker.work()
        time.sleep(float(sys.argv[4]))
        worker.rest()
    print(*worker.called, sep="\n")

"""What changes about one plan while somebody looks: its progress, the orders about it, the answers to its records."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from psfabric.connection import Kafka
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.engine.work import TopicPartition
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka import Admin, Follower
from replay.progress import TOPIC, Progress, Replay, is_about_plan, plan_of

AT_ONCE = 5000
SETTLES_WITHIN = 45.0
"""Seconds in which the broker ends every transaction that somebody left open (after 15) and we have read on."""


class Watch:
    """Follows the topics from their beginning, so that nothing is read twice. Not thread-safe."""

    def __init__(self, kafka: Kafka, plan: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._follower, self._admin = Follower(kafka), Admin(kafka)
        self._answers: Callable[[Record], None] = lambda record: None
        self.replay = Replay(plan)
        starts = self._follower.ends([TOPIC])
        if not starts:
            self.close()
            raise Unavailable(f"{TOPIC} does not exist; run `psfabric topics apply`")
        self._follower.seek(dict.fromkeys(starts, 0))

    @property
    def progress(self) -> Progress | None:
        return self.replay.progress

    def answers(self, starts: Mapping[str, int], take: Callable[[Record], None]) -> None:
        """From now on hand over every receipt, from the given offset of each partition on."""
        self._answers = take
        receipts = {TopicPartition(RECEIPTS, int(partition)): at for partition, at in starts.items()}
        self._follower.seek({**self._follower.positions(), **receipts})

    def look(self, seconds: float) -> None:
        """Take what comes within so many seconds."""
        for record in self._follower.poll(AT_ONCE, seconds):
            if record.topic == RECEIPTS:
                self._answers(record)
            elif is_about_plan(record) and plan_of(record) == self.replay.plan:
                self.replay = self.replay.after(record)

    def read(self, meanwhile: Callable[[], None] = lambda: None) -> Replay:
        """All that can be seen now. An open transaction, and what was committed behind it, is not among it.
        `meanwhile` is called many times a second. Raises Unavailable."""
        return self._up_to(self._follower.ends(self._topics()), meanwhile)

    def settle(self) -> Replay:
        """All that was committed before now: waits until the transactions have ended that are open. Raises
        Unavailable."""
        ends = self._admin.end_offsets(self._topics())
        return self._up_to({TopicPartition(*tp): end for tp, end in ends.items()}, lambda: None)

    def _topics(self) -> list[str]:
        return list(dict.fromkeys(tp.topic for tp in self._follower.positions()))

    def _up_to(self, ends: Mapping[TopicPartition, int], meanwhile: Callable[[], None]) -> Replay:
        at, deadline = self._follower.positions(), self._clock() + SETTLES_WITHIN
        while any(at[tp] < end for tp, end in ends.items()):
            if self._clock() > deadline:
                raise Unavailable(f"{', '.join(self._topics())} could not be read on for {SETTLES_WITHIN:.0f} s")
            before = at
            self.look(0.03)
            meanwhile()
            at = self._follower.positions()
            if at != before:
                deadline = self._clock() + SETTLES_WITHIN
        return self.replay

    def close(self) -> None:
        self._follower.close()

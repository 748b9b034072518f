"""Whether all that a group reads has an owner, asked after each assignment.

The leader of a group divides what it knows of the topics, and a broker that is just starting tells of some only. With
static membership nobody asks again: a process that is started anew under its name is handed what it had, which may be
nothing, and waits for ever while its group counts as stable. So each new assignment is compared with what the broker
says of group and topics, until it is whole; where a partition has no owner, the group is made to divide anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from psfabric.connection import Kafka
from psfabric.engine.work import TopicPartition
from psfabric.errors import FabricError, Misconfigured
from psfabric.kafka import Admin

log = structlog.get_logger(__name__)

LOOK_AFTER = 2.0
"""Seconds from an assignment until it is looked at, and between looks."""

REJOINED = 15.0
"""Seconds that a group has for dividing anew before it is asked to once more."""


async def until_whole(kafka: Kafka, group: str, topics: Sequence[str], rejoin: Callable[[], None]) -> None:
    """Look until every partition of `topics` has an owner in `group`; `rejoin` makes it divide them anew.

    Only the leader of a group can bring that about. What others do is not wrong: they are handed what they had.
    """
    while True:
        await asyncio.sleep(LOOK_AFTER)
        try:
            ownerless = await asyncio.to_thread(_look, kafka, group, topics)
        except FabricError as error:
            log.info("not known yet whether all is read", group=group, why=str(error))
            continue
        except Exception as error:  # noqa: BLE001 - a look that ends leaves what nobody reads unread, and nobody told
            log.warning("the look at what is read failed; it is tried again", group=group, why=repr(error))
            continue
        if ownerless is None:
            continue
        if not ownerless:
            return
        named = ", ".join(f"{topic}/{number}" for topic, number in sorted(ownerless)[:4])
        log.warning("partitions without an owner; the group divides anew", group=group, partitions=named)
        rejoin()
        await asyncio.sleep(REJOINED)


class Look:
    """The look at what one member has been assigned. That at an earlier assignment ends when the next one begins."""

    def __init__(self, kafka: Kafka, group: str, topics: Sequence[str], rejoin: Callable[[], None]) -> None:
        self._given = (kafka, group, topics, rejoin)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self.end()
        self._task = asyncio.create_task(until_whole(*self._given))

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()


def even(
    component: str, topics: Sequence[str], tps: Iterable[TopicPartition], counts: Callable[[], Mapping[str, int]]
) -> set[int]:
    """The partitions that we were handed of every topic: the owner of a source's must own redo's, it alone writes hold.

    The others are left alone until the group has divided anew (`until_whole`). Raises Misconfigured where that cannot
    help, because the topics themselves differ: `counts` are their partitions, as far as the broker says.
    """
    found = {topic: {tp.partition for tp in tps if tp.topic == topic} for topic in topics}
    numbers = set.intersection(*found.values())
    if any(each != numbers for each in found.values()):
        there = {topic: count for topic, count in counts().items() if topic in topics}
        shown = ", ".join(f"{topic}: {there.get(topic, 'unknown')}" for topic in topics)
        if len(set(there.values())) > 1:
            raise Misconfigured([f"{component}: its topics differ in partitions ({shown}); see `psfabric topics plan`"])
        log.warning("handed a part of its partitions only", group=component, all=shown)
    return numbers


def _look(kafka: Kafka, group: str, topics: Sequence[str]) -> set[tuple[str, int]] | None:
    return Admin(kafka).without_owner(group, topics)

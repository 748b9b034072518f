"""The aiokafka consumer of one component, in a thread and loop of its own, so that heartbeats never wait for work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import aiokafka
import structlog
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, server_list
from faust.types import TP
from mode.threads import WorkerThread

from psfabric.connection import Kafka, tls_context
from psfabric.hosts.faust_chunks.batches import read_as_batches
from psfabric.hosts.faust_chunks.chunk import Batch

log = structlog.get_logger(__name__)

FETCH_WAIT_MS = 500
"""How long the broker may keep a fetch open; new records end it at once."""

BACKOFF_MS = 300
"""Between two tries of each of aiokafka's tasks (several a component) while a broker is away. With its own 100 those of
four components take a third of a core, from a broker that is starting on the same machine too."""


class _Daemon(WorkerThread):
    """Ends with the process: after a crash nobody waits for a consumer that cannot be stopped."""

    def __init__(self, service: Any, **kwargs: Any) -> None:
        super().__init__(service, **kwargs)
        self.daemon = True


def secured(kafka: Kafka) -> dict[str, Any]:
    """The connection value in aiokafka's names. The context checks the broker's name against its certificate."""
    names: dict[str, Any] = {"security_protocol": kafka.protocol}
    if kafka.tls:
        names["ssl_context"] = tls_context(kafka)
    if kafka.login is not None:
        names["sasl_mechanism"] = kafka.login.mechanism
        names["sasl_plain_username"] = kafka.login.username
        names["sasl_plain_password"] = kafka.login.password.get_secret_value()
    return names


class ChunkConsumerThread(AIOKafkaConsumerThread):
    Worker = _Daemon

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        """As Faust's own, but: read_committed always, and the range assignor.

        Stock Faust reads uncommitted records unless it writes in transactions, and its default (round-robin) does not
        co-partition: the owner of source p must own redo p, because it alone writes hold p.
        """
        read_as_batches()
        conf = self.app.conf
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=cast(Any, self.app).instance_id,
            bootstrap_servers=server_list(transport.url, transport.default_port),
            **secured(cast(Any, self.app).kafka),
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",  # a place that is gone must not be passed over in silence
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            retry_backoff_ms=BACKOFF_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            metadata_max_age_ms=30_000,
            isolation_level="read_committed",
        )

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """False when the broker did not take them: they are offered again, or read again by the next owner."""
        consumer = self._ensure_consumer()
        mine = consumer.assignment()
        wanted = {TopicPartition(*tp): OffsetAndMetadata(at, "") for tp, at in offsets.items()}
        wanted = {tp: at for tp, at in wanted.items() if tp in mine}
        if not wanted:
            return False
        try:
            await consumer.commit(wanted)
        except KafkaError as error:
            log.warning("commit refused", group=self.app.conf.id, error=type(error).__name__)
            return False
        return True

    def positions(self) -> dict[TopicPartition, int]:
        """Where reading stands; past transaction markers, which aiokafka skips. Read from another thread."""
        subscription = self._consumer._subscription.subscription if self._consumer is not None else None
        assigned = None if subscription is None else subscription.assignment
        if assigned is None:
            return {}
        states = {tp: assigned.state_value(tp) for tp in assigned.tps}
        return {tp: state._position for tp, state in states.items() if state is not None and state.has_valid_position}

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """As Faust's own; what the group never committed is read from its beginning."""
        return cast("Mapping[TP, int]", await self.call_thread(self._seek))

    async def _seek(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        found = cast("dict[TP, int]", await consumer.seek_to_committed())
        fresh = [tp for tp, offset in found.items() if offset is None]
        if fresh:
            await consumer.seek_to_beginning(*fresh)
        return found

    async def begin(self, *tps: TP) -> None:
        """Read these, of which nothing was ever committed, from their beginning, unless they have a place by now."""
        await self.call_thread(self._begin, tps)

    async def _begin(self, tps: Sequence[TP]) -> None:
        known = self.positions()
        placeless = [tp for tp in tps if TopicPartition(*tp) not in known]
        if placeless:
            await self._ensure_consumer().seek_to_beginning(*placeless)

    async def give_back(self, found: Mapping[TP, Sequence[Batch]]) -> None:
        """Read these once more, which nobody took: nobody would ask for them again."""
        await self.call_thread(self._give_back, found)

    async def _give_back(self, found: Mapping[TP, Sequence[Batch]]) -> None:
        known = self.positions()
        for tp, batches in found.items():
            place = TopicPartition(*tp)
            if batches and known.get(place, 0) >= batches[-1].next:  # else reading was moved back already
                self._ensure_consumer().seek(place, batches[0].first)

    def unknown_topics(self, topics: tuple[str, ...]) -> list[str]:
        """Those of `topics` that the broker does not have."""
        cluster = self._ensure_consumer()._client.cluster
        return [topic for topic in topics if not cluster.partitions_for_topic(topic)]

    def counts(self) -> dict[str, int]:
        """How many partitions each topic has that the client knows of."""
        cluster = self._ensure_consumer()._client.cluster
        return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}

    def rejoin(self) -> None:
        """Join the group once more; when we lead it, all partitions are divided anew."""
        if self.thread_loop is not None:
            self.thread_loop.call_soon_threadsafe(self._request_rejoin)

    def _request_rejoin(self) -> None:
        if self._consumer is not None:
            self._consumer._coordinator.request_rejoin()

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:
        """Faust would print a trace to standard error; the host says what happened in one sentence."""
        log.debug("consumer thread ended", what=msg.format(*fmt))

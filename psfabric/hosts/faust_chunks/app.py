"""One Faust app per component, as many as wanted in one process and loop."""

from __future__ import annotations

from typing import Any

import faust
from faust import Event, Schema
from faust.tables.manager import TableManager
from faust.transport.drivers.aiokafka import Transport

from psfabric.connection import Kafka
from psfabric.hosts.faust_chunks.chunk import Taker
from psfabric.hosts.faust_chunks.consumer import ChunkConsumer
from psfabric.hosts.faust_chunks.producer import NoProducer

SESSION = 10.0
HEARTBEAT = 1.0
"""A rebalance begins when the last member has noticed it, by its heartbeat."""

REQUEST = 40.0
"""Seconds until a request to the broker is given up. Joining a group is one, and waits for the others of the group."""

COMMIT_EVERY = 0.5
POLL_BATCHES = 500
"""Batches per fetch, over all partitions: the longest chunk."""

BUFFER = 16
"""Chunks that may lie between fetcher and agent; the agent only hands them on."""


class ChunkSchema(Schema[Any, Any]):
    """Hands a chunk through as it is; Faust decodes nothing."""

    def compile(self, app: Any, **kwargs: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Event:
            return Event(app, None, message.value, None, message)

        return decode


class NoTables(TableManager):
    async def on_start(self) -> None:
        """As Faust's own, without the second it waits for tables to be declared: there are none."""
        await self._update_channels()
        await self.recovery.start()


class ChunkTransport(Transport):
    Consumer = ChunkConsumer
    Producer = NoProducer


class ChunkApp(faust.App):
    """App id = consumer group = component. No table, leader, web server, or topic declaration; no files."""

    def __init__(
        self,
        kafka: Kafka,
        component: str,
        taker: Taker,
        instance: str | None,
        session: float = SESSION,
    ) -> None:
        self.taker = taker
        self.kafka = kafka
        self.instance_id = f"{instance}.{component}" if instance else None
        super().__init__(
            component,
            env_prefix="PSF_FAUST_",  # or a DEBUG or BROKER_URL meant for somebody else would be obeyed
            broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
            broker_client_id=component,
            broker_session_timeout=session,
            broker_heartbeat_interval=min(HEARTBEAT, session / 5),
            broker_request_timeout=max(REQUEST, session + 10.0),
            broker_commit_interval=COMMIT_EVERY,
            broker_max_poll_records=POLL_BATCHES,
            broker_max_poll_interval=300.0,
            stream_buffer_maxsize=BUFFER,
            stream_wait_empty=True,
            store="memory://",
            TableManager=NoTables,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
        )
        self.transport = ChunkTransport(self.conf.broker_consumer, self)
        self.producer_transport = self.transport
        self.agent(self.topic(*taker.topics, schema=ChunkSchema()), name=component)(self._hand_on)

    @staticmethod
    async def _hand_on(stream: Any) -> None:
        """Chunks go on as they come. `noack`: Faust would acknowledge in a `finally`, whatever happened."""
        async for event in stream.noack().events():
            event.app.taker.take(event.value, event.ack)

    def _create_directories(self) -> None:
        """Faust keeps its tables' files there; there are none."""

"""The Pub/Sub API of the simulated org: change events over gRPC, pulled with flow control."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import grpc

from sandbox.salesforce.changes import Topic
from sandbox.salesforce.org import Org
from schemas.vendors.salesforce_pubsub import pubsub_api_pb2 as pb
from schemas.vendors.salesforce_pubsub import pubsub_api_pb2_grpc as rpc

MOST_REQUESTED = 100
_ERROR = "sfdc.platform.eventbus.grpc."


async def _abort(context: Any, code: Any, error: str, message: str) -> NoReturn:
    await context.abort(code, message, trailing_metadata=(("error-code", _ERROR + error),))
    raise AssertionError("abort raises")


class PubSub(rpc.PubSubServicer):
    """Subscribe, GetTopic and GetSchema. Publishing and managed subscriptions are not simulated (UNIMPLEMENTED)."""

    def __init__(self, org: Org, keep_alive: float) -> None:
        self.org = org
        self._keep_alive = keep_alive

    async def GetTopic(self, request: pb.TopicRequest, context: Any) -> pb.TopicInfo:  # noqa: N802
        await self._authenticate(context)
        topic = await self._topic(request.topic_name, context)
        return pb.TopicInfo(
            topic_name=topic.made.topic,
            tenant_guid=self.org.id,
            can_publish=False,
            can_subscribe=True,
            schema_id=topic.schema_id,
            rpc_id=str(uuid.uuid4()),
        )

    async def GetSchema(self, request: pb.SchemaRequest, context: Any) -> pb.SchemaInfo:  # noqa: N802
        await self._authenticate(context)
        schemas = {topic.schema_id: topic.schema_json for topic in self.org.topics.values()}
        id = request.schema_id
        if id not in schemas:
            await _abort(context, grpc.StatusCode.NOT_FOUND, "schema.not.found", f"Schema not found for id: {id}")
        return pb.SchemaInfo(schema_json=schemas[id], schema_id=id, rpc_id=str(uuid.uuid4()))

    async def Subscribe(  # noqa: N802
        self, requests: AsyncIterator[pb.FetchRequest], context: Any
    ) -> AsyncIterator[pb.FetchResponse]:
        """Only the first request says where to start; the numbers asked for add up."""
        await self._authenticate(context)
        first = await anext(aiter(requests))
        stream = _Stream(await self._topic(first.topic_name, context))
        await stream.start(first, context)
        listener = asyncio.create_task(self._listen(stream, requests, context))
        try:
            async for response in stream.responses(listener, self._keep_alive):
                yield response
        finally:
            listener.cancel()

    async def _listen(self, stream: _Stream, requests: AsyncIterator[pb.FetchRequest], context: Any) -> None:
        async for request in requests:
            await self._authenticate(context)
            await stream.ask(request, context)

    async def _authenticate(self, context: Any) -> None:
        given = {key.lower(): value for key, value in context.invocation_metadata() or ()}
        if given.get("accesstoken") not in self.org.tokens:
            await self._refuse(context, "accesstoken is missing or no longer good")
        if not str(given.get("instanceurl", "")).startswith("http"):
            await self._refuse(context, "instanceurl must be the address that the token was given for")
        if str(given.get("tenantid", ""))[:15] != self.org.id[:15]:
            await self._refuse(context, "tenantid must be the id of the org, which the token's id URL names")

    async def _refuse(self, context: Any, message: str) -> NoReturn:
        await _abort(context, grpc.StatusCode.UNAUTHENTICATED, "service.auth.error", message)

    async def _topic(self, name: str, context: Any) -> Topic:
        if name not in self.org.topics:
            message = f"The topic {name} does not exist or is not visible to you."
            await _abort(context, grpc.StatusCode.NOT_FOUND, "topic.not.found", message)
        return self.org.topics[name]


class _Stream:
    """One subscription: where it stands in its topic and how many events are still asked for."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._next = len(topic.events)
        self._pending = 0
        self._asked = asyncio.Event()

    async def start(self, first: pb.FetchRequest, context: Any) -> None:
        if first.replay_preset == pb.EARLIEST:
            self._next = 0
        elif first.replay_preset == pb.CUSTOM:
            try:
                self._next = self._topic.after(first.replay_id)
            except KeyError:
                error, message = "subscription.fetch.replayid.validation.failed", "The Replay ID validation failed."
                await _abort(context, grpc.StatusCode.INVALID_ARGUMENT, error, message)
        await self.ask(first, context)

    async def ask(self, request: pb.FetchRequest, context: Any) -> None:
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        if request.topic_name not in ("", self._topic.made.topic):
            await _abort(
                context, invalid, "subscription.topic.mismatch", "A stream has one topic; open another stream."
            )
        if not 0 < request.num_requested <= MOST_REQUESTED:
            message = f"num_requested must be 1 to {MOST_REQUESTED}."
            await _abort(context, invalid, "subscription.fetch.requested.events.invalid", message)
        self._pending += request.num_requested
        self._asked.set()

    async def responses(self, listener: asyncio.Task[None], keep_alive: float) -> AsyncIterator[pb.FetchResponse]:
        """Events as they are asked for; an empty response when nothing came for `keep_alive` seconds."""
        while not (listener.done() and self._pending == 0):
            batch = self._topic.events[self._next : self._next + min(self._pending, MOST_REQUESTED)]
            if batch or not await self._something(listener, keep_alive):
                self._next += len(batch)
                self._pending -= len(batch)
                yield self._response(batch)
            if listener.done():
                listener.result()

    async def _something(self, listener: asyncio.Task[None], keep_alive: float) -> bool:
        """Whether anything happened within `keep_alive` seconds: a new event, a new request, or the end of requests."""
        self._asked.clear()
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._asked.wait())]
        if self._pending:
            waits.append(asyncio.create_task(self._topic.wait()))
        watched = waits if listener.done() else [*waits, listener]
        done, _ = await asyncio.wait(watched, timeout=keep_alive, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return bool(done)

    def _response(self, batch: list[Any]) -> pb.FetchResponse:
        schema = self._topic.schema_id
        events = [
            pb.ConsumerEvent(
                event=pb.ProducerEvent(id=stored.id, schema_id=schema, payload=stored.payload),
                replay_id=stored.replay_id,
            )
            for stored in batch
        ]
        latest = batch[-1].replay_id if batch else self._topic.latest
        return pb.FetchResponse(
            events=events,
            latest_replay_id=latest,
            rpc_id=str(uuid.uuid4()),
            pending_num_requested=self._pending,
        )

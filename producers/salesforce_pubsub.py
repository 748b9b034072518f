"""The Pub/Sub API of Salesforce: change events over gRPC, pulled with flow control. The only importer of grpc.

The interface is in `schemas/vendors/salesforce_pubsub/pubsub_api.proto`. From the vendor's guide: at most 100 events a
request, requested numbers add up, an idle stream answers with the newest replay id within 270 s.
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import fastavro
import grpc

from psfabric.errors import FabricError, Invalid, Transient
from schemas.vendors.salesforce_pubsub import pubsub_api_pb2 as pb
from schemas.vendors.salesforce_pubsub import pubsub_api_pb2_grpc as rpc

MOST_REQUESTED = 100
SILENCE = 300.0
"""Seconds without even a keep-alive after which a stream counts as dead (the server promises one within 270)."""

CALL_TIMEOUT = 20.0
_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    struct.error,
    fastavro.schema.SchemaParseException,
)


class SignedOut(Transient):
    """The access token is no longer good: fetch a new one, then try again."""


@dataclass(frozen=True, slots=True)
class Login:
    """What every call carries besides its request."""

    token: str
    instance: str
    tenant: str

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return ("accesstoken", self.token), ("instanceurl", self.instance), ("tenantid", self.tenant)


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a topic; `payload` is Avro of the schema `schema_id`."""

    id: str
    schema_id: str
    payload: bytes
    replay_id: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one answer brought; `latest` is the position behind it, also when it brought no event."""

    topic: str
    changes: tuple[Change, ...]
    latest: bytes


class PubSub:
    """One channel to `target` (host:port), closed when its `async with` ends."""

    def __init__(self, target: str, *, tls: bool) -> None:
        options = [("grpc.keepalive_time_ms", 60_000), ("grpc.max_receive_message_length", 8 << 20)]
        if tls:
            self._channel = grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=options)
        else:
            self._channel = grpc.aio.insecure_channel(target, options=options)
        self._stub: Any = rpc.PubSubStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()

    async def check(self, topic: str, login: Login) -> Login:
        """Ask for a topic, to hear the truth about the login: a stream that is refused while we write to it only says
        INTERNAL. Raises SignedOut, Transient."""
        try:
            await self._stub.GetTopic(pb.TopicRequest(topic_name=topic), metadata=login.metadata, timeout=CALL_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            raise _meaning(topic, error.code(), error.details(), error.trailing_metadata()) from None
        return login

    async def schema(self, schema_id: str, login: Login) -> str:
        """The writer's schema as JSON text. Raises SignedOut, Transient, Invalid(schema-unknown)."""
        try:
            found = await self._stub.GetSchema(
                pb.SchemaRequest(schema_id=schema_id), metadata=login.metadata, timeout=CALL_TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise Invalid("schema-unknown", f"Salesforce has no schema {schema_id}") from None
            raise _meaning("GetSchema", error.code(), error.details(), error.trailing_metadata()) from None
        return str(found.schema_json)

    async def batches(self, starts: Mapping[str, bytes | None], login: Login) -> AsyncGenerator[Batch]:
        """Batches of all topics as they come, each from just behind its position (None: the earliest kept).

        Never ends by itself. Raises SignedOut, Transient, Invalid(cursor-expired).
        """
        streams = {topic: self._stream(topic, after, login) for topic, after in starts.items()}
        waiting = {asyncio.ensure_future(anext(stream)): topic for topic, stream in streams.items()}
        try:
            while True:
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
                    topic = waiting.pop(task)
                    waiting[asyncio.ensure_future(anext(streams[topic]))] = topic
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            for stream in streams.values():
                await stream.aclose()

    async def _stream(self, topic: str, after: bytes | None, login: Login) -> AsyncGenerator[Batch]:
        """One subscription. More is asked for only when the last batch was taken, so a slow reader is not flooded."""
        call = self._stub.Subscribe(metadata=login.metadata)
        try:
            await call.write(_first(topic, after))
            while True:
                async with asyncio.timeout(SILENCE):
                    answer = await call.read()
                if answer is grpc.aio.EOF:
                    raise Transient(f"{topic}: Salesforce ended the stream")
                yield Batch(topic, tuple(map(_change, answer.events)), answer.latest_replay_id)
                if answer.events:
                    await call.write(pb.FetchRequest(topic_name=topic, num_requested=len(answer.events)))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):  # the latter: it ended before we wrote
            code, details = await call.code(), await call.details()
            raise _meaning(topic, code, details, await call.trailing_metadata()) from None
        except TimeoutError:
            raise Transient(f"{topic}: silent for {SILENCE:.0f} s") from None
        finally:
            call.cancel()


def header_of(schema_json: str, payload: bytes) -> dict[str, Any]:
    """The ChangeEventHeader of a change event. Raises Invalid(avro-truncated)."""
    try:
        schema = fastavro.parse_schema(json.loads(schema_json))
        found: Any = fastavro.schemaless_reader(io.BytesIO(payload), schema, None)
        header = found["ChangeEventHeader"]
        return {name: header[name] for name in ("entityName", "changeType", "recordIds", "commitNumber")} | {
            name: header.get(name) for name in ("changeOrigin", "transactionKey", "sequenceNumber", "commitTimestamp")
        }
    except _UNREADABLE as error:
        raise Invalid("avro-truncated", f"no change event of its schema: {type(error).__name__}") from None


def _first(topic: str, after: bytes | None) -> Any:
    preset = pb.EARLIEST if after is None else pb.CUSTOM
    return pb.FetchRequest(topic_name=topic, replay_preset=preset, replay_id=after or b"", num_requested=MOST_REQUESTED)


def _change(found: Any) -> Change:
    event = found.event
    return Change(event.id, event.schema_id, event.payload, found.replay_id)


def _meaning(where: str, code: Any, details: str | None, trailing: Any) -> FabricError:
    """What the engine shall do about a failed call; the vendor's own code is in the trailing metadata."""
    named = " ".join(str(value) for key, value in trailing or () if key == "error-code")
    why = f"{where}: {code.name} {named or details or ''}".strip()
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return SignedOut(why)
    if code is grpc.StatusCode.INVALID_ARGUMENT and "replayid" in f"{named} {details}".lower().replace(" ", ""):
        return Invalid("cursor-expired", f"{why}; events are kept for 72 hours, older state has to be read in full")
    return Transient(why)

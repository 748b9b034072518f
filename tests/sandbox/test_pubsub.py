"""The simulated Pub/Sub API, read with a bare gRPC stub; bitmaps decoded by the public rule, written here anew."""

from __future__ import annotations

import io
import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import fastavro
import grpc
import httpx
import pytest

from sandbox.control import Control
from sandbox.salesforce.objects import record_id
from schemas.vendors.salesforce_pubsub import pubsub_api_pb2 as pb
from schemas.vendors.salesforce_pubsub import pubsub_api_pb2_grpc as rpc
from tests.sandbox.conftest import Running, sign_in

TOPIC = "/data/OpportunityChangeEvent"
MILESTONES = "/data/pse__Milestone__ChangeEvent"
_numbers = count(20_000)


@pytest.fixture
def metadata(running: Running) -> list[tuple[str, str]]:
    token = sign_in(running)
    tenant = token["id"].split("/")[-2]
    return [("accesstoken", token["access_token"]), ("instanceurl", token["instance_url"]), ("tenantid", tenant)]


@pytest.fixture
def stub(running: Running) -> Iterator[rpc.PubSubStub]:
    with grpc.insecure_channel(running.pubsub) as channel:
        yield rpc.PubSubStub(channel)


class Subscription:
    """A stream under the test's control: `ask` sends a request, `next` waits for a response."""

    def __init__(self, stub: rpc.PubSubStub, metadata: list[tuple[str, str]]) -> None:
        self._requests: queue.SimpleQueue[pb.FetchRequest | None] = queue.SimpleQueue()
        self._responses = stub.Subscribe(iter(self._requests.get, None), metadata=metadata, timeout=20)

    def ask(self, number: int, **more: Any) -> None:
        request: dict[str, Any] = {"topic_name": TOPIC, "num_requested": number} | more
        self._requests.put(pb.FetchRequest(**request))

    def next(self) -> pb.FetchResponse:
        response: pb.FetchResponse = next(self._responses)
        return response

    def events(self, number: int) -> list[pb.ConsumerEvent]:
        """The next so many events, however they are packed."""
        found: list[pb.ConsumerEvent] = []
        while len(found) < number:
            found += self.next().events
        return found

    def close(self) -> None:
        self._responses.cancel()
        self._requests.put(None)


@contextmanager
def subscription(stub: rpc.PubSubStub, metadata: list[tuple[str, str]]) -> Iterator[Subscription]:
    stream = Subscription(stub, metadata)
    yield stream
    stream.close()


def write(control: Control, id: str, **fields: Any) -> None:
    control.write([{"object": "Opportunity", "id": id, "fields": fields, "at": "2026-10-01T09:00:00.900Z"}])


def create(control: Control, **more: Any) -> str:
    id = record_id("006", next(_numbers))
    write(control, id, **{"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"} | more)
    return id


def decoded(stub: rpc.PubSubStub, metadata: list[tuple[str, str]], event: pb.ConsumerEvent) -> dict[str, Any]:
    """The payload with its bitmaps turned into names of fields."""
    schema = json.loads(
        stub.GetSchema(pb.SchemaRequest(schema_id=event.event.schema_id), metadata=metadata).schema_json
    )
    record: Any = fastavro.schemaless_reader(io.BytesIO(event.event.payload), schema, None)
    header = record["ChangeEventHeader"]
    for name in ("changedFields", "nulledFields", "diffFields"):
        header[name] = [field for text in header[name] for field in named(text, schema)]
    return dict(record)


def named(bitmap: str, schema: dict[str, Any]) -> list[str]:
    """Lowest bit first, over the positions of the schema's fields."""
    bits = bin(int(bitmap, 16))[2:][::-1]
    return [schema["fields"][place]["name"] for place, bit in enumerate(bits) if bit == "1"]


def test_an_update_tells_what_changed_and_what_became_null(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], control: Control
) -> None:
    id = create(control, Amount="12.50", Purchase_Order__c="PO-1")
    with subscription(stub, metadata) as stream:
        stream.ask(10)
        stream.next()
        write(control, id, StageName="Closed Won", Purchase_Order__c=None, Name="Deal")
        (event,) = stream.events(1)
    record = decoded(stub, metadata, event)
    header = record.pop("ChangeEventHeader")
    assert (header["entityName"], header["recordIds"], header["changeType"]) == ("Opportunity", [id], "UPDATE")
    assert sorted(header["changedFields"]) == ["LastModifiedDate", "Purchase_Order__c", "StageName"]
    assert header["nulledFields"] == ["Purchase_Order__c"]
    assert header["commitTimestamp"] == 1790845200000
    told = {name: value for name, value in record.items() if value is not None}
    assert told == {"StageName": "Closed Won", "LastModifiedDate": 1790845200000}


def test_a_creation_and_a_deletion_carry_no_bitmaps(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], control: Control
) -> None:
    with subscription(stub, metadata) as stream:
        stream.ask(10)
        stream.next()
        id = create(control, Amount="12.50")
        control.write([{"object": "Opportunity", "id": id, "fields": {}, "delete": True}])
        made, deleted = (decoded(stub, metadata, event) for event in stream.events(2))
    assert made["ChangeEventHeader"]["changeType"] == "CREATE"
    assert made["ChangeEventHeader"]["changedFields"] == []
    assert (made["Amount"], made["CloseDate"]) == (12.5, 1798675200000)
    assert deleted["ChangeEventHeader"]["changeType"] == "DELETE"
    assert {value for name, value in deleted.items() if name != "ChangeEventHeader"} == {None}


def test_events_come_only_as_they_are_asked_for_and_requests_add_up(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], control: Control
) -> None:
    with subscription(stub, metadata) as stream:
        stream.ask(2)
        stream.next()
        for _ in range(5):
            create(control)
        first = stream.events(2)
        idle = stream.next()
        assert (len(idle.events), idle.pending_num_requested) == (0, 0)
        stream.ask(1)
        stream.ask(3, replay_preset=pb.EARLIEST)
        rest = stream.events(3)
    assert len({event.replay_id for event in first + rest}) == 5, "a later preset does not start again"


def test_requests_of_an_idle_stream_add_up(stub: rpc.PubSubStub, metadata: list[tuple[str, str]]) -> None:
    with subscription(stub, metadata) as stream:
        stream.ask(5)
        stream.next()
        stream.ask(7)
        while (response := stream.next()).pending_num_requested == 5:
            pass
    assert response.pending_num_requested == 12


def test_a_stream_goes_on_behind_a_replay_id(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], control: Control
) -> None:
    with subscription(stub, metadata) as stream:
        stream.ask(10)
        before = stream.next().latest_replay_id
        ids = [create(control) for _ in range(3)]
        events = stream.events(3)
    for place, start in enumerate((before, events[0].replay_id, events[1].replay_id)):
        with subscription(stub, metadata) as stream:
            stream.ask(10, replay_preset=pb.CUSTOM, replay_id=start)
            again = stream.events(3 - place)
        found = [decoded(stub, metadata, event)["ChangeEventHeader"]["recordIds"] for event in again]
        assert found == [[id] for id in ids[place:]]


def test_an_idle_stream_is_kept_alive_with_its_latest_replay_id(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], control: Control
) -> None:
    create(control)
    with subscription(stub, metadata) as stream:
        stream.ask(100, replay_preset=pb.EARLIEST)
        while (response := stream.next()).events:
            last = response.events[-1].replay_id
    assert response.latest_replay_id == last
    assert response.pending_num_requested > 0


def test_a_write_over_rest_is_told_with_the_client_that_made_it(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], org: httpx.Client
) -> None:
    with subscription(stub, metadata) as stream:
        stream.ask(1)
        stream.next()
        fields = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
        org.post("/sobjects/Opportunity", json=fields, headers={"Sforce-Call-Options": "client=psfabric"})
        (event,) = stream.events(1)
    assert decoded(stub, metadata, event)["ChangeEventHeader"]["changeOrigin"].endswith(";client=psfabric")


def test_a_gap_event_is_a_header_only(stub: rpc.PubSubStub, metadata: list[tuple[str, str]], control: Control) -> None:
    id = create(control)
    with subscription(stub, metadata) as stream:
        stream.ask(1)
        stream.next()
        control.gap("Opportunity", id)
        (event,) = stream.events(1)
    record = decoded(stub, metadata, event)
    assert record["ChangeEventHeader"]["changeType"] == "GAP_UPDATE"
    assert record["StageName"] is None


def test_each_object_has_its_topic_and_schema(stub: rpc.PubSubStub, metadata: list[tuple[str, str]]) -> None:
    topics = (TOPIC, MILESTONES, "/data/pse__Billing_Event__ChangeEvent")
    infos = [stub.GetTopic(pb.TopicRequest(topic_name=topic), metadata=metadata) for topic in topics]
    assert [info.topic_name for info in infos] == list(topics)
    assert all(info.can_subscribe and not info.can_publish for info in infos)
    schema = json.loads(stub.GetSchema(pb.SchemaRequest(schema_id=infos[1].schema_id), metadata=metadata).schema_json)
    assert schema["fields"][0]["name"] == "ChangeEventHeader"
    assert all(field["type"][0] == "null" for field in schema["fields"][1:])
    assert "pse__Milestone_Amount__c" in {field["name"] for field in schema["fields"]}


@pytest.mark.parametrize("lacking", ["accesstoken", "instanceurl", "tenantid"])
def test_a_call_without_its_credentials_is_unauthenticated(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], lacking: str
) -> None:
    given = [(name, value) for name, value in metadata if name != lacking]
    with pytest.raises(grpc.RpcError) as refused:
        stub.GetTopic(pb.TopicRequest(topic_name=TOPIC), metadata=given)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_an_expired_token_ends_a_stream_at_its_next_request(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], control: Control
) -> None:
    with subscription(stub, metadata) as stream:
        stream.ask(1)
        stream.next()
        control.expire_tokens()
        stream.ask(1)
        with pytest.raises(grpc.RpcError) as refused:
            stream.events(2)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"topic_name": "/data/NonsenseChangeEvent"}, grpc.StatusCode.NOT_FOUND),
        ({"num_requested": 0}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"num_requested": 101}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"replay_preset": pb.CUSTOM, "replay_id": b"unknown"}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_a_wrong_request_ends_the_stream(
    stub: rpc.PubSubStub, metadata: list[tuple[str, str]], request_: dict[str, Any], code: grpc.StatusCode
) -> None:
    with subscription(stub, metadata) as stream:
        stream.ask(1, **request_)
        with pytest.raises(grpc.RpcError) as refused:
            stream.next()
    assert refused.value.code() == code


def test_a_stream_keeps_to_one_topic(stub: rpc.PubSubStub, metadata: list[tuple[str, str]]) -> None:
    with subscription(stub, metadata) as stream:
        stream.ask(1)
        stream.next()
        stream.ask(1, topic_name=MILESTONES)
        with pytest.raises(grpc.RpcError) as refused:
            stream.events(2)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT

"""What intake promises to a caller, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from psfabric.errors import Misconfigured, Transient
from psfabric.intake import app, serve
from psfabric.intake.door import BODY_LIMIT, HEADER_COUNT, VALUE_LIMIT
from tests.intake.conftest import SECRET, Broker, Door, running, signature

BODY = b'{"webhookEvent": "worklog_created", "worklog": {"id": "10066", "issueId": "1"}}'
TRACE_ID = "12345678901234567890123456789012"
TRACEPARENT = f"00-{TRACE_ID}-1234567890123456-01"


async def test_a_signed_webhook_is_stored_byte_for_byte(door: Door) -> None:
    answer = await door.post(BODY, **{"content-type": "application/json; charset=UTF-8"})
    assert answer.status_code == 202
    ((source, raw, notice),) = door.broker.stored
    assert (source, raw.key, raw.body) == ("jira-acme", "10066", BODY)
    assert (notice.id, notice.key) == ("n-1", "10066")
    assert set(raw.headers) == {
        *("fabric-source", "fabric-notice-id", "fabric-received-at", "content-type", "traceparent"),
    }
    assert raw.headers["fabric-source"] == "jira-acme"
    assert raw.headers["fabric-notice-id"] == "n-1"
    assert raw.headers["content-type"] == "application/json; charset=UTF-8"
    received = datetime.fromisoformat(raw.headers["fabric-received-at"])
    assert abs((datetime.now(UTC) - received).total_seconds()) < 60


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\x00", b'{"a": 1, "a": 2}', b"[" * 100_000])
async def test_what_is_signed_is_stored_whatever_it_is(door: Door, body: bytes) -> None:
    assert (await door.post(body)).status_code == 202
    assert door.broker.stored[0][1].body == body


async def test_a_forged_request_is_refused_and_leaves_no_trace(door: Door) -> None:
    for headers in ({}, signature(BODY, "another secret"), {"X-Hub-Signature": "sha1=" + "0" * 40}):
        answer = await door.client.post("/in/jira-acme", content=BODY, headers=headers)
        assert answer.status_code == 401
        assert answer.json() == {"status": "not authorized"}
        assert SECRET not in answer.text + str(answer.headers)
    assert door.broker.stored == []


async def test_two_signatures_are_none(door: Door) -> None:
    good, bad = signature(BODY)["X-Hub-Signature"], "sha256=" + "0" * 64
    for pair in ((good, bad), (bad, good), (good, good)):
        headers = [("X-Hub-Signature", value) for value in pair]
        assert (await door.client.post("/in/jira-acme", content=BODY, headers=headers)).status_code == 401


async def test_another_source_or_address_is_not_there(door: Door) -> None:
    assert (await door.post(BODY, source="jira-other")).status_code == 404
    for path in ("/in", "/in/", "/in/jira-acme/x", "/in/..%2fhealth", "/"):
        assert (await door.client.post(path, content=BODY, headers=signature(BODY))).status_code == 404
    assert (await door.client.get("/in/jira-acme")).status_code == 405
    assert door.broker.stored == []


async def test_a_callers_headers_under_our_names_do_not_get_in(door: Door) -> None:
    forged = {
        "ce_id": "forged",
        "ce-id": "forged",
        "fabric-source": "forged",
        "fabric-notice-id": "forged",
        "fabric-received-at": "forged",
        "fabric-absent": "true",
        "fabric-hold-key": "forged",
        "fabric-dlq-code": "forged",
        "__dlq.errors.topic": "forged",
        "x-tenant": "forged",
        "cookie": "forged",
        "authorization": "Bearer forged",
    }
    assert (await door.post(BODY, **forged)).status_code == 202
    _, raw, _ = door.broker.stored[0]
    assert "forged" not in str(raw.headers)
    assert set(raw.headers) <= {
        *("fabric-source", "fabric-notice-id", "fabric-received-at", "content-type", "traceparent", "tracestate"),
    }


@pytest.mark.parametrize(
    "content_type", ["x" * 5000, "text/html<script>", "application/json;;", "a/b; charset=" + "x" * 500, "é/b", ""]
)
async def test_an_odd_content_type_is_plain_bytes(door: Door, content_type: str) -> None:
    headers = {**signature(BODY), "content-type": content_type.encode("latin-1")}
    assert (await door.client.post("/in/jira-acme", content=BODY, headers=headers)).status_code == 202  # type: ignore[arg-type]
    kept = door.broker.stored[0][1].headers["content-type"]
    assert kept in ("application/octet-stream", "application/json")


async def test_no_stored_header_is_larger_than_a_kibibyte(door: Door) -> None:
    state = ",".join(f"k{n}={'v' * 200}" for n in range(30))
    assert (await door.post(BODY, traceparent=TRACEPARENT, tracestate=state)).status_code == 202
    assert all(len(value) <= VALUE_LIMIT for value in door.broker.stored[0][1].headers.values())


async def test_a_trace_goes_on_and_a_broken_one_begins_anew(door: Door) -> None:
    await door.post(BODY, traceparent=TRACEPARENT, tracestate="foo=1")
    await door.post(BODY, traceparent="00-nonsense", tracestate="foo=1")
    await door.post(BODY)
    kept, broken, none = (raw.headers for _, raw, _ in door.broker.stored)
    assert kept["traceparent"].split("-")[1] == TRACE_ID
    assert kept["tracestate"] == "foo=1"
    assert "tracestate" not in broken
    assert TRACE_ID not in broken["traceparent"] + none["traceparent"]


async def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(door: Door) -> None:
    assert (await door.post(b"x" * BODY_LIMIT)).status_code == 202
    assert (await door.post(b"x" * (BODY_LIMIT + 1))).status_code == 413
    assert len(door.broker.stored) == 1


async def test_a_huge_body_is_refused_without_being_taken(door: Door) -> None:
    async with asyncio.timeout(5):
        assert (await door.post(b"x" * 50_000_000)).status_code == 413
    assert (await door.post(BODY)).status_code == 202


async def test_a_body_of_unknown_length_is_bounded_too(door: Door) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    answer = await door.client.post("/in/jira-acme", content=pieces(), headers=signature(b""))
    assert answer.status_code == 413


async def test_too_many_headers_are_refused(door: Door) -> None:
    some = {f"x-{n}": "1" for n in range(HEADER_COUNT + 1)}
    assert (await door.post(BODY, **some)).status_code == 431
    many = "".join(f"x-{n}: 1\r\n" for n in range(10_000)).encode()
    answer = await _raw(door, b"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\n" + many + b"\r\n")
    assert answer[9:12] in (b"400", b"431"), "refused by the parser, or by the door"
    assert door.broker.stored == []


@pytest.mark.parametrize(
    "head",
    [
        b"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        b"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\nx-a: b\x00c\r\n\r\n",
        b"POST /in/jira-acme HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_and_hurts_nobody(door: Door, head: bytes) -> None:
    assert (await _raw(door, head)).startswith(b"HTTP/1.1 400")
    assert (await door.post(BODY)).status_code == 202


async def _raw(door: Door, sent: bytes) -> bytes:
    """What the server answers to these bytes until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(sent)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_a_slow_body_is_given_up() -> None:
    head = b"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nx"
    async with running(body_seconds=0.2) as door:
        assert (await _raw(door, head)).startswith(b"HTTP/1.1 408")
        assert (await door.post(BODY)).status_code == 202


async def test_a_connection_that_brings_no_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psfabric.intake.server.HEAD_SECONDS", 0.2)
    async with running() as door:
        assert await _raw(door, b"") == b""
        assert await _raw(door, b"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\nx-slow: ") == b""
        assert (await door.post(BODY)).status_code == 202


async def test_a_request_that_takes_longer_than_its_head_may_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psfabric.intake.server.HEAD_SECONDS", 0.1)
    async with running() as door:
        door.broker.before = lambda: asyncio.sleep(0.3)
        assert (await door.post(BODY)).status_code == 202
        assert (await door.post(BODY)).status_code == 202


async def test_a_body_that_breaks_off_is_not_stored(door: Door) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    head = f"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\nx-hub-signature: {signature(b'x')['X-Hub-Signature']}\r\n"
    writer.write(head.encode() + b"content-length: 2\r\n\r\nx")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await door.post(BODY)).status_code == 202
    assert [raw.body for _, raw, _ in door.broker.stored] == [BODY]


async def test_nothing_is_said_before_the_broker_acknowledged(door: Door) -> None:
    acknowledge = asyncio.Event()
    door.broker.before = lambda: _wait(acknowledge)
    posting = asyncio.create_task(door.post(BODY))
    assert not (await asyncio.wait({posting}, timeout=0.2))[0]
    acknowledge.set()
    assert (await posting).status_code == 202


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def test_a_broker_that_refuses_is_503_with_a_wait(door: Door) -> None:
    async def refuse() -> None:
        raise Transient("the broker is away")

    door.broker.before = refuse
    answer = await door.post(BODY)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "broker" not in answer.text


async def test_a_broker_that_does_not_answer_is_503() -> None:
    async with running(store_seconds=0.1) as door:
        door.broker.before = lambda: _wait(asyncio.Event())
        assert (await door.post(BODY)).status_code == 503
        door.broker.before = None
        assert (await door.post(BODY)).status_code == 202


async def test_a_fault_of_ours_is_never_a_2xx(door: Door) -> None:
    async def break_down() -> None:
        raise ZeroDivisionError

    door.broker.before = break_down
    answer = await door.post(BODY)
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text


async def test_health_says_whether_intake_is_ready() -> None:
    ready = [False]
    async with running(ready=lambda: ready[0]) as door:
        answer = await door.client.get("/health")
        assert (answer.status_code, answer.json()) == (503, {"ready": False})
        ready[0] = True
        assert (await door.client.get("/health")).json() == {"ready": True}


async def test_stopping_finishes_what_was_accepted(door: Door) -> None:
    acknowledge, arrived = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        arrived.set()
        await acknowledge.wait()

    door.broker.before = wait
    posting = asyncio.create_task(door.post(BODY))
    async with asyncio.timeout(5):
        await arrived.wait()
    door.stop.set()
    acknowledge.set()
    assert (await posting).status_code == 202
    async with asyncio.timeout(5):
        await door.serving
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", door.port)


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=f"127.0.0.1:{port}"):
            await serve(app({}, Broker().store), "127.0.0.1", port, stop=asyncio.Event())


async def test_many_at_once_are_all_stored_once(door: Door) -> None:
    bodies = [b'{"worklog": {"id": "%d"}}' % n for n in range(100)]
    answers = await asyncio.gather(*(door.post(body) for body in bodies))
    assert {answer.status_code for answer in answers} == {202}
    assert sorted(raw.body for _, raw, _ in door.broker.stored) == sorted(bodies)


async def test_a_pickle_stays_bytes(door: Door) -> None:
    body = base64.b64decode("gASVDwAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOULg==")
    for content_type in ("application/x-pickle", "application/json", "application/x-python-serialize"):
        assert (await door.post(body, **{"content-type": content_type})).status_code == 202
    assert {raw.body for _, raw, _ in door.broker.stored} == {body}

"""The HTTP client against a real socket that misbehaves on purpose: what left, and what did not."""

from __future__ import annotations

import asyncio
import base64
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import SO_LINGER, SOL_SOCKET, socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psfabric.errors import Invalid, Transient, Unknown
from psfabric.http import LONGEST_ASKED, Http, Response, fetch, retry_after

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[str]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(reader, writer)
        writer.close()

    listening = await asyncio.start_server(once, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http(limit=2)
    yield client
    await client.close()


def free_port() -> int:
    with socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


async def ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 418 T\r\nContent-Length: 9\r\nX-Mixed-Case: v\r\n\r\n{"a":1.10}'[:-1])
    await writer.drain()


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pass


async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    await writer.drain()


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not reader.at_eof():
        writer.write(b"x")
        await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.02)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()


# ------------------------------------------------------------------------------------------------ requests


async def test_an_answer_has_its_status_its_exact_body_and_lower_case_names(http: Http) -> None:
    async with server(ok) as url:
        answer = await http.request("GET", url)
    assert (answer.status, answer.headers["x-mixed-case"], answer.body) == (418, "v", b'{"a":1.10'[:9])


async def test_what_was_never_connected_never_left(http: Http) -> None:
    with pytest.raises(Transient, match=r"POST 127\.0\.0\.1: not reached"):
        await http.request("POST", f"http://127.0.0.1:{free_port()}/x?token=secret", json={"a": 1})


async def test_an_address_of_no_protocol_never_left(http: Http) -> None:
    with pytest.raises(Transient):
        await http.request("POST", "127.0.0.1/x", json={})


@pytest.mark.parametrize("fault", [reset, hang_up, half_an_answer, garbage])
async def test_a_connection_that_breaks_after_the_request_left_is_unknown(http: Http, fault: Answer) -> None:
    async with server(fault) as url:
        with pytest.raises(Unknown, match=r"POST 127\.0\.0\.1: no answer"):
            await http.request("POST", url + "?token=secret", json={"a": 1})


@pytest.mark.parametrize("fault", [silence, trickle])
async def test_the_time_allowed_bounds_the_whole_exchange(http: Http, fault: Answer) -> None:
    async with server(fault) as url:
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unknown):
            await http.request("POST", url, content=b"x", timeout=0.3)
        assert asyncio.get_running_loop().time() - began < 2


async def test_waiting_for_a_free_connection_never_left() -> None:
    client, arrived = Http(limit=1), asyncio.Event()

    async def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await silence(reader, writer)

    async with server(arrive) as url:
        first = asyncio.create_task(client.request("GET", url, timeout=1))
        await arrived.wait()
        with pytest.raises(Transient):
            await client.request("GET", url, timeout=0.3)
        with pytest.raises(Unknown):
            await first
    await client.close()


async def test_no_sentence_repeats_the_address_beyond_the_host(http: Http) -> None:
    with pytest.raises(Transient) as caught:
        await http.request("GET", f"http://user:pass@127.0.0.1:{free_port()}/path?token=secret")
    assert not {"user", "pass", "path", "secret"} & set(str(caught.value).replace("/", " ").split())


async def test_a_redirect_is_an_answer_not_followed(http: Http) -> None:
    async def away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    async with server(away) as url:
        assert (await http.request("POST", url)).status == 302


async def test_the_synchronous_client_says_transient_whatever_broke() -> None:
    for fault in (reset, silence):
        async with server(fault) as url:
            with pytest.raises(Transient):
                await asyncio.to_thread(fetch, "GET", url, timeout=0.2)


# ------------------------------------------------------------------------------------------------ bodies


def test_numbers_with_a_point_stay_exact() -> None:
    assert Response(200, {}, b'{"a": 0.10, "b": 1e2, "c": 7}').json() == {"a": Decimal("0.10"), "b": 100, "c": 7}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"a": NaN}', b"[Infinity]", b"-Infinity", b'"\xff"', b"[" * 100_000, b"1e99999999999999999999"],
    ids=["empty", "html", "nan", "infinity", "minus-infinity", "not-utf8", "deep", "beyond-decimal"],
)
def test_what_is_not_json_is_invalid_and_not_quoted(body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        Response(502, {}, body).json()
    assert caught.value.code == "upstream-malformed"
    assert "502" in caught.value.why
    assert "html" not in caught.value.why


# ------------------------------------------------------------------------------------------------ Retry-After

NOW = datetime(2026, 3, 31, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Tue, 31 Mar 2026 12:01:30 GMT", 90.0),
        ("Tuesday, 31-Mar-26 12:01:30 GMT", 90.0),
        ("Tue Mar 31 12:01:30 2026", 90.0),
        ("Tue, 31 Mar 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("²", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
        ("9" * 400, LONGEST_ASKED),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_ASKED),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after(Response(429, {"retry-after": text}), NOW) == seconds


def test_without_retry_after_nothing_is_asked() -> None:
    assert retry_after(Response(429)) is None


@given(st.text())
def test_no_retry_after_is_ever_a_crash_or_a_wait_without_end(text: str) -> None:
    asked = retry_after(Response(429, {"retry-after": text}), NOW)
    assert asked is None or 0 <= asked <= LONGEST_ASKED


def test_credentials_in_a_url_are_sent_and_no_text_repeats_them() -> None:
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer = fetch("GET", f"http://user:canary@127.0.0.1:{server.server_port}/subjects")
        server.shutdown()
    assert (answer.status, asked) == (200, ["Basic " + base64.b64encode(b"user:canary").decode()])
    with pytest.raises(Transient) as caught:
        fetch("GET", f"http://user:canary@127.0.0.1:{free_port()}/subjects", timeout=1.0)
    assert "canary" not in str(caught.value)


async def test_nothing_leaves_before_the_gate_opens(http: Http) -> None:
    came, opened = asyncio.Event(), asyncio.Event()

    async def seen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await ok(reader, writer)

    async def gate() -> None:
        await opened.wait()

    http.gate = gate
    async with server(seen) as url:
        asking = asyncio.create_task(http.request("POST", url))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(came.wait(), 0.2)
        opened.set()
        assert (await asking).status == 418

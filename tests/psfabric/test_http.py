"""The HTTP client against a real socket that misbehaves on purpose: what left, and what did not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import ssl
import struct
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET, socket
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psfabric.errors import Invalid, Transient, Unknown
from psfabric.hosts.lease import Lease
from psfabric.http import LONGEST_ASKED, Http, Response, _proxy, _proxy_to, fetch, retry_after
from tests.secure import certificates

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def of_an_unknown_authority(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    signed = certificates.server(certificates.authority("nobody we know"), "127.0.0.1")
    context.load_cert_chain(*signed.write(folder, "server"))
    return context


@asynccontextmanager
async def server(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(reader, writer)
        writer.close()

    listening = await asyncio.start_server(once, "127.0.0.1", 0, ssl=tls)
    async with listening:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"


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


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_nothing_is_sent_twice_by_itself_when_a_kept_connection_turns_out_broken(http: Http, method: str) -> None:
    """It broke after the request was read: it may have been done, so only the engine may send it again."""
    seen: list[bytes] = []

    async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    listening = await asyncio.start_server(one_answer, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"
        assert (await http.request(method, url)).status == 200
        with pytest.raises(Unknown, match=r"no answer \(ServerDisconnectedError"):
            await http.request(method, url)
    assert len(seen) == 2


async def test_a_connection_is_used_again(http: Http) -> None:
    opened: list[int] = []

    async def many_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(many_answers, "127.0.0.1", 0)
    async with listening:
        for _ in range(5):
            await http.request("POST", f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x")
        await http.close()
    assert len(opened) == 1


async def test_a_certificate_that_is_not_trusted_means_that_nothing_left(http: Http, tmp_path: Path) -> None:
    async with server(ok, tls=of_an_unknown_authority(tmp_path)) as url:
        with pytest.raises(Transient, match="not reached"):
            await http.request("POST", url, json={})


async def test_a_host_that_no_one_knows_was_never_reached(http: Http) -> None:
    with pytest.raises(Transient, match=r"POST nowhere\.invalid: not reached"):
        await http.request("POST", "http://nowhere.invalid/x")


@pytest.mark.parametrize("url", ["http://[::1/x", "http:///x", "", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/x"])
async def test_what_is_no_address_never_left(http: Http, url: str) -> None:
    with pytest.raises(Transient, match="not reached"):
        await http.request("POST", url)


async def test_a_proxy_of_the_environment_is_asked(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(ok) as url:
        proxy = url.removesuffix("/x")
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("NO_PROXY", "inside.example")
        _proxy_to.cache_clear()
        assert (await http.request("GET", "http://outside.invalid/x")).status == 418
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
        _proxy_to.cache_clear()
        with pytest.raises(Transient):
            await http.request("GET", "http://outside.invalid/x")
        assert _proxy("http://inside.example/x") is None
    _proxy_to.cache_clear()


async def test_a_header_that_comes_twice_is_one_with_a_comma(http: Http) -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nWarning: a\r\nwarning: b\r\nX: " + b"y" * 50_000 + b"\r\nContent-Length: 0\r\n\r\n"
        )

    async with server(twice) as url:
        answer = await http.request("GET", url)
    assert (answer.headers["warning"], len(answer.headers["x"])) == ("a, b", 50_000)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


class Echo:
    """Answers with what came: method, target, the headers and the body."""

    def __init__(self) -> None:
        outer, self.seen = self, dict[str, Any]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                outer.seen = {"target": self.path, "headers": self.headers, "body": body}
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def asked(self, path: str = "/", **given: Any) -> dict[str, Any]:
        async def ask() -> None:
            http = Http()
            await http.request("POST", self.url + path, **given)
            await http.close()

        asyncio.run(ask())
        return self.seen


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.server.shutdown()
    made.server.server_close()


@settings(max_examples=50, deadline=None)
@given(
    segment=TEXT.filter(lambda text: text not in (".", "..")),
    params=st.dictionaries(TEXT, TEXT, min_size=1, max_size=3),
)
def test_a_quoted_path_and_parameters_arrive_as_they_were(echo: Echo, segment: str, params: dict[str, str]) -> None:
    """Business ids hold slashes, signs and letters of all the world; a client that tidies an address changes them."""
    target = urlsplit(echo.asked(f"/by/{quote(segment, safe='')}", params=params)["target"])
    assert unquote(target.path) == f"/by/{segment}"
    assert dict(parse_qsl(target.query, keep_blank_values=True, strict_parsing=True)) == params


@settings(max_examples=30, deadline=None)
@given(TEXT, TEXT)
def test_a_body_arrives_as_it_was_with_its_type(echo: Echo, name: str, text: str) -> None:
    sent = echo.asked(json={name: text})
    assert (json.loads(sent["body"]), sent["headers"]["Content-Type"]) == ({name: text}, "application/json")
    sent = echo.asked(data={"a" + name: text})
    assert dict(parse_qsl(sent["body"].decode(), keep_blank_values=True)) == {"a" + name: text}
    assert sent["headers"]["Content-Type"] == "application/x-www-form-urlencoded"


def test_bytes_go_as_they_are_with_no_type_that_nobody_gave(echo: Echo) -> None:
    for content in (b"", b"\x00\xff", bytes(3_000_000)):
        sent = echo.asked(content=content)
        assert (sent["body"], sent["headers"].get("Content-Type")) == (content, None)
    merge = "application/merge-patch+json"
    for name in ("Content-Type", "content-type"):
        assert echo.asked(json={}, headers={name: merge})["headers"].get_all("Content-Type") == [merge]


def test_a_number_that_json_has_not_is_not_sent(echo: Echo) -> None:
    with pytest.raises(ValueError, match="JSON"):
        echo.asked(json={"a": float("nan")})


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
def test_credentials_of_a_url_are_sent_unless_a_header_has_some(echo: Echo, name: str) -> None:
    bare, path = echo.url, "/path/a@b?c=%40d@e"
    try:
        echo.url = bare.replace("//", "//user:p%40ss@")
        of_url = echo.asked(path)
        of_header = echo.asked(path, headers={name: "Bearer token"})
    finally:
        echo.url = bare
    basic = base64.b64encode(b"user:p@ss").decode()
    assert of_url["headers"].get_all("Authorization") == [f"Basic {basic}"]
    assert of_header["headers"].get_all("Authorization") == ["Bearer token"]
    assert [urlsplit(sent["target"]).path for sent in (of_url, of_header)] == ["/path/a@b"] * 2
    assert parse_qsl(urlsplit(of_header["target"]).query) == [("c", "@d@e")]


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


@asynccontextmanager
async def keeping() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answers everything, on connections that stay; with what came, a line for each request."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                came.append(head.partition(b"\r\n")[0])
                await reader.readexactly(int(length[1]) if length else 0)
                writer.write(b"HTTP/1.1 204 N\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", came


@pytest.mark.parametrize("content", [None, b"x"])
@pytest.mark.parametrize("connected", [True, False])
async def test_who_sleeps_between_the_gate_and_the_wire_sends_nothing_as_no_owner(
    http: Http, connected: bool, content: bytes | None
) -> None:
    """A process may be stopped at any instant, and others own its partitions when it wakes."""
    now, loop = 0.0, asyncio.get_running_loop()
    lease = Lease(10.0, 1.0, lambda: now)
    lease.renewed(now)

    def sleep() -> None:
        nonlocal now
        now = 100.0

    async def gate() -> None:
        await lease.to_send()
        loop.call_soon(sleep)  # whatever of the request is left to another turn of the loop comes after it

    async with keeping() as (url, came):
        if connected:
            await http.request("GET", url)
            came.clear()
        http.gate = gate
        asking = asyncio.create_task(http.request("DELETE", url, content=content))
        await asyncio.wait([asking], timeout=0.2)
        left = list(came)
        lease.renewed(now)
        assert (await asking).status == 204
    at_once = connected and (content is None or sys.version_info >= (3, 12))  # it left before the process slept
    assert left == ([b"DELETE / HTTP/1.1"] if at_once else [])

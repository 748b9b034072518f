"""The fault proxy does to a real connection what it says."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import requests

from tests.faults.proxy import Proxy


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            pass

    served.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = Proxy(server.server_address[1])
    yield made
    made.close()
    server.shutdown()
    server.server_close()


served: list[str] = []


def asked(proxy: Proxy, timeout: float = 1.0) -> int:
    return requests.get(f"http://127.0.0.1:{proxy.port}/x", timeout=timeout).status_code


def test_it_passes_everything_on(proxy: Proxy) -> None:
    assert [asked(proxy) for _ in range(3)] == [200] * 3


def test_a_lost_reply_was_a_request_carried_out(proxy: Proxy) -> None:
    proxy.mode = "lose"
    with pytest.raises(httpx.HTTPError) as raised:
        httpx.get(f"http://127.0.0.1:{proxy.port}/lost", timeout=2)
    assert isinstance(raised.value, httpx.ReadError | httpx.RemoteProtocolError)
    assert served == ["/lost"]


@pytest.mark.parametrize("mode", ["reset", "refuse"])
def test_nobody_gets_through_and_afterwards_everybody_does(proxy: Proxy, mode: str) -> None:
    proxy.mode = mode
    with pytest.raises(requests.ConnectionError):
        asked(proxy)
    assert served == []
    proxy.mode = "pass"
    assert asked(proxy) == 200


def test_an_open_connection_is_broken_off(proxy: Proxy) -> None:
    with requests.Session() as session:
        url = f"http://127.0.0.1:{proxy.port}/"
        session.get(url, timeout=1)
        proxy.mode = "reset"
        with pytest.raises(requests.ConnectionError):
            session.get(url, timeout=1)


def test_what_hangs_is_answered_by_nobody(proxy: Proxy) -> None:
    proxy.mode = "hang"
    with pytest.raises(requests.Timeout):
        asked(proxy, timeout=0.3)
    assert served == []


def test_latency_is_added(proxy: Proxy) -> None:
    proxy.latency = 0.2
    begun = time.monotonic()
    assert asked(proxy) == 200
    assert time.monotonic() - begun >= 0.2

"""The HTTP server of intake: bounded in every direction, and stopped by finishing what it accepted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from psfabric.errors import Misconfigured
from psfabric.intake.door import HEADER_BYTES

HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 2_000
DRAIN_SECONDS = 10


class BoundedProtocol(H11Protocol):
    """Closes a connection that has not brought a whole request head in time; uvicorn itself would wait for ever.

    Once the head is there, the application's own deadline for the body counts; between requests, uvicorn's keep-alive.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._disarm()
        elif self._deadline is None:
            self._arm()

    def on_response_complete(self) -> None:
        self._disarm()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """Leaves signals to `serve`: uvicorn would raise them again when it is done, which ends the process badly."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: Starlette,
    host: str,
    port: int,
    *,
    stop: asyncio.Event | None = None,
    started: Callable[[int], None] | None = None,
) -> None:
    """Serve until `stop` is set (default: until SIGTERM or SIGINT), then finish the requests in hand and return.

    `started` is told the port, which the kernel chooses when `port` is 0. Raises Misconfigured when it is taken.
    """
    listening = _listen(host, port)
    if stop is None:
        stop = until_signal()
    server = _Server(_config(app))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    ending = asyncio.create_task(stop.wait())
    try:
        while not (server.started or running.done()):
            await asyncio.sleep(0.01)
        if started is not None and not running.done():
            started(listening.getsockname()[1])
        await asyncio.wait({running, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        server.should_exit = True
        await running


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=512, reuse_port=False)
    except OSError as error:
        raise Misconfigured(
            [f"intake cannot listen on {host}:{port}: {error.strerror or error}; choose another port"]
        ) from None


def until_signal() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop

"""A TCP proxy that breaks connections as networks do: an equivalent of toxiproxy without its binary.

Every byte goes through two real sockets. `Proxy(port).port` is what clients are given; `mode` may be changed at any
time and holds for open and new connections alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any


class Proxy:
    """Modes: `pass`; `reset` (connections are broken off with RST, new ones too); `hang` (bytes are taken and go
    nowhere); `refuse` (nobody listens); `lose` (requests arrive, the first byte of an answer breaks the connection
    off). `latency` is added to each piece of an answer, in seconds."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.latency = 0.0
        self._mode = "pass"
        self._open: set[asyncio.StreamWriter] = set()
        self._asked = bytearray()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def mode(self) -> str:
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        self._call(self._become(mode))

    def seen(self, text: bytes) -> int:
        """How often `text` went through towards the target."""
        return self._asked.count(text)

    def close(self) -> None:
        self._call(self._become("refuse"))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _call(self, act: Coroutine[Any, Any, Any]) -> Any:
        done: Future[Any] = asyncio.run_coroutine_threadsafe(act, self._loop)
        return done.result(10)

    async def _become(self, mode: str) -> None:
        self._mode = mode
        if mode in ("reset", "refuse"):
            for writer in list(self._open):
                broken_off(writer)
        if mode == "refuse":
            self._server.close()
        elif not self._server.is_serving():
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "reset":
            broken_off(writer)
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            broken_off(writer)
            return
        both = (writer, there_writer)
        self._open.update(both)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(reader, there_writer, both, answers=False))
                ways.create_task(self._carry(there_reader, writer, both, answers=True))
        except* OSError:
            for one in both:
                broken_off(one)
        finally:
            self._open.difference_update(both)
            for one in both:
                one.close()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, ...],
        *,
        answers: bool,
    ) -> None:
        while piece := await reader.read(1 << 16):
            if answers and self.latency:
                await asyncio.sleep(self.latency)
            if answers and self._mode == "lose":
                for one in both:
                    broken_off(one)
                return
            if not answers:
                self._asked += piece
            if self._mode != "hang":
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


def broken_off(writer: asyncio.StreamWriter) -> None:
    """RST instead of an orderly end."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

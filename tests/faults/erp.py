"""A fake ERP as a process: HTTP over the books, with the faults that real ones have.

    python -m tests.faults.erp JOURNAL SEED

prints one line of JSON with its two ports, `service` and `control`, and lives until its standard input ends. The
journal has a line for each write that was received and each document that was committed; nothing is ever removed.

    POST  /<company>/docs            a document (`external` in it)     PUT  /<company>/by-external/<external>
    PATCH /<company>/docs/<ref>      If-Match: "<version>"             POST /<company>/batch   {"lines": [...]}
    GET   /<company>/docs?external=  by external id, may lag           GET  /<company>/docs/<ref>
    GET   /<company>/statement       everything it holds               GET  /upstream/<id>     what a source would say
    GET   /feed/<source>?after=<n>   the notices after the n-th; waits for a second until there are any

`X-Worker` names who asks; only the journal keeps it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.faults.books import Answer, Body, Books, Company, Fault, Rules

HANGS = 120.0
"""Seconds that a caller is left without an answer."""

_LOST = {"reset": None, "hang": None, "bad_gateway": Answer(502, {"error": "bad_gateway"})}
_SAID = {
    "error": Answer(500, {"error": "internal"}),
    "error_before": Answer(500, {"error": "internal"}),
    "unavailable": Answer(503, {"error": "unavailable"}),
}


@dataclass(frozen=True)
class Asked:
    """One HTTP request."""

    method: str
    path: tuple[str, ...]
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Reset(Exception):
    """The connection is to be broken off, as a machine that went away does."""


class Erp:
    listener: asyncio.Server
    port: int

    def __init__(self, books: Books) -> None:
        self.books = books
        self.upstream: dict[str, Body] = {}
        self.feeds: dict[str, list[str]] = {}
        self.state = "up"
        self._writers: set[asyncio.StreamWriter] = set()

    # ------------------------------------------------------------------ connections

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._requests(reader, writer, self._answer)
        finally:
            self._writers.discard(writer)

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._requests(reader, writer, self._controlled)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, act: Any) -> None:
        try:
            while (asked := await read_request(reader)) is not None:
                answer = await act(asked)
                writer.write(encoded(answer))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Reset:
            broken_off(writer)
        finally:
            writer.close()

    async def _answer(self, asked: Asked) -> Answer:
        if self.state == "resets":
            raise Reset
        if self.state == "hangs":
            await asyncio.sleep(HANGS)
        if asked.path[0] in ("upstream", "feed"):
            return self._upstream(asked) if asked.path[0] == "upstream" else await self._feed(asked)
        company = self.books.company(asked.path[0])
        if asked.method == "GET":
            return self._read(company, asked) if self.state == "up" else _SAID["unavailable"]
        return await self._write(company, asked)

    def _upstream(self, asked: Asked) -> Answer:
        if self.state != "up":
            return _SAID["unavailable"]
        known = self.upstream.get(asked.path[1])
        return Answer(404) if known is None else Answer(200, known)

    async def _feed(self, asked: Asked) -> Answer:
        after, until = int(asked.query["after"]), time.monotonic() + 1.0
        while True:
            feed = self.feeds.get(asked.path[1], [])
            if len(feed) > after or time.monotonic() > until or self.state != "up":
                return Answer(200, {"notices": feed[after : after + 50], "at": min(len(feed), after + 50)})
            await asyncio.sleep(0.02)

    def _read(self, company: Company, asked: Asked) -> Answer:
        if asked.path[1] == "statement":
            return self.books.statement(company)
        if len(asked.path) == 3:
            return self.books.read(company, asked.path[2])
        return self.books.search(company, asked.query["external"])

    # ------------------------------------------------------------------ writes

    async def _write(self, company: Company, asked: Asked) -> Answer:
        lines = asked.body["lines"] if asked.path[1] == "batch" else [asked.body]
        worker, first = asked.headers.get("x-worker", ""), lines[0]["external"]
        for line in lines:
            self.books.note(
                "write",
                company.name,
                external=line["external"],
                seq=line["seq"],
                edition=line["edition"],
                worker=worker,
            )
        limited = self.books.throttled(company, first)
        if limited is not None:
            return limited
        if self.state == "unavailable":
            return _SAID["unavailable"]
        fault = self.books.fault(company, first)
        if fault is not None:
            self.books.note("fault", company.name, external=first, kind=fault.kind)
            return await self._faulty(company, asked, worker, fault)
        return self._carried_out(company, asked, worker)

    async def _faulty(self, company: Company, asked: Asked, worker: str, fault: Fault) -> Answer:
        if fault.kind == "reset_before":
            raise Reset
        if fault.kind in ("unavailable", "error_before"):
            return _SAID[fault.kind]
        if fault.kind == "lie":
            return Answer(200, {"reference": f"{company.name}-never", "version": 1, "body": asked.body})
        if fault.kind in ("slow", "late"):
            await asyncio.sleep(fault.seconds)
            return self._carried_out(company, asked, worker)
        answer = self._carried_out(company, asked, worker)
        if answer.status >= 400:
            return answer
        if fault.kind == "tardy":
            await asyncio.sleep(fault.seconds)
            return answer
        if fault.kind == "hang":
            await asyncio.sleep(fault.seconds or HANGS)
        if fault.kind in ("reset", "hang"):
            raise Reset
        return _LOST.get(fault.kind) or _SAID[fault.kind]

    def _carried_out(self, company: Company, asked: Asked, worker: str) -> Answer:
        if asked.path[1] == "batch":
            return Answer(207, {"lines": [_line(self._one(company, line, worker)) for line in asked.body["lines"]]})
        refusal = self.books.refusal(company, asked.body)
        if refusal is not None:
            return refusal
        condition = asked.headers.get("if-match", asked.headers.get("if-none-match", ""))
        if asked.method == "PUT":
            return self.books.put(company, asked.path[2], asked.body, condition, worker)
        if asked.method == "PATCH":
            return self.books.change(company, asked.path[2], asked.body, condition, worker)
        return self.books.create(company, asked.body, worker)

    def _one(self, company: Company, line: Body, worker: str) -> Answer:
        return self.books.refusal(company, line) or self.books.put(company, line["external"], line, "", worker)

    # ------------------------------------------------------------------ control

    async def _controlled(self, asked: Asked) -> Answer:
        match asked.path:
            case ("rules", name):
                self.books.company(name).rules = Rules.model_validate(asked.body)
            case ("upstream",):
                self.upstream.update(asked.body)
            case ("feed", name):
                self.feeds.setdefault(name, []).extend(asked.body)
            case ("document", name):
                self.books.create(self.books.company(name), asked.body, "somebody else")
            case ("state",):
                await self._become(asked.body["state"])
            case _:
                return Answer(404)
        return Answer(200)

    async def _become(self, state: str) -> None:
        """`up`, `unavailable` (503), `resets`, `hangs`, or `away`: nobody listens and open connections are broken."""
        self.state = state
        if state == "away":
            for writer in list(self._writers):
                broken_off(writer)
            self.listener.close()
        elif not self.listener.is_serving():
            self.listener = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    async def run(self) -> None:
        self.listener = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]
        control = await asyncio.start_server(self.control, "127.0.0.1", 0)
        print(json.dumps({"service": self.port, "control": control.sockets[0].getsockname()[1]}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def broken_off(writer: asyncio.StreamWriter) -> None:
    """A reset instead of an orderly end."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> Asked | None:
    """The next request of a connection; None when it has ended."""
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers = {}
    while (header := (await reader.readline()).decode().strip()) != "":
        name, _, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    path = tuple(unquote(part) for part in url.path.split("/") if part)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    return Asked(method, path, query, headers, json.loads(body) if body else None)


def encoded(answer: Answer) -> bytes:
    body = json.dumps(answer.body).encode()
    head = {"Content-Type": "application/json", "Content-Length": str(len(body)), **answer.headers}
    lines = [
        f"HTTP/1.1 {answer.status} {'OK' if answer.status < 400 else 'No'}",
        *(f"{n}: {v}" for n, v in head.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _line(answer: Answer) -> Body:
    return {"status": answer.status, **answer.body}


async def main(journal: str, seed: str) -> None:
    with Path(journal).open("a") as lines:
        await Erp(Books(lines, int(seed), time.time)).run()


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

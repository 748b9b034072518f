"""A window onto the real registry in which every subject is one of a test's own, and which can misbehave."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from psfabric.http import Response, fetch


class Window:
    """`writes` are the requests that changed something, as `PUT /config/psf.time.TimeApproved`.

    `left`: how many of these are still let through before the registry goes away; None for all. `refuses`: status and
    body with which a subject's registrations are answered.
    """

    def __init__(self, registry_url: str) -> None:
        self._real, self._prefix = registry_url, f"test-{uuid.uuid4().hex[:8]}."
        self.url = ""
        self.writes: list[str] = []
        self.left: int | None = None
        self.refuses: dict[str, tuple[int, dict[str, Any]]] = {}

    def answer(self, method: str, path: str, body: Any) -> Response | None:
        """What the registry says; None when it is away."""
        changes = method == "PUT" or (path.endswith("/versions") and method == "POST")
        if self.left == 0:
            return None
        if changes:
            subject = path.split("/")[2]
            if subject in self.refuses and method == "POST":
                status, said = self.refuses[subject]
                return Response(status, {}, json.dumps(said).encode())
            self.left = None if self.left is None else self.left - 1
            self.writes.append(f"{method} {path}")
        answer = fetch(method, self._real + self._inside(path), json=body)
        return Response(answer.status, {}, self._outside(path, answer.body))

    def _inside(self, path: str) -> str:
        for family in ("/subjects/", "/config/"):
            path = path.replace(family, family + self._prefix)
        return path

    def _outside(self, path: str, body: bytes) -> bytes:
        if path == "/subjects":
            mine = [name for name in json.loads(body) if name.startswith(self._prefix)]
            body = json.dumps(mine).encode()
        return body.replace(self._prefix.encode(), b"")

    def post(self, subject: str, schema: Any, **more: Any) -> int:
        """Register a schema past everybody; its id."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        answer = fetch("POST", f"{self._real}/subjects/{self._prefix}{subject}/versions", json={"schema": text, **more})
        assert answer.status == 200, answer.body
        return int(answer.json()["id"])

    def put_level(self, subject: str, level: str) -> None:
        fetch("PUT", f"{self._real}/config/{self._prefix}{subject}", json={"compatibility": level})

    def get(self, path: str) -> Any:
        answer = self.answer("GET", path, None)
        assert answer is not None
        return answer.json()


@contextmanager
def window(registry_url: str) -> Iterator[Window]:
    made = Window(registry_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: apart, each waits 40 ms for an acknowledgement

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            answer = made.answer(self.command, self.path, body)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: pytest shows what fails."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()

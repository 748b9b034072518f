"""SIGTERM ends a serving process cleanly, after the request in hand."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.intake.conftest import signature

ROOT = Path(__file__).resolve().parents[2]
BODY = b'{"worklog": {"id": "1"}}'
PROGRAM = """
import asyncio, sys
from producers.jira import Jira
from psfabric.intake import app, serve

jira = Jira(name="jira-acme", base_url="https://acme.example", user="x", token="t", secret="a-secret-of-this-test")

async def store(source, raw, notice):
    print("storing", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

asyncio.run(serve(app({"jira-acme": jira}, store), "127.0.0.1", 0, started=lambda port: print(port, flush=True)))
print("ended", flush=True)
"""


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_finishes_the_request_in_hand_and_exits_with_0(name: signal.Signals) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, cwd=ROOT, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            port = int(await process.stdout.readline())
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            signed = "".join(f"{key}: {value}\r\n" for key, value in signature(BODY).items())
            head = f"POST /in/jira-acme HTTP/1.1\r\nhost: x\r\n{signed}content-length: {len(BODY)}\r\n\r\n"
            writer.write(head.encode() + BODY)
            assert await process.stdout.readline() == b"storing\n"
            process.send_signal(name)
            process.stdin.write(b"acknowledged\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 202")
            writer.close()
            assert await process.stdout.readline() == b"ended\n"
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

"""The demo notices a part that ends by itself, whatever it is doing at the moment."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.watch import EVERY, Watch
from deploy.local import PartFailed, Stack
from tests.deploy.fakes import Web, stack


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path, Web()) as started:
        yield started


def killed(web: Stack) -> None:
    process = web.folder.process("web")
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


def reading() -> None:
    """A read that nothing answers."""
    here, _there = socket.socketpair()
    here.settimeout(60)
    here.recv(1)


def in_a_loop() -> None:
    asyncio.run(asyncio.sleep(60))


def _busy_while_it_is_killed(web: Stack, busy: Callable[[], None]) -> None:
    with Watch(web, set):
        killed(web)
        busy()


@pytest.mark.parametrize("busy", [reading, in_a_loop])
def test_a_part_that_dies_is_named_at_once(web: Stack, busy: Callable[[], None]) -> None:
    begun = time.monotonic()
    with pytest.raises(PartFailed, match=r"web was killed by SIGKILL during the demo") as failed:
        _busy_while_it_is_killed(web, busy)
    assert time.monotonic() - begun < 30
    assert "serving" in failed.value.tail
    assert "want of memory" in failed.value.todo


def test_a_part_that_is_taken_away_or_restarted_is_not_dead(web: Stack) -> None:
    with Watch(web, set):
        web.restart("web")
        web.kill("web")
        web.start("web")
    with Watch(web, lambda: {"web"}):
        killed(web)
        time.sleep(EVERY * 4)  # how long it takes to be noticed when it is not meant to be away


def test_the_signal_is_given_back(web: Stack) -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with Watch(web, set):
        pass
    assert signal.getsignal(signal.SIGUSR1) is before

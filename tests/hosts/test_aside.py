"""Blocking acts beside the loop: in order, and of no weight for the end of the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from functools import partial

import pytest

from psfabric.hosts import aside
from psfabric.hosts.aside import Aside
from tests.hosts.fakes import until


async def test_acts_run_one_after_the_other_also_those_that_nobody_waits_for() -> None:
    beside, gate, done = Aside("test"), threading.Event(), list[int]()
    first = asyncio.ensure_future(beside(gate.wait))
    rest = [asyncio.ensure_future(beside(partial(done.append, n))) for n in range(5)]
    await asyncio.sleep(0)
    first.cancel()
    rest[2].cancel()
    assert done == []
    gate.set()
    await asyncio.gather(*rest, return_exceptions=True)
    assert done == [0, 1, 2, 3, 4]


async def test_what_an_act_raises_is_raised_where_it_is_waited_for() -> None:
    beside = Aside("test")
    with pytest.raises(ZeroDivisionError):
        await beside(lambda: 1 // 0)
    assert await beside(lambda: 7) == 7


async def test_its_thread_ends_when_it_has_nothing_to_do_and_another_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "IDLE", 0.01)
    beside = Aside("test")
    one = await beside(threading.current_thread)
    await until(lambda: not one.is_alive())
    assert await beside(threading.current_thread) is not one


def test_an_act_that_never_returns_does_not_hold_the_process() -> None:
    program = """
        import asyncio, threading
        from psfabric.hosts.aside import Aside

        async def main():
            try:
                async with asyncio.timeout(0.1):
                    await Aside("hangs")(threading.Event().wait)
            except TimeoutError:
                print("left")

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (0, "left\n"), done.stderr

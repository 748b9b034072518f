"""Cycles are looked for seldom while records move, and as ever afterwards."""

from __future__ import annotations

import gc
import weakref

from psfabric.hosts.collecting import SELDOM, seldom_collected


class Knot:
    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_before_is_not_looked_through_again() -> None:
    with seldom_collected():
        assert gc.get_freeze_count() > 1000
        assert gc.get_threshold()[0] == SELDOM


def test_a_cycle_made_meanwhile_is_still_freed() -> None:
    with seldom_collected():
        seen = weakref.ref(Knot())
        _ = [[] for _ in range(2 * SELDOM)]
        assert seen() is None


def test_afterwards_all_is_as_before_however_hosts_overlap() -> None:
    before = gc.get_threshold()
    first, second = seldom_collected(), seldom_collected()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0

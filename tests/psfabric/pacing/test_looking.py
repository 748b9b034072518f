"""Looking at a breaker from outside: as its workers say it, and nothing where nobody says anything."""

from __future__ import annotations

import redis

from psfabric.pacing.looking import breakers
from tests.psfabric.pacing.worker import ANSWERS, DOES_NOT_ANSWER, Worker, until, working
from tests.psfabric.reference.server import Server


def test_a_breaker_is_open_when_its_workers_say_so(empty: Server) -> None:
    away = [False]
    worker = Worker(empty.url, "w0", answers=lambda: DOES_NOT_ANSWER if away[0] else ANSWERS)
    component = worker.pace.component
    with working(worker):
        worker.work(5)
        until(lambda: breakers(empty.url, [component, "nobody"]) == {component: False})
        away[0] = True
        worker.work()
        until(lambda: breakers(empty.url, [component, "nobody"]) == {component: True})


def test_a_word_of_long_ago_says_nothing(empty: Server) -> None:
    client = redis.Redis.from_url(empty.url)
    now = client.time()[0] * 1000
    for component, seen in (("old", now - 10_000), ("new", now), ("none", None)):
        client.hset(f"psf:pace:{{{component}}}", "failures", "9")
        if seen is not None:
            client.hset(f"psf:pace:{{{component}}}", "seen", str(seen))
    client.close()
    assert breakers(empty.url, ["old", "new", "none", "absent"]) == {"new": True}


def test_without_redis_nothing_is_known() -> None:
    assert breakers("redis://127.0.0.1:1/0", ["a"]) == {}

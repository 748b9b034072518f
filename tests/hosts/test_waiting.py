"""Why a component waits is said, and not for every record."""

from __future__ import annotations

from structlog.testing import capture_logs

from psfabric.hosts.waiting import SAY_EVERY, Waiting
from psfabric.outcomes import Delivered, Rejected, Retry, Unknown


def test_the_reason_of_a_retry_is_said_now_and_then() -> None:
    now = [100.0]
    waiting = Waiting("tryton-uk", clock=lambda: now[0])
    with capture_logs() as lines:
        for outcome in (Delivered("1"), Rejected("bug", "no"), Retry("wrong password"), Retry("wrong password")):
            waiting.told(outcome)
        now[0] += SAY_EVERY
        waiting.told(Unknown("no answer"))
    assert [(line["component"], line["why"]) for line in lines] == [
        ("tryton-uk", "wrong password"),
        ("tryton-uk", "no answer"),
    ]

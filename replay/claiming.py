"""Who may apply a plan: nobody while another one does, while it is paused, or after it was cancelled."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from replay import alive
from replay.acts import Operator
from replay.applying import FAILED, Sortable, Terms, canary
from replay.errors import Declined, Interrupted
from replay.progress import DONE, RUNNING, STOPPED, Order, Progress, Replay
from replay.watching import Watch

CLAIMS_WITHIN = 10.0
"""Seconds in which somebody who fenced another one has said who it is."""

HOW = "psfabric replay status, pause and cancel are for everybody"


def refuse(found: Replay) -> Replay:
    """Raises Declined for a plan that was cancelled, Interrupted for a paused one; one that is done is neither."""
    sent, total = (found.progress.sent, found.progress.total) if found.progress is not None else (0, 0)
    if found.progress is not None and found.progress.status == DONE:
        return found
    if found.cancel is not None:
        raise Declined(
            f"{_said('cancelled', found.cancel)}: {sent} of {total} records were sent, the others never will be; "
            "plan again what is still open"
        )
    if found.order is not None and found.paused:
        raise Interrupted(
            f"{_said('paused', found.order)}: {sent} of {total} records were sent; "
            f"psfabric replay resume {found.plan[:16]}, then apply again"
        )
    return found


def expect_nobody(
    watch: Watch, now: Callable[[], datetime], clock: Callable[[], float], tell: Callable[[str], None]
) -> None:
    """Raises Declined while somebody applies the plan; looks for a while where that is not sure (see `alive`)."""
    found = watch.progress
    if found is None or found.status == DONE:
        return
    lives = alive.alive(found, now())
    until = clock() + alive.WATCHED
    while lives is None and clock() < until:
        tell(f"{alive.said(found, now())}: looking for {max(0.0, until - clock()):.0f} s whether it still does")
        watch.look(0.5)
        lives = _moved(found, watch.progress)
    if lives and watch.progress is not None:
        raise Declined(f"{alive.said(watch.progress, now())}; nothing was sent from here. {HOW}")


def taken_over(
    watch: Watch, known: Collection[str], clock: Callable[[], float], now: Callable[[], datetime]
) -> Declined | Interrupted:
    """What to raise when the broker accepts nothing more of ours: Declined naming who began after us, Interrupted when
    nobody did (the broker gave up a transaction of a process that stood still). `known`: our run, and that before."""
    until = clock() + CLAIMS_WITHIN
    while clock() < until and (watch.progress is None or watch.progress.run in known):
        watch.look(0.2)
    found = watch.progress
    if found is None or found.run in known:
        return Interrupted(
            "the broker gave up a transaction of this replay, and nobody else applies it: apply it again"
        )
    how = f"{found.sent} of {found.total} records were sent so far"
    if not found.run:
        return Declined(f"{found.who} applied it after this one, which sends nothing more; {how}")
    return Declined(f"{alive.said(found, now())}: it began after this one, which sends nothing more; {how}. {HOW}")


def _moved(before: Progress, after: Progress | None) -> bool | None:
    """Whether a further sign came; False when the one who gave it has let go, None when nothing was heard."""
    if after is None or not after.run:
        return False
    return True if (after.run, after.updated_at) != (before.run, before.updated_at) else None


def claimed(
    found: Progress | None,
    plan: str,
    entries: Sequence[Sortable],
    operator: Operator,
    terms: Terms,
    receipts_from: Mapping[str, int],
    at: str,
) -> Progress:
    """The progress with which this process takes the plan over, or begins it. What stopped because too many failed
    goes on with another canary; one that was not answered is waited for again, unless the terms have none."""
    total = len(entries)
    if found is None:
        first = canary(entries, terms.canary)
        found = Progress(plan, 0, total, RUNNING, "", at, at, receipts_from, first=first, gate=len(first))
    elif not terms.canary or (found.status == STOPPED and found.cause == FAILED):
        found = replace(found, mark=found.sent, gate=min(total, found.sent + terms.canary))
    return replace(
        found,
        status=RUNNING,
        who=operator.who,
        where=operator.where,
        who_is=operator.who_is,
        os_user=operator.os_user,
        reason=operator.reason,
        run=secrets.token_hex(8),
        process=alive.this_process(),
        since=at,
        updated_at=at,
        cause="",
        why="",
        told=False,
    )


def _said(what: str, order: Order) -> str:
    return f"{order.who} {what} this replay at {order.at[:19]} ({order.reason})"

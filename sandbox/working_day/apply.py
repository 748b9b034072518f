"""Play a working day into a running sandbox, phase by phase."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.control import Control
from sandbox.working_day.contracts import approve, release
from sandbox.working_day.model import Batch, WorkingDay

PHASES = ("contracts", "work", "milestones", "month_end")
ARRIVAL = 120.0
"""Seconds that webhooks may take to reach intake, which may be restarting."""


def apply_contracts(day: WorkingDay, control: Control) -> None:
    """People, projects and issues appear in Jira, opportunities in Salesforce; the early ones are won."""
    control.act(action.wire() for action in day.setup)
    control.write(write.wire() for write in day.opening)


def apply_work(day: WorkingDay, control: Control, between: Callable[[int, int], None] | None = None) -> None:
    """The month, week by week. `between(done, all)` is called after each week, for whoever wants to disturb."""
    for done, batch in enumerate(day.work, 1):
        apply_batch(batch, control)
        if between:
            between(done, len(day.work))


def apply_batch(batch: Batch, control: Control) -> None:
    """One week. Contracts are won, and held notices released, only when intake has the rest: surely late."""
    control.act(action.wire() for action in batch.actions)
    for raw in batch.raws:
        control.deliver_raw(raw.body, raw.signature)
    if batch.writes or batch.releases:
        control.settle(ARRIVAL)
    control.write(write.wire() for write in batch.writes)
    control.release(batch.releases)


def apply_milestones(day: WorkingDay, control: Control) -> None:
    """The milestones of the month are approved."""
    control.write(write.wire() for milestone in day.milestones for write in approve(milestone))


def apply_month_end(day: WorkingDay, control: Control) -> None:
    """The billing events of the month are drafted and released."""
    control.write(write.wire() for event in day.billing_events for write in release(event))


def apply(day: WorkingDay, phase: str, control: Control) -> None:
    """One phase by its name. Raises KeyError for a name that is not in PHASES."""
    acts = {
        "contracts": apply_contracts,
        "work": apply_work,
        "milestones": apply_milestones,
        "month_end": apply_month_end,
    }
    acts[phase](day, control)

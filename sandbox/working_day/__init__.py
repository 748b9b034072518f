"""The working day: one invented month of a firm, the same for the same seed, and how to play it into the sandbox.

day = working_day(7)
with Control(jira_url, salesforce_url) as control:
    for phase in PHASES:          # contracts, work, milestones, month_end
        apply(day, phase, control)
day.expected()                    # what the sources then truly hold
"""

from sandbox.working_day.apply import (
    PHASES,
    apply,
    apply_batch,
    apply_contracts,
    apply_milestones,
    apply_month_end,
    apply_work,
)
from sandbox.working_day.expected import Truth
from sandbox.working_day.firm import PEOPLE, UNKNOWN
from sandbox.working_day.generate import working_day
from sandbox.working_day.model import (
    Action,
    Batch,
    BillingEvent,
    Client,
    Contract,
    Emit,
    Milestone,
    Person,
    Rate,
    RawHook,
    WorkingDay,
    Write,
)

__all__ = [
    "PEOPLE",
    "PHASES",
    "UNKNOWN",
    "Action",
    "Batch",
    "BillingEvent",
    "Client",
    "Contract",
    "Emit",
    "Milestone",
    "Person",
    "Rate",
    "RawHook",
    "Truth",
    "WorkingDay",
    "Write",
    "apply",
    "apply_batch",
    "apply_contracts",
    "apply_milestones",
    "apply_month_end",
    "apply_work",
    "working_day",
]

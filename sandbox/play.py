"""`python -m sandbox play`: an invented month, played by hand into the vendors and the ERP of a running stack.

Addresses and passwords come from the environment, else from the endpoints file that `make up` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from sandbox.control import Control, ControlError
from sandbox.tryton_admin import TrytonAdmin, TrytonRefused
from sandbox.working_day import PHASES, WorkingDay, apply, working_day

ENDPOINTS = Path(".local/up/endpoints.env")
VENDORS = ("PSF_JIRA_URL", "PSF_SALESFORCE_URL", "PSF_INTAKE_URL")
ERP = ("PSF_TRYTON_URL", "PSF_TRYTON_DATABASE", "PSF_TRYTON_USER", "PSF_TRYTON_PASSWORD")
ACTS = ("people", *PHASES, "missing_person")
"""In the order of the month; `missing_person` is the one whom the ERP does not know at first."""

FIRST = ("people", "contracts", "work")
"""What is played when no act is named: up to the refused worklogs."""


class NotPlayed(Exception):
    """Why it could not be played, and what to do."""


def play(env: Mapping[str, str], seed: int, acts: Sequence[str], tell: Callable[[str], None]) -> None:
    """The acts, in order. Raises NotPlayed."""
    known = endpoints(env)
    day = working_day(seed)
    try:
        with Control(known["PSF_JIRA_URL"], known["PSF_SALESFORCE_URL"]) as control:
            control.set_intake(known["PSF_INTAKE_URL"])
            for act in acts:
                tell(_SAID[act])
                _act(day, act, control, known)
    except (ControlError, TrytonRefused) as why:
        raise NotPlayed(f"{why} (was it played before? The sandbox forgets with: make restart PART=sandbox)") from None
    except (httpx.HTTPError, OSError) as why:
        raise NotPlayed(f"the stack does not answer: {why}; see `make status`") from None


def endpoints(env: Mapping[str, str]) -> dict[str, str]:
    """The endpoints file's lines, overridden by the environment. Raises NotPlayed naming what is missing."""
    path = Path(env.get("PSF_ENDPOINTS", ENDPOINTS))
    lines = path.read_text().splitlines() if path.is_file() else []
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    known = {name: value for name, _, value in pairs} | dict(env)
    missing = [name for name in (*VENDORS, *ERP) if not known.get(name)]
    if missing:
        raise NotPlayed(f"{', '.join(missing)} not set: run `make up` first")
    return known


def _act(day: WorkingDay, act: str, control: Control, known: Mapping[str, str]) -> None:
    if act in PHASES:
        apply(day, act, control)
        return
    admin = TrytonAdmin(*(known[name] for name in ERP))
    for person in day.people:
        if person.known is (act == "people"):
            for company in person.legal_entities:
                admin.onboard(company, person.account_id, person.name)


_SAID = {
    "people": "people are on-boarded in the ERP, all but one",
    "contracts": "two opportunities are won, two are still negotiated",
    "work": "a month of work is logged",
    "milestones": "milestones are accepted",
    "month_end": "the month ends, billing is released",
    "missing_person": "the missing person is on-boarded in the ERP",
}

"""Plays the working day against a running local stack, with what goes wrong on purpose, and takes the statement.

Every wait has a deadline, and while waiting the parts are watched: one that died on its own is named at once.
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from cli.installation import Installation, quiet
from cli.statement import take
from cli.watch import Watch
from deploy.local import LocalError, Stack
from psfabric import pipelines as pipeline_files
from psfabric.errors import FabricError
from psfabric.settings import settings
from recon import Statement
from replay import (
    HOME,
    DeadLetter,
    Operator,
    Selection,
    apply,
    dead_letters,
    held,
    make_plan,
    open_dead_letters,
    read_plan,
    write_plan,
)
from replay import verify as verified
from replay.operations import claimed_user
from sandbox.control import Control, ControlError
from sandbox.tryton_admin import TrytonAdmin
from sandbox.working_day import apply_contracts, apply_milestones, apply_month_end, apply_work, working_day

FABRIC = ("intake", "process", "deliver")
OUTAGE = 10.0
"""Seconds that the ERP is away in the middle of the month."""

SETTLE_WITHIN = 240.0
LOOK_EVERY = 0.3
CALM = 3
"""Looks in a row that must find nothing on its way."""

Tell = Callable[[str], None]


@dataclass
class Told:
    """What the demo found out."""

    seed: int
    statement: Statement
    dead_letters: list[dict[str, str | int]]
    replayed: int
    changed_by_second_run: list[str]
    killed: int
    seconds: float = 0.0
    seconds_starting: float = 0.0

    @property
    def good(self) -> bool:
        return self.statement.balanced and not self.changed_by_second_run


class DemoFailed(LocalError):
    """The day did not go as it must."""

    exit_code = 1


@dataclass
class Chaos:
    """A thread that kills a random fabric process every few seconds and starts it again."""

    stack: Stack
    seed: int
    killed: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    failure: Exception | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        rng = random.Random(f"chaos {self.seed}")
        while not self._stop.wait(rng.uniform(2.0, 6.0)):
            victim = rng.choice(FABRIC)
            try:
                self.stack.kill(victim)
                self.stack.start(victim)
            except LocalError as error:
                self.failure = error
                return
            self.killed += 1


class Rehearsal:
    def __init__(self, stack: Stack, seed: int, chaos: bool, tell: Tell) -> None:
        self._stack, self._tell = stack, tell
        self._day = working_day(seed)
        self._known = dict(stack.endpoints)
        self._where = _installation(stack)
        self._chaos = Chaos(stack, seed) if chaos else None
        self._killed = 0
        self._back: threading.Thread | None = None
        self._over = threading.Event()
        self._stays_away: LocalError | None = None
        """Why the ERP did not come back."""
        self._on_purpose: set[str] = set()
        """Parts that are away because the demo took them away."""

    def play(self) -> Told:
        """The whole day. Raises LocalError with a sentence when a part died or the fabric did not settle."""
        try:
            with (
                Watch(self._stack, self._away),
                Control(self._known["PSF_JIRA_URL"], self._known["PSF_SALESFORCE_URL"]) as control,
            ):
                return self._play(control)
        except (httpx.HTTPError, ControlError, FabricError, OSError) as error:
            self._name_the_dead()
            raise DemoFailed(f"The demo could not go on: {error}", f"Logs: {self._logs()}") from error
        finally:
            self._over.set()
            if self._chaos is not None:
                self._chaos.stop()
            self._await_erp()

    def _play(self, control: Control) -> Told:
        control.set_intake(self._known["PSF_INTAKE_URL"])
        self._tell("people are on-boarded in the ERP, all but one")
        self._onboard(known=True)
        if self._chaos is not None:
            self._chaos.start()
        self._tell("two opportunities are won, two are still negotiated")
        apply_contracts(self._day, control)
        self._tell("a month of work is logged; some of it before its project exists")
        apply_work(self._day, control, self._disturb)
        control.settle(SETTLE_WITHIN)
        self._settled("the month's work", behind_dead_letters=True)
        self._refused_at_the_door(control)
        replayed = self._bring_home()
        self._tell("milestones are accepted, the month ends, invoices are made")
        apply_milestones(self._day, control)
        apply_month_end(self._day, control)
        self._invoiced(control)
        if self._chaos is not None:
            self._chaos.stop()
            self._killed += self._chaos.killed
        self._settled("billing")
        self._tell("the statement is taken from the sources and the ERP")
        first, documents = take(self._where), self._documents()
        changed = self._once_more(control, first, documents)
        return Told(self._day.seed, first, self._dead_letters(), replayed, changed, self._killed)

    # ------------------------------------------------------------------ what goes wrong on purpose

    def _disturb(self, week: int, weeks: int) -> None:
        """Between two weeks: the ERP goes away for ten seconds, then a fabric process is killed."""
        if week == 2:
            self._tell(f"the ERP is stopped for {OUTAGE:.0f} s")
            self._on_purpose.add("tryton")
            self._stack.stop("tryton")
            self._back = threading.Thread(target=self._erp_returns, daemon=True)
            self._back.start()
        elif week == 3 and self._chaos is None:
            self._tell("the fabric process `deliver` is killed (SIGKILL) and started again")
            self._on_purpose.add("deliver")
            self._stack.kill("deliver")
            self._stack.start("deliver")
            self._on_purpose.discard("deliver")
            self._killed += 1
        elif week == weeks:
            self._await_erp()

    def _await_erp(self) -> None:
        if self._back is not None:
            self._back.join(OUTAGE + 60.0)

    def _erp_returns(self) -> None:
        if self._over.wait(OUTAGE):
            return
        try:
            self._stack.start("tryton")
        except LocalError as error:
            self._stays_away = error
            return
        self._on_purpose.discard("tryton")
        self._tell("the ERP is back")

    def _refused_at_the_door(self, control: Control) -> None:
        forged = [d for d in control.deliveries("refused") if d["answer"] == 401]
        wanted = sum(1 for batch in self._day.work for raw in batch.raws if raw.signature == "forged")
        self._tell(f"{len(forged)} webhook with a forged signature was refused with 401")
        if len(forged) != wanted:
            raise DemoFailed(f"{wanted} forged webhooks were sent, {len(forged)} refused with 401.", self._logs())

    def _bring_home(self) -> int:
        """Dead letters, then the missing person is on-boarded, then plan, apply, verify: as the commands do it."""
        chosen = Selection(code=("resource-unknown",))
        refused = open_dead_letters(self._where.kafka, self._where.components(), chosen)
        self._tell(
            f"{len(refused)} records of {self._day.unknown.name} were refused: the ERP does not know this person"
        )
        if not refused:
            raise DemoFailed("No worklog of the unknown person was refused.", self._logs())
        self._onboard(known=False)
        where, now = self._where, datetime.now(UTC)
        plan = make_plan(where.kafka, where.codec, refused, chosen, where.sinks, who=claimed_user(), now=now)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "replay.json"
            write_plan(plan, path)
            plan = read_plan(path)
        sent = apply(where.kafka, plan, Operator("person on-boarded"))
        found = verified(where.kafka, where.codec, plan, deadline=time.monotonic() + SETTLE_WITHIN)
        counts = ", ".join(f"{count} {answer}" for answer, count in found.counts.items() if count)
        self._tell(f"the person is on-boarded, {sent.sent} records replayed: {counts}")
        astray = [id for id, answer in found.answers.items() if answer not in HOME]
        if astray:
            raise DemoFailed(f"{len(astray)} replayed records did not come home, e.g. {astray[0]}.", self._logs())
        return sent.sent

    # ------------------------------------------------------------------ waiting

    def _settled(self, what: str, *, behind_dead_letters: bool = False) -> None:
        """Wait until nothing is on its way: no lag, nothing held, several looks in a row.

        `behind_dead_letters`: what waits behind a dead letter of its key may stay; it follows when that is replayed.
        """
        calm = 0

        def settled() -> bool:
            nonlocal calm
            calm = calm + 1 if self._on_its_way(behind_dead_letters) == 0 else 0
            return calm >= CALM

        self._until(settled, f"{what} did not settle", lambda: f"{self._on_its_way()} records are still on their way")

    def _on_its_way(self, behind_dead_letters: bool = False) -> int:
        where = self._where
        names = list(where.components())
        lags = where.admin.lag({name: (*where.inputs[name], f"redo.{name}") for name in names})
        behind = sum(lag.behind for of in lags.values() for lag in of)
        waiting = held(where.kafka, names)
        return behind or sum(1 for each in waiting if not (behind_dead_letters and each.until.startswith("earlier:")))

    def _invoiced(self, control: Control) -> None:
        wanted = len(self._day.billing_events) + sum(1 for m in self._day.milestones if m.approved_at)

        def shown() -> int:
            return sum(1 for row in control.records("PSF_Invoice__c") if row.get("Status__c"))

        def progress() -> str:
            return f"{shown()} of {wanted} invoices are shown in Salesforce"

        self._until(lambda: shown() >= wanted, "billing did not finish", progress)
        self._tell(f"{wanted} invoices are posted in the ERP and shown in Salesforce")

    def _until(self, done: Callable[[], bool], failed: str, progress: Callable[[], str]) -> None:
        deadline = time.monotonic() + SETTLE_WITHIN
        while True:
            try:
                if done():
                    return
            except (FabricError, httpx.HTTPError):
                self._name_the_dead()
                raise
            self._name_the_dead()
            if time.monotonic() > deadline:
                dead = Counter(letter.code for letter in self._open_dead())
                raise DemoFailed(f"{failed} in {SETTLE_WITHIN:.0f} s: {progress()}; dead {dict(dead)}.", self._logs())
            time.sleep(LOOK_EVERY)

    def _name_the_dead(self) -> None:
        """Raise PartFailed for a part that ended without being asked to."""
        if self._chaos is not None and self._chaos.failure is not None:
            raise self._chaos.failure
        if self._stays_away is not None:
            raise self._stays_away
        for part in set(self._stack.died()) - self._away():
            raise self._stack.death(part, "during the demo")

    def _away(self) -> set[str]:
        return self._on_purpose | (set(FABRIC) if self._chaos is not None else set())

    def _logs(self) -> str:
        return f"Look in {os.path.relpath(self._stack.log('kafka').parent)}/; the next run starts from the beginning."

    # ------------------------------------------------------------------ looking

    def _once_more(self, control: Control, first: Statement, documents: dict[str, dict[str, int]]) -> list[str]:
        """Every webhook is delivered again, every change event repeated; nothing may change."""
        self._tell("the whole day is replayed once more: every webhook, every change event")
        before = self._received()
        gaps = 0
        for sobject in ("Opportunity", "pse__Milestone__c", "pse__Billing_Event__c"):
            for record in control.records(sobject):
                control.gap(sobject, record["Id"])
                gaps += 1
        again = control.redeliver()
        control.settle(SETTLE_WITHIN)
        wanted = before + gaps
        self._until(
            lambda: self._received() >= wanted, "the repeated change events did not arrive", lambda: f"{again} webhooks"
        )
        self._settled("the second run")
        second, after = take(self._where), self._documents()
        changed = [f"{entity}: {documents[entity]} became {after[entity]}" for entity in documents
                   if documents[entity] != after[entity]]  # fmt: skip
        if second != first:
            changed.append("the statement")
        return changed

    def _received(self) -> int:
        """Change events stored so far."""
        return sum(self._where.admin.end_offsets(["raw.salesforce-acme"]).values())

    def _onboard(self, *, known: bool) -> None:
        admin = self._erp()
        for person in self._day.people:
            if person.known is known:
                for company in person.legal_entities:
                    admin.onboard(company, person.account_id, person.name)

    def _erp(self) -> TrytonAdmin:
        names = ("PSF_TRYTON_URL", "PSF_TRYTON_DATABASE", "PSF_TRYTON_USER", "PSF_TRYTON_PASSWORD")
        return TrytonAdmin(*(self._known[name] for name in names))

    def _documents(self) -> dict[str, dict[str, int]]:
        admin = self._erp()
        return {entity: admin.documents(entity) for entity in sorted({c.legal_entity for c in self._day.contracts})}

    def _open_dead(self) -> list[DeadLetter]:
        return open_dead_letters(self._where.kafka, self._where.components())

    def _dead_letters(self) -> list[dict[str, str | int]]:
        letters = dead_letters(self._where.kafka, self._where.components())
        counts = Counter((letter.component, letter.code, letter.state) for letter in letters)
        return [
            {"component": component, "code": code, "state": state, "count": count}
            for (component, code, state), count in sorted(counts.items())
        ]


def _installation(stack: Stack) -> Installation:
    quiet()
    where = settings({**os.environ, **stack.endpoints})
    if not where.pipelines.is_absolute():
        where = where.model_copy(update={"pipelines": Path(__file__).resolve().parent.parent / where.pipelines})
    return Installation(where, pipeline_files.load(where.pipelines, where.values))

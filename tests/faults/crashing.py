"""The campaign of crash points: which are reached, and what a death at each of them leaves behind."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.faults import points
from tests.faults.books import Fault
from tests.faults.fabric import Fabric
from tests.faults.processes import ROOT, Worker
from tests.faults.rows.row28 import poison
from tests.waiting import eventually

LONGEST, LONGEST_DEALING = 3.0, 12.0
"""Seconds that a process lives without reaching its point before it is asked to stop, which is a road of its own. While
partitions are dealt anew it has longer: that takes a heartbeat of each member."""

STAYS = 2.0
"""Seconds that a visitor stays, and stays away."""


class Visitor:
    """A process that joins the groups of a role and leaves them, again and again: partitions are dealt anew."""

    def __init__(self, fabric: Fabric, role: str) -> None:
        self._worker, self._turned = fabric.visitor(role), 0.0

    def turn(self) -> None:
        now = time.time()
        if now - self._turned < STAYS:
            return
        self._turned = now
        if self._worker.alive:
            self._worker.signal(signal.SIGTERM)
        else:
            self._worker.start()

    def leave(self) -> None:
        if self._worker.alive:
            self._worker.end(signal.SIGTERM)


@dataclass
class Campaign:
    """Each point with the role whose process reaches it and how often it was.

    `dealing`: those that are reached only while partitions are dealt anew; then `visitors` come and go.
    """

    reached: dict[str, tuple[str, int]] = field(default_factory=dict)
    dealing: set[str] = field(default_factory=set)
    visitors: dict[str, Visitor] = field(default_factory=dict)
    died: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    @property
    def never(self) -> list[str]:
        return [name for name in points.listed(ROOT) if name not in self.reached]


def explore(fabric: Fabric, campaign: Campaign, seconds: float, *, dealing: bool = True) -> None:
    """Note which points are reached on good roads and bad ones; each is gone until none is new for `seconds`.

    Those of `dealing` partitions anew, which takes its time, may be left out.
    """
    notes = {worker.role.role: fabric.folder / f"{worker.role.role}.points" for worker in fabric.workers}
    for worker in fabric.workers:
        worker.kept = False
        worker.end(signal.SIGKILL)
        worker.role = worker.role.model_copy(update={"points": str(notes[worker.role.role])})
        worker.kept = True
    (sink, *_) = fabric.sinks
    before = _posted(fabric)
    with fabric.load(30):
        eventually(lambda: all(path.exists() for path in notes.values()), 20, "processes note their points")
        eventually(lambda: _posted(fabric) > before, 60, "processes work")
        fabric.erp.rules(sink, faults=(Fault(kind="reset", share=0.2), Fault(kind="unavailable", share=0.2)))
        fabric.store(list(islice(poison(fabric, 0), 4)))
        unheard = fabric.say_too_early()
        _nothing_new(notes.values(), seconds)
        fabric.erp.rules(sink, faults=(), locked=fabric.setting.months)
        _nothing_new(notes.values(), seconds)
        fabric.erp.rules(sink, locked=())
        fabric.store_projects([unheard])
        _nothing_new(notes.values(), seconds)
        for worker in fabric.workers:  # the supervisor starts it anew
            worker.end(signal.SIGTERM)
        _nothing_new(notes.values(), seconds)
        _note_reached(campaign, notes)
        if dealing:
            alone = set(campaign.reached)
            campaign.visitors = {role: Visitor(fabric, role) for role in notes}
            _nothing_new(notes.values(), max(seconds, 3 * STAYS), campaign.visitors.values())
            for visitor in campaign.visitors.values():
                visitor.leave()
            _note_reached(campaign, notes)
            campaign.dealing = campaign.reached.keys() - alone
    for worker in fabric.workers:
        worker.role = worker.role.model_copy(update={"points": ""})


def _posted(fabric: Fabric) -> int:
    fabric.journal.read()
    return len(fabric.journal.acts("commit"))


def _note_reached(campaign: Campaign, notes: Mapping[str, Path]) -> None:
    for role, path in notes.items():
        for name, count in points.reached(path).items():
            campaign.reached.setdefault(name, (role, count))


def _nothing_new(notes: Iterable[Path], seconds: float, visitors: Iterable[Visitor] = ()) -> None:
    known, since = 0, time.monotonic()
    deadline = since + seconds + 20.0
    while time.monotonic() < min(deadline, since + seconds):
        for visitor in visitors:
            visitor.turn()
        found = sum(len(points.reached(path)) for path in notes)
        if found != known:
            known, since = found, time.monotonic()
        time.sleep(0.05)


def crash(fabric: Fabric, campaign: Campaign, names: Iterable[str]) -> None:
    """Let the process of each role die at its points, one life after the other, under load."""
    plans: dict[str, deque[str]] = {"process": deque(), "deliver": deque()}
    for name in sorted(names, key=campaign.dealing.__contains__):
        plans[campaign.reached[name][0]].append(name)
    workers = [worker for worker in fabric.workers if worker.kept]
    with fabric.load(30):
        while any(plans.values()) or any(worker.role.point for worker in workers):
            for worker in workers:
                _live(fabric, campaign, worker, plans[worker.role.role])
            time.sleep(0.05)
        for visitor in campaign.visitors.values():
            visitor.leave()
    for worker in workers:
        worker.kept = True


def _live(fabric: Fabric, campaign: Campaign, worker: Worker, plan: deque[str]) -> None:
    """Look at one process: has it died at its point, does it have to be asked to stop, is it time for the next life?"""
    point, lived = worker.role.point, time.time() - worker.started
    if worker.alive and point:
        if point in campaign.dealing:
            campaign.visitors[worker.role.role].turn()
        if lived > _longest(campaign, point) * 2:
            worker.end(signal.SIGKILL)
        elif lived > _longest(campaign, point):
            worker.signal(signal.SIGTERM)
        return
    if worker.alive and not plan:
        return
    worker.kept = False
    if worker.alive:
        worker.end(signal.SIGKILL)
    if point:
        _note(fabric, campaign, worker, point)
    point = plan.popleft() if plan else ""
    often = fabric.rng.randint(1, max(1, min(10, campaign.reached[point][1]))) if point else 1
    worker.role = worker.role.model_copy(update={"point": point, "reached": often})
    worker.start()
    worker.kept = not point


def _longest(campaign: Campaign, point: str) -> float:
    return LONGEST_DEALING if point in campaign.dealing else LONGEST


def _note(fabric: Fabric, campaign: Campaign, worker: Worker, point: str) -> None:
    ended = worker.nursery.ended(worker.pid)
    if ended == -signal.SIGKILL and time.time() - worker.started < _longest(campaign, point) * 2:
        with fabric.fault(point):
            campaign.died[point] = campaign.died.get(point, 0) + 1
    else:
        campaign.missed.append(point)

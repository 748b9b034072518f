"""The fabric's own processes, as the harness starts them: `cli.run` with pipelines of test adapters.

    python -m tests.faults.child [--points]

is a nursery. Everything is imported once; each line on standard input (a `Role` as JSON) then becomes a forked process
that runs the shipped composition, so that a thousand restarts cost a thousand times 20 ms and not two seconds. It
answers `{"pid": …}`, and `{"pid": …, "ended": …}` when that process has ended. With `--points` the modules between
poll and commit are loaded with named points in them (see `points`). It ends, and all of its processes with it, when
its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib
import inspect
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from cli import logs
from tests.faults import points

IMPORTED = (
    "cli.run",
    "psfabric.hosts.faust",
    "tests.faults.adapters",
    "tests.faults.plants",
    "processors.approve_time",
)

PR_SET_PDEATHSIG = 1

OWN = ("TimeSubmitted", "TimeApproved", "TimeRejected", "TimeRemoved")
"""Models whose events have a topic of their own in each run."""

TIMEOUT = 2.0
"""Seconds that one request may take."""


class Role(BaseModel):
    """One process. `role`: `process` or `deliver`. `slot` "" means dynamic membership. `mapping`: settings of both
    sources.

    `sinks`: name -> flavour. `scaled`: `module:attribute` -> value, for time constants. `plant`: the bug to plant.
    `news_late`: see `hear_late`.
    `point` and `reached`: end by SIGKILL when that point is reached that many times; `points`: note what is reached.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str
    run: str
    slot: str
    log: str
    env: Mapping[str, str]
    erp: str
    sinks: Mapping[str, str]
    mapping: Mapping[str, Any] = {}
    declared: Mapping[str, Mapping[str, Any]] = {}
    scaled: Mapping[str, Any] = {}
    news_late: float = 0.0
    plant: str = ""
    point: str = ""
    reached: int = 1
    points: str = ""


def pipelines(role: Role) -> Any:
    """What runs: a fat source, a thin one, approval, pricing, and the sinks."""
    from processors.approve_time import ApproveTime
    from psfabric.pipelines import Declared, Instance, Pipelines
    from tests.faults import adapters

    def declared(adapter: Any, use: str) -> Any:
        timed = {"timeout": TIMEOUT} if use == "thin" or use in adapters.SINKS else {}
        # A key has several entries here, and one whose project is not known yet must not be overtaken by the next.
        barred = {"barrier": True} if use == "price" else {}
        options = {**timed, **barred, **role.declared.get(use, {})}
        return Declared(Instance(name=adapter.name, use=use, **options), adapter)

    routes = {f"LE-{name}": name for name in role.sinks}
    return Pipelines(
        (
            declared(adapters.Fat(name=f"fat-{role.run}", **role.mapping), "fat"),
            declared(adapters.ThinOne(name=f"thin-{role.run}", url=role.erp, **role.mapping), "thin"),
        ),
        (
            declared(ApproveTime(name=f"approve-{role.run}"), "approve_time"),
            declared(adapters.Price(name=f"price-{role.run}", routes=routes), "price"),
        ),
        tuple(declared(adapters.SINKS[use](name=n, url=role.erp), use) for n, use in role.sinks.items()),
    )


def run_topic(run: str) -> str:
    """The canonical topic of one run: all runs share a broker and must not read each other's time."""
    return f"psf.time-{run}"


def own_topic(run: str) -> None:
    from schemas import models

    for model in OWN:
        getattr(models, model).TOPIC = run_topic(run)


def scale(changes: Mapping[str, Any]) -> None:
    """Set module constants, and defaults of arguments (`module:Class.method(argument)`)."""
    for place, value in changes.items():
        module, _, path = place.partition(":")
        argument = path.partition("(")[2].rstrip(")")
        *names, last = path.partition("(")[0].split(".")
        owner = importlib.import_module(module)
        for name in names:
            owner = getattr(owner, name)
        if not hasattr(owner, last):
            raise AttributeError(f"{place} is not there any more")
        if argument:
            set_default(getattr(owner, last), argument, value)
        else:
            setattr(owner, last, value)


def set_default(function: Any, argument: str, value: Any) -> None:
    """What an argument is when it is not given."""
    if argument in (function.__kwdefaults__ or {}):
        function.__kwdefaults__[argument] = value
        return
    names = [p.name for p in inspect.signature(function).parameters.values() if p.default is not p.empty]
    position = names.index(argument)
    defaults = list(function.__defaults__)
    defaults[position] = value
    function.__defaults__ = tuple(defaults)


def hear_late(seconds: float, session: float) -> None:
    """Who slept through its session hears of it that much later.

    The client may notice at once or a while after it woke; until then only the sending lease keeps a worker from
    working on what is no longer its own.
    """
    from psfabric.kafka import GroupReader

    poll, subscribe = GroupReader.poll, GroupReader.subscribe
    polled, woke = float("inf"), float("-inf")

    def just_woken() -> bool:
        nonlocal woke
        now = time.monotonic()
        if now - polled > session:
            woke = now
        return now - woke < seconds

    def noted(self: GroupReader, limit: int, timeout: float) -> Any:
        nonlocal polled
        just_woken()
        polled = time.monotonic()
        return poll(self, limit, timeout)

    def late(self: GroupReader, topics: Sequence[str], on_assign: Any, on_revoke: Any) -> None:
        def revoked(tps: Any) -> None:
            if just_woken():
                time.sleep(seconds)
            on_revoke(tps)

        subscribe(self, topics, on_assign, revoked)

    GroupReader.poll, GroupReader.subscribe = noted, late  # type: ignore[method-assign]


def become(role: Role) -> None:
    """Run the role until SIGTERM, in the process that was forked for it."""
    import cli.run as run
    import psfabric.pipelines
    from psfabric.errors import FabricError
    from tests.faults import plants

    os.environ.update(role.env)
    os.environ.update({"PSF_INSTANCE": role.slot} if role.slot else {})
    own_topic(role.run)
    scale(role.scaled)
    if role.news_late:
        hear_late(role.news_late, role.scaled["psfabric.hosts.aio:Given.__init__(session)"])
    if role.plant:
        plants.PLANTS[role.plant]()
    points.arm(role.point, role.reached, role.points)
    psfabric.pipelines.load = lambda folder, env: pipelines(role)
    try:
        {"process": run.process, "deliver": run.deliver}[role.role]()
    except FabricError as error:
        print(f"ends: {error}", file=sys.stderr, flush=True)
        os._exit(5)


def tell_tasks(*_: object) -> None:
    """On SIGUSR1: what every task waits for, into the log. For a person who looks at a process that hangs."""
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)


def born(role: Any, parent: int, become: Callable[[Any], None]) -> None:
    """What a fork does first, and last. `role` names its `log`."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGUSR1, tell_tasks)
    log = os.open(role.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    logs.configure()
    try:
        become(role)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a fork must never return into the nursery
        import traceback

        traceback.print_exc()
        os._exit(101)


def nursery(
    imported: Sequence[str] = IMPORTED, kind: type[BaseModel] = Role, become: Callable[[Any], None] = become
) -> None:
    """Fork a process for each line on standard input, which is a `kind` as JSON, and have it `become` that."""
    for name in imported:
        importlib.import_module(name)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing)
    tell({"ready": True})
    children: set[int] = set()
    left = b""
    while True:
        ready, _, _ = select.select([0, reading], [], [])
        if reading in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(reading, 4096)
            reap(children)
        if 0 in ready:
            given = os.read(0, 1 << 16)
            if not given:
                break
            *lines, left = (left + given).split(b"\n")
            for line in lines:
                bear(kind.model_validate_json(line), children, become)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def bear(role: BaseModel, children: set[int], become: Callable[[Any], None]) -> None:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        born(role, parent, become)
    children.add(pid)
    tell({"pid": pid})


def reap(children: set[int]) -> None:
    for pid in list(children):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            children.discard(pid)
            tell({"pid": pid, "ended": os.waitstatus_to_exitcode(status)})


def tell(line: Mapping[str, Any]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "--points" in sys.argv:
        points.install(Path(__file__).resolve().parents[2])
    nursery()

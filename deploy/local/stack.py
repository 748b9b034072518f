"""One running stack of parts: start, look at, stop.

    with Stack(root, "test", ["kafka", "registry", "redis"]) as stack:
        stack.endpoints["PSF_KAFKA_BOOTSTRAP"]

An attached stack (the default) lives and dies with its owner: it begins empty, and the kernel kills its parts when the
owner is gone, however it ends. A detached one (`make up`) outlives the command, keeps its data, and is picked up again.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from deploy.local.addresses import Addresses
from deploy.local.errors import LocalError, Misused, PartFailed, UnknownPart, disk_full_named
from deploy.local.folder import Folder
from deploy.local.part import Part
from deploy.local.parts import ALL
from deploy.local.progress import Progress, Tell, silent
from deploy.local.runner import TAIL, Runner
from deploy.local.startup import start_in_order

State = Literal["ready", "not ready", "died", "stopped", "given", "done"]


@dataclass(frozen=True)
class PartStatus:
    """`endpoint` is the first of the part's endpoints ("" when it has none); `seconds` since it started."""

    name: str
    state: State
    pid: int | None = None
    endpoint: str = ""
    seconds: float | None = None
    log: Path | None = None


class Stack:
    """See the module. `env`: the caller's environment, by default this process's; endpoints in it are not started.

    Methods raise LocalError for what a person can act on. Once it is up, several threads may act on
    different parts at the same time.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        parts: Sequence[str],
        env: Mapping[str, str] | None = None,
        on_progress: Tell = silent,
        *,
        detached: bool = False,
        catalogue: Mapping[str, Part] = ALL,
    ) -> None:
        self._catalogue = catalogue
        self.parts = [self._part(part).name for part in parts]
        self.folder = Folder(root.resolve() / ".local" / name)
        self._detached = detached
        self._tell = on_progress
        environment = dict(os.environ if env is None else env)
        self._addresses = Addresses(self.folder, environment)
        self._runner = Runner(root.resolve(), self.folder, self._addresses, environment, on_progress)

    def up(self) -> Self:
        """Start all parts that are not running, independent ones at the same time, and wait until each is ready.

        What this call started is stopped again when it ends with an error or KeyboardInterrupt.
        """
        with self._owned(), disk_full_named(self.folder.path):
            running = [name for name in self.parts if self._runner.alive(name)]
            try:
                self._settle(self.parts)
                start_in_order({name: self._part(name) for name in self.parts}, self._start, self._runner.abort)
                self.folder.publish(self.endpoints)
            except BaseException as error:
                with _uninterrupted():
                    first = self._behind(error)
                    self._runner.abort.set()
                    self._stop([name for name in self.parts if name not in running])
                if first is not None:
                    raise first from error
                raise
        return self

    def _behind(self, error: BaseException) -> LocalError | None:
        """What made a part fail at its start: another one that had been ready and died."""
        if not isinstance(error, PartFailed):
            return None
        died = [name for name in self.died() if name != error.part and self._runner.started(name)]
        return self.death(died[0], "while others started") if died else None

    def claim(self) -> None:
        """Become the owner of an attached stack before anything of it starts. Raises StackBusy."""
        with self._owned():
            return

    def down(self) -> None:
        """Stop everything this stack started, those that need others first. Harmless when nothing runs."""
        with _uninterrupted(), self._owned():
            self._stop([name for name in self._catalogue if self.folder.process(name)])
            self._runner.kill_all()
            self.folder.withdraw()
        self._let_go()

    def start(self, part: str) -> None:
        """Start one part (not what it needs) and wait until it is ready."""
        self._part(part)
        with self._owned(), disk_full_named(self.folder.path):
            self._runner.abort.clear()
            self.parts += [part] if part not in self.parts else []
            self._settle([part])
            try:
                self._start(part)
            except BaseException:
                with _uninterrupted():
                    self._stop([part])
                raise
            self.folder.publish(self.endpoints)

    def stop(self, part: str) -> None:
        """End one part: SIGTERM, and SIGKILL if it does not obey in time."""
        self._part(part)
        with self._owned():
            self._stop([part])

    def kill(self, part: str) -> None:
        """SIGKILL one part and all processes it started; returns when they are gone."""
        with self._owned():
            self._runner.kill(self._part(part))

    def restart(self, part: str) -> None:
        """Stop and start one part, on the same port and data."""
        self.stop(part)
        self.start(part)

    def status(self) -> list[PartStatus]:
        """How each part is right now."""
        return [self._status(self._part(name)) for name in self.parts]

    def died(self) -> list[str]:
        """Parts that ended without being asked to. Cheaper than `status`: nothing is connected to."""
        processes = ((name, self.folder.process(name)) for name in list(self.parts))
        return [name for name, process in processes if process is not None and not process.alive]

    def death(self, part: str, when: str) -> LocalError:
        """The error that tells how a part has ended, with `when` that was ("during the demo")."""
        return self._runner.failure(self._part(part), f"{self._runner.ending(part)} {when}")

    @property
    def endpoints(self) -> dict[str, str]:
        """Every PSF_* variable of the stack: endpoints and secrets, given from outside or made here."""
        return self._addresses.endpoints(self._part(name) for name in self.parts)

    def log(self, part: str) -> Path:
        return self.folder.log(self._part(part).name)

    def log_tail(self, part: str, n: int = TAIL) -> list[str]:
        return self.folder.log_tail(self._part(part).name, n)

    def fetch(self) -> None:
        """Only download and build what the parts need, so that a later start needs no network."""
        with self._owned(), disk_full_named(self.folder.path):
            self._settle(self.parts)
            wanted = {name: self._part(name) for name in self.parts}
            start_in_order(wanted, lambda name: self._runner.fetch(wanted[name], self.endpoints), self._runner.abort)

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(self, *_: object) -> None:
        self.down()

    def _part(self, name: str) -> Part:
        if name not in self._catalogue:
            raise UnknownPart(name, list(self._catalogue))
        return self._catalogue[name]

    @contextlib.contextmanager
    def _owned(self) -> Iterator[None]:
        """Hold the stack's lock: until `down` when attached, during the call when detached."""
        if self.folder.locked:
            yield
            return
        _check_platform()
        with disk_full_named(self.folder.path):
            self.folder.acquire()
        try:
            if not self._detached:  # what an owner that was killed has left
                self._runner.kill_all()
                self.folder.wipe()
            yield
        except BaseException:
            self._let_go()
            raise
        if self._detached:
            self._let_go()

    def _let_go(self) -> None:
        self.folder.release()
        self._addresses.release()

    def _settle(self, names: Sequence[str]) -> None:
        wanted = [part for part in map(self._part, names) if not self._addresses.given(part)]
        self._addresses.settle(wanted, self._runner.alive)
        for part in wanted:
            self._addresses.announce(part, self._runner.place(part, self.endpoints))

    def _start(self, name: str) -> None:
        part = self._part(name)
        if self._addresses.given(part):
            self._tell(Progress(name, "given", f"given by {part.gives[0]}, not started"))
        else:
            self._runner.start(part, self.endpoints, leashed=not self._detached)

    def _stop(self, names: Sequence[str]) -> None:
        """Stop parts, those that need others before those; parts of one rank together."""
        left = {name: self._part(name) for name in names}
        while left:
            needed = {need for part in left.values() for need in part.needs}
            rank = [name for name in left if name not in needed]
            self._runner.terminate(rank)
            asked = time.monotonic()
            for name in rank:
                self._runner.finish(left.pop(name), asked)

    def _status(self, part: Part) -> PartStatus:
        endpoint = self.endpoints.get(part.gives[0], "") if part.gives else ""
        if self._addresses.given(part):
            return PartStatus(part.name, "given", endpoint=endpoint)
        log, process = self.folder.log(part.name), self.folder.process(part.name)
        if process is None or not process.alive:
            return PartStatus(part.name, _resting(part, process is not None, log), log=log if log.exists() else None)
        ready = part.healthy(self._runner.place(part, self.endpoints))
        state: State = "ready" if ready else "not ready"
        return PartStatus(part.name, state, process.pid, endpoint, process.seconds, log)


def _resting(part: Part, recorded: bool, log: Path) -> State:
    if part.once and log.exists() and not recorded:
        return "done"
    return "died" if recorded else "stopped"


def _check_platform() -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Misused(
            f"The local stack runs on Linux x86_64; this is {sys.platform} {platform.machine()}.",
            "Give endpoints of parts that run elsewhere (PSF_KAFKA_BOOTSTRAP, …), or use deploy/local/compose.yaml.",
        )


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C, pressed a second time out of impatience, does not stop the stopping."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

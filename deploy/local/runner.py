"""Starts and stops single parts of one stack."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import processes
from deploy.local.addresses import Addresses
from deploy.local.artefacts import Cache
from deploy.local.errors import LocalError, NoSpace, PartFailed
from deploy.local.folder import Folder
from deploy.local.part import Part, Place
from deploy.local.progress import Progress, Step, Tell
from deploy.local.startup import Interrupted

TAIL = 15  # lines of a log that are shown when its part fails
_LEAST_FREE = 4_000_000  # bytes; below it a failure is the disk's


class Runner:
    """`place(part)` says where a part lives; setting `abort` makes every wait and download in here give up."""

    def __init__(self, root: Path, folder: Folder, addresses: Addresses, env: Mapping[str, str], tell: Tell) -> None:
        self.abort = threading.Event()
        self._root = root
        self._folder = folder
        self._addresses = addresses
        self._env = env
        self._told = tell
        self._cache = Cache(root / ".local" / "parts", self.tell)
        self._handles: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, part: Part, endpoints: Mapping[str, str], *, leashed: bool) -> None:
        """Start a part unless it runs, and wait until it is ready. Leashed: it dies with this process."""
        running = self.alive(part.name)
        if not running:
            processes.kill(self.mark(part.name))  # workers that outlived a killed master
            self._folder.log(part.name).unlink(missing_ok=True)
            place = self.place(part, endpoints)
            part.fetch(self._cache, place)
            part.prepare(place)
            self._addresses.announce(part, place)
            self._spawn(part, part.command(place), part.environment(place), part.directory(place), leashed)
        self._await_ready(part, self.place(part, endpoints))
        where = next(iter(part.endpoints(self.place(part, endpoints)).values()), "")
        step: Step = "running" if running else "ready"
        self.tell(Progress(part.name, step, f"{'done' if part.once else step}  {where}".rstrip()))

    def fetch(self, part: Part, endpoints: Mapping[str, str]) -> None:
        """Download and build what all stacks share of this part."""
        part.fetch(self._cache, self.place(part, endpoints))

    def place(self, part: Part, endpoints: Mapping[str, str]) -> Place:
        return Place(
            root=self._root,
            cache=self._cache,
            data=self._folder.data(part.name),
            log=self._folder.log(part.name),
            ports=self._addresses.ports(part.name),
            env={**self._env, **endpoints},
            run=lambda command, env, cwd: self._run(part, command, env, cwd),
        )

    def terminate(self, names: Sequence[str]) -> None:
        """Ask parts to end, without waiting."""
        for process in filter(None, map(self._folder.process, names)):
            processes.terminate(process)

    def finish(self, part: Part, asked: float) -> None:
        """Wait for a part that was asked to end at `asked` (monotonic); then SIGKILL to what is left of it."""
        process = self._folder.process(part.name)
        if process:
            processes.wait_until(lambda: not process.alive, asked + part.stop_within - time.monotonic())
        self.kill(part)
        if process:
            self._told(Progress(part.name, "stopped", "stopped"))

    def kill(self, part: Part) -> None:
        """SIGKILL to a part and all it started; returns when they are gone."""
        processes.kill(self.mark(part.name))
        handle = self._handles.pop(part.name, None)
        if handle:
            handle.wait(timeout=10)
        self._folder.record(part.name, None)

    def kill_all(self) -> None:
        """SIGKILL to everything that carries this stack's mark, recorded or not."""
        processes.kill(self.mark())

    def alive(self, name: str) -> bool:
        process = self._folder.process(name)
        return process is not None and process.alive

    def started(self, name: str) -> bool:
        """Was it started from here (and not stopped again), and not by an earlier command?"""
        return name in self._handles

    def ending(self, name: str) -> str:
        """How a part that is not alive has ended: "was killed by SIGKILL"."""
        return _ended(self._exit_code(name))

    def failure(self, part: Part, how: str) -> LocalError:
        """What is said of a part that ended or did not become ready."""
        if shutil.disk_usage(self._folder.path).free < _LEAST_FREE:  # then the log could not be written either
            return NoSpace(self._folder.path)
        return PartFailed(part.name, how, self._folder.log(part.name), self._folder.log_tail(part.name, TAIL))

    def mark(self, part: str = "") -> str:
        return f"{self._folder.path}:{part}" if part else str(self._folder.path)

    def tell(self, progress: Progress) -> None:
        self._check_abort()
        self._told(progress)

    def _await_ready(self, part: Part, place: Place) -> None:
        begun = time.monotonic()
        while part.once or not part.healthy(place):
            self._check_abort()
            if not self.alive(part.name):
                if part.once and self._exit_code(part.name) == 0:
                    return self._folder.record(part.name, None)
                raise self.failure(part, self.ending(part.name))
            if time.monotonic() - begun > part.ready_within:
                raise self.failure(part, f"did not become ready within {part.ready_within:.0f} seconds")
            time.sleep(0.05)
        if not self.alive(part.name):  # another program answers on its port
            raise self.failure(part, self.ending(part.name))
        return None

    def _run(self, part: Part, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        """Run one step of preparing a part to its end. It never outlives us."""
        handle = self._spawn(part, command, env, cwd, leashed=True)
        while handle.poll() is None:
            self._check_abort()
            time.sleep(0.02)
        if handle.returncode:
            raise self.failure(part, f"could not be prepared: a step {_ended(handle.returncode)}")
        self._folder.record(part.name, None)

    def _spawn(
        self, part: Part, command: Sequence[str], env: Mapping[str, str], cwd: Path, leashed: bool
    ) -> subprocess.Popen[bytes]:
        self._check_abort()
        log, mark = self._folder.log(part.name), self.mark(part.name)
        handle = processes.spawn(command, env=env, cwd=cwd, log=log, mark=mark, leashed=leashed)
        self._handles[part.name] = handle
        process = processes.identify(handle.pid, command, self._addresses.ports(part.name))
        self._folder.record(part.name, process)
        return handle

    def _exit_code(self, name: str) -> int | None:
        handle = self._handles.get(name)
        return handle.wait(timeout=5) if handle else None

    def _check_abort(self) -> None:
        if self.abort.is_set():
            raise Interrupted


def _ended(code: int | None) -> str:
    if code is None:
        return "ended"
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

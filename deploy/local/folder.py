"""The folder of one stack, .local/<name>/: who owns it, which ports and secrets it has, which processes run in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.local.errors import StackBusy
from deploy.local.processes import Process


class State(BaseModel):
    """What a stack remembers between starts (state.json, mode 0600: it holds secrets)."""

    model_config = ConfigDict(extra="ignore")

    ports: dict[str, dict[str, int]] = {}
    secrets: dict[str, str] = {}
    endpoints: dict[str, str] = {}


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._lock: IO[str] | None = None

    @property
    def locked(self) -> bool:
        return self._lock is not None

    def acquire(self) -> None:
        """Become the owner. Raises StackBusy, with the owner's process id, when there is another one alive."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise StackBusy(self.name, int(owner) if owner.isdecimal() else None) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def release(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

    def wipe(self) -> None:
        """Forget everything: data, logs, ports, secrets. Only for an owner with nothing running."""
        for name in ("data", "log", "run"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in ("state.json", "endpoints.env"):
            (self.path / name).unlink(missing_ok=True)

    def data(self, part: str) -> Path:
        path = self.path / "data" / part
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, part: str) -> Path:
        path = self.path / "log" / f"{part}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def log_tail(self, part: str, lines: int) -> list[str]:
        try:
            with self.log(part).open(errors="replace") as log:
                return [line.rstrip("\n") for line in deque(log, maxlen=lines)]
        except FileNotFoundError:
            return []

    def state(self) -> State:
        try:
            return State.model_validate_json((self.path / "state.json").read_text())
        except (FileNotFoundError, ValidationError):
            return State()

    def remember(self, state: State) -> None:
        _write(self.path / "state.json", state.model_dump_json(indent=2))

    def process(self, part: str) -> Process | None:
        """The process last started for this part, alive or not; None when it was stopped or never started."""
        try:
            return Process.model_validate_json((self.path / "run" / f"{part}.json").read_text())
        except (FileNotFoundError, ValidationError):
            return None

    def record(self, part: str, process: Process | None) -> None:
        path = self.path / "run" / f"{part}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        if process is None:
            path.unlink(missing_ok=True)
        else:
            _write(path, process.model_dump_json(indent=2))

    def publish(self, endpoints: Mapping[str, str]) -> None:
        """Write endpoints.env, to be read by a shell (`set -a; . endpoints.env`) or by `read_endpoints`."""
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in sorted(endpoints.items()))
        _write(self.path / "endpoints.env", "".join(lines))

    def withdraw(self) -> None:
        (self.path / "endpoints.env").unlink(missing_ok=True)


def read_endpoints(path: Path) -> dict[str, str]:
    """The variables of an endpoints.env; empty when there is none, that is when the stack is not up."""
    with contextlib.suppress(FileNotFoundError):
        pairs = (line.partition("=") for line in path.read_text().splitlines())
        return {name: "".join(shlex.split(value)) for name, _, value in pairs}
    return {}


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    scratch.replace(path)

"""The harness's side of its processes: the nurseries, the fabric's workers, the fake ERP."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import Any

import httpx
from pydantic import BaseModel

from tests.faults.books import Rules
from tests.faults.child import Role
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 60.0


class Nursery:
    """Starts the fabric's processes by forking one that has everything imported."""

    def __init__(self, *, points: bool = False, module: str = "tests.faults.child") -> None:
        arguments = [sys.executable, "-m", module, *(["--points"] if points else [])]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        self._born: queue.Queue[int] = queue.Queue()
        self._ended: dict[int, int] = {}
        self._ready = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()
        if not self._ready.wait(STARTS_WITHIN):
            raise AssertionError("the nursery does not start")

    def start(self, role: BaseModel) -> int:
        """The process id of a new worker; `role` is what the module reads."""
        if self._process.stdin is None:
            raise RuntimeError("no pipe")
        with self._lock:
            self._process.stdin.write(role.model_dump_json().encode() + b"\n")
            self._process.stdin.flush()
            return self._born.get(timeout=STARTS_WITHIN)

    def ended(self, pid: int) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._ended.get(pid)

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            told = json.loads(line)
            if "ready" in told:
                self._ready.set()
            elif "ended" in told:
                self._ended[told["pid"]] = told["ended"]
            else:
                self._born.put(told["pid"])


@dataclass
class Worker:
    """One slot of the fabric: a process that is started again when it ends, as a supervisor does, while `kept`."""

    nursery: Nursery
    role: Role
    pid: int = 0
    kept: bool = True
    statuses: list[int] = field(default_factory=list)
    """How each of its processes ended."""
    started: float = 0.0

    def start(self, **changes: Any) -> None:
        self.pid = self.nursery.start(self.role.model_copy(update=changes))
        self.started = time.time()

    @property
    def alive(self) -> bool:
        return self.pid != 0 and self.nursery.ended(self.pid) is None

    def signal(self, number: Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end(self, number: Signals, within: float = 15.0) -> int:
        """Signal it and wait until it is gone."""
        pid = self.pid
        self.signal(number)
        eventually(lambda: self.nursery.ended(pid) is not None, within, f"process {pid} ends after {number.name}")
        status = self.nursery.ended(pid)
        return -1 if status is None else status

    def look(self) -> bool:
        """Start it again if it ended by itself; True when it did."""
        status = self.nursery.ended(self.pid) if self.pid else 0
        if status is None or not self.kept:
            return False
        if self.pid:
            self.statuses.append(status)
            with open(self.role.log, "a") as log:
                log.write(f"process {self.pid} ended with {status}\n")
        self.start()
        return True


class Erp:
    """The fake ERP's process and its control."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.journal = folder / "journal.jsonl"
        self.journal.touch()
        arguments = [sys.executable, "-m", "tests.faults.erp", str(self.journal), str(seed)]
        with (folder / "erp.log").open("ab") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT
            )
        if self._process.stdout is None:
            raise RuntimeError("no pipe")
        ports = json.loads(self._process.stdout.readline())
        self.port = int(ports["service"])
        self.url = f"http://127.0.0.1:{self.port}"
        self._control = httpx.Client(base_url=f"http://127.0.0.1:{ports['control']}", timeout=10)
        self._rules: dict[str, Rules] = {}

    def rules(self, company: str, **changes: Any) -> None:
        """Change how a company behaves; what is not named stays."""
        rules = self._rules.get(company, Rules()).model_copy(update=changes)
        self._rules[company] = rules
        self._put(f"/rules/{company}", rules.model_dump())

    def state(self, state: str) -> None:
        """`up`, `unavailable`, `resets`, `hangs`, `away`."""
        self._put("/state", {"state": state})

    def upstream(self, states: Mapping[str, Any]) -> None:
        self._put("/upstream", states)

    def feed(self, source: str, notices: Sequence[str]) -> None:
        self._put(f"/feed/{source}", notices)

    def document(self, company: str, body: Mapping[str, Any]) -> None:
        """Somebody else made this document."""
        self._put(f"/document/{company}", body)

    def statement(self, company: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/{company}/statement", timeout=10)
        found: list[dict[str, Any]] = answer.json()["documents"]
        return found

    def close(self) -> None:
        self._control.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    def _put(self, path: str, body: Any) -> None:
        self._control.put(path, json=body).raise_for_status()

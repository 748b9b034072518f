"""Parts that start in a blink, to see what the supervisor promises without waiting for a real program."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import Stack
from deploy.local.part import Part, Place, answers

# Serves HTTP on a port and leaves a child of its own beside it, as gunicorn and others do.
_SERVER = """
import http.server, subprocess, sys
print("serving", flush=True)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
_CRASH = "for n in range(40): print('line', n)\nprint('no such setting: colour')\nraise SystemExit(3)"
_DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


class Web(Part):
    """A server with one endpoint."""

    gives = ("PSF_WEB_URL",)
    wants = ("PSF_WEB_PASSWORD",)

    def __init__(self, name: str = "web", needs: tuple[str, ...] = ()) -> None:
        self.name = name  # type: ignore[misc]  # fakes are told apart by instance, not by class
        self.needs = needs  # type: ignore[misc]

    def secrets(self) -> tuple[str, ...]:
        return self.wants

    def endpoints(self, place: Place) -> dict[str, str]:
        return {"PSF_WEB_URL": f"http://127.0.0.1:{place.ports['main']}/"}

    def command(self, place: Place) -> list[str]:
        return [sys.executable, "-c", _SERVER, str(place.ports["main"])]

    def healthy(self, place: Place) -> bool:
        return answers(self.endpoints(place)["PSF_WEB_URL"])


class Script(Part):
    """A program without ports: `ready` says whether it is ever healthy, `once` that it runs to its end."""

    ports = ()
    stop_within = 0.3

    def __init__(self, name: str, code: str, *, once: bool = False, ready: bool = True, patience: float = 30) -> None:
        self.name = name  # type: ignore[misc]
        self.once = once  # type: ignore[misc]
        self.ready_within = patience  # type: ignore[misc]
        self._code, self._ready = code, ready

    def command(self, place: Place) -> list[str]:
        return [sys.executable, "-c", self._code]

    def healthy(self, place: Place) -> bool:
        return self._ready


def crashing(name: str = "crashing") -> Script:
    return Script(name, _CRASH, ready=False)


def deaf(name: str = "deaf") -> Script:
    return Script(name, _DEAF)


def never_ready(name: str = "slow", patience: float = 60) -> Script:
    return Script(name, "import time; print('waiting', flush=True); time.sleep(600)", ready=False, patience=patience)


def catalogue(*parts: Part) -> dict[str, Part]:
    return {part.name: part for part in parts}


def stack(root: Path, *parts: Part, env: Mapping[str, str] | None = None, detached: bool = False) -> Stack:
    known = catalogue(*parts)
    return Stack(root, "fake", list(known), env or {}, detached=detached, catalogue=known)

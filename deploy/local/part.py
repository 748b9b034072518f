"""What a part of the local stack is: the interface each of deploy/local/parts fills in."""

from __future__ import annotations

import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deploy.local.artefacts import Cache
from deploy.local.errors import Misused

# What a program that is not ours gets to see of the caller's environment. Settings such as JAVA_TOOL_OPTIONS,
# QUARKUS_* or PYTHONPATH, made for other programs, have changed how a part starts too often.
_PLAIN = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "USER")


@dataclass(frozen=True)
class Place:
    """Where one part of one stack lives, and what it may know."""

    root: Path  # the checkout
    cache: Cache
    data: Path  # folder of this part's state, made before `prepare`
    log: Path
    ports: Mapping[str, int]
    env: Mapping[str, str]  # the caller's environment with every endpoint and secret of the stack
    run: Callable[[Sequence[str], Mapping[str, str], Path], None]  # run a step to its end, output to the log, or raise

    @property
    def plain_env(self) -> dict[str, str]:
        return {name: self.env[name] for name in _PLAIN if name in self.env}


class Part(ABC):
    """One program of the stack. Methods are called in the order they stand here, each time the part starts."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()  # started and ready before
    ports: ClassVar[tuple[str, ...]] = ("main",)
    gives: ClassVar[tuple[str, ...]] = ()  # endpoint variables: when all are given from outside it is not started
    wants: ClassVar[tuple[str, ...]] = ()  # variables that must be given along with `gives`
    once: ClassVar[bool] = False  # a step that runs to its end instead of a server
    ready_within: ClassVar[float] = (
        90.0  # seconds; a busy machine of two cores is several times slower than a quiet one
    )
    stop_within: ClassVar[float] = 10.0

    def secrets(self) -> tuple[str, ...]:
        """Variables for which the stack makes up a random value, kept as long as its data."""
        return ()

    def fetch(self, cache: Cache, place: Place) -> None:
        """Download, unpack and build what all stacks share; quick when it is there."""
        return

    def prepare(self, place: Place) -> None:
        """Make the data and configuration of this stack; what is there from before is kept."""
        return

    def endpoints(self, place: Place) -> dict[str, str]:
        """The variables that tell others where this part is; asked before `fetch` too, for what ports alone tell."""
        return {}

    @abstractmethod
    def command(self, place: Place) -> list[str]:
        """The program and its arguments, run in the part's data folder."""

    def environment(self, place: Place) -> dict[str, str]:
        return place.plain_env

    def directory(self, place: Place) -> Path:
        return place.data

    def healthy(self, place: Place) -> bool:
        """Does it serve? Asked again and again until true; must answer within a second or two and never raise."""
        return True


def given(part: Part, env: Mapping[str, str]) -> bool:
    """Is this part served from outside? Raises Misused when it is given only in part."""
    if not part.gives or any(not env.get(name) for name in part.gives):
        return False
    missing = [name for name in part.wants if not env.get(name)]
    if missing:
        raise Misused(
            f"{part.gives[0]} is given, but not {', '.join(missing)}.",
            f"Set {' and '.join(missing)} too, or unset {part.gives[0]} to have {part.name} started here.",
        )
    return True


def answers(url: str | urllib.request.Request, timeout: float = 1.0) -> bool:
    """Does this URL answer 200? The caller's proxy settings are not used: everything here is on loopback."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False

"""Who makes and who reads each event.

Adapters declare it in Python, in packages that stand above this one; `python -m psfabric.parties` prints it, and that
is what the generator reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TELLING = "psfabric.parties"
"""The module that tells; it stands above this one, so it is run and not imported."""

LIMIT = 60
"""Seconds that telling may take."""


@dataclass(frozen=True)
class Party:
    """A source, processor, sink or outside system, and the fields that it says it reads ("*": all)."""

    name: str
    kind: str
    fields: tuple[str, ...] = ()
    owner: str = ""
    """Of an outside system; "" for an adapter."""


@dataclass(frozen=True)
class Parties:
    """By event, each in the order of their names."""

    makers: Mapping[str, tuple[Party, ...]] = field(default_factory=dict)
    readers: Mapping[str, tuple[Party, ...]] = field(default_factory=dict)

    @classmethod
    def of_json(cls, text: str) -> Parties:
        """As `psfabric.parties` prints it."""
        found = json.loads(text)
        return cls(_parties(found["makers"]), _parties(found["readers"]))

    def as_json(self) -> str:
        sides = {"makers": self.makers, "readers": self.readers}
        plain = {
            side: {
                event: [{"name": p.name, "kind": p.kind, "fields": p.fields, "owner": p.owner} for p in parties]
                for event, parties in by_event.items()
            }
            for side, by_event in sides.items()
        }
        return json.dumps(plain, sort_keys=True)


def _parties(by_event: Mapping[str, Any]) -> Mapping[str, tuple[Party, ...]]:
    return {
        event: tuple(Party(each["name"], each["kind"], tuple(each["fields"]), each["owner"]) for each in parties)
        for event, parties in by_event.items()
    }


def declared() -> Parties:
    """What the adapters of this repository declare. Raises `ValueError` when they cannot be read."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", TELLING]
    try:
        told = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT, check=True
        )
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or [f"exit {error.returncode}"]
        raise ValueError(f"who reads which event cannot be told, the adapters do not import: {last[0]}") from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"who reads which event was not told within {LIMIT} s") from None
    return Parties.of_json(told.stdout)

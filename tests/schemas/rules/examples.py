"""Examples of events, and what a `broken_by` makes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import schemas
from schemas import rules
from schemas.base import Model
from schemas.rules import LookUps

EXAMPLES = Path(schemas.__file__).parent / "examples"
STEP = re.compile(r"([a-z0-9_]+)(?:\[(\d+)\])?")


def passing(event: str) -> list[dict[str, Any]]:
    """The examples of an event that are right, as JSON."""
    return [json.loads(path.read_bytes()) for path in sorted(EXAMPLES.glob(f"{event}.*.pass.json"))]


@cache
def look_ups() -> LookUps:
    """What the examples that are right say of clients, projects, assignments …, each in its latest state."""
    events = (event for event in schemas.events() if not event.startswith("enriched."))
    return rules.book().among((event, read(event, example)) for event in events for example in passing(event))


def broken(example: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """An example with values put at paths like `lines[0].amount.currency`; "" at a record makes it null."""
    made: dict[str, Any] = json.loads(json.dumps(example))
    for path, value in changes.items():
        here: Any = made
        *steps, last = path.split(".")
        for step in steps:
            here = _inside(here, step)
        name, index = _parts(last)
        if index is None:
            here[name] = None if value == "" and isinstance(here[name], dict) else value
        else:
            here[name][index] = value
    return made


def _inside(here: Any, step: str) -> Any:
    name, index = _parts(step)
    return here[name] if index is None else here[name][index]


def _parts(step: str) -> tuple[str, int | None]:
    match = STEP.fullmatch(step)
    assert match, f"{step!r} is no step of a path"
    return match[1], None if match[2] is None else int(match[2])


def read(event: str, example: Mapping[str, Any]) -> Model:
    return schemas.model(event).model_validate_json(json.dumps(example))

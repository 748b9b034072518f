"""`fabric.control`: whether a component shall run. The format persists (version 1); its last record counts.

Written by operators (`psfabric pause`, `resume`) and, as `stopped`, by a component that its dead-letter limit stopped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, cast, get_args

from psfabric import strict_json
from psfabric.engine import Write
from psfabric.event import Record

TOPIC = "fabric.control"
FORMAT = 1

State = Literal["running", "paused", "stopped"]


@dataclass(frozen=True, slots=True)
class Standing:
    """`why`: the operator's reason, or the limit that stopped it. `at`: ISO text in UTC, "" where nobody ever said."""

    state: State = "running"
    why: str = ""
    who: str = ""
    at: str = ""

    def to_write(self, component: str) -> Write:
        body = {"v": FORMAT, "state": self.state, "why": self.why, "who": self.who, "at": self.at}
        return Write(TOPIC, component.encode(), strict_json.dumps(body))


def read_standing(record: Record) -> tuple[str, Standing]:
    """The component and how it stands; a null value is one that runs.

    A state that this release does not know (a newer one's) counts as paused: what somebody wanted of the component was
    not that it runs as always. Raises ValueError for what is no standing.
    """
    component = (record.key or b"").decode()
    if not component:
        raise ValueError(f"{record.coordinates} names no component")
    if record.value is None:
        return component, Standing()
    body = json.loads(record.value)
    if not isinstance(body, dict) or not isinstance(body.get("state"), str):
        raise ValueError(f"{record.coordinates} says no state")
    state, why = body["state"], str(body.get("why", ""))
    if state not in get_args(State):
        state, why = "paused", f"{state!r} is a state that this release does not know: {why}"
    return component, Standing(cast(State, state), why, str(body.get("who", "")), str(body.get("at", "")))

"""`fabric.operations`: who did what, when and why. One row before a replay sends anything, one when it is done.

The user is the one the operating system names, so it is recorded as claimed. The hash chain over these rows comes with
the recovery of incidents; until then a row can be read, not proven.
"""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psfabric.engine import Write

TOPIC = "fabric.operations"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Operation:
    """`id` is unique among all operations; `at` is ISO text in UTC; `detail` is JSON-able."""

    id: str
    act: str
    who: str
    at: str
    reason: str
    detail: Mapping[str, Any]

    def to_write(self) -> Write:
        body = {
            "v": FORMAT,
            "id": self.id,
            "act": self.act,
            "who": self.who,
            "who_is": "claimed",
            "at": self.at,
            "reason": self.reason,
            "detail": dict(self.detail),
        }
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return Write(TOPIC, self.id.encode(), text.encode(), (), 0)


def claimed_user() -> str:
    """`<os user>@<host>`; nobody checked it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"

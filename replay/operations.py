"""`fabric.operations`: who did what, when, why and from where. One row for each act, in one transaction with it; of a
replay one before it sends anything and one when it is done.

The user is the one the operating system names, so it is recorded as claimed. The hash chain over these rows comes with
the recovery of incidents; until then a row can be read, not proven.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psfabric.engine import Write

TOPIC = "fabric.operations"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Operation:
    """`id` is unique among all operations; `at` is ISO text in UTC; `detail` is JSON-able. `result`: what is known of
    it when the row is written."""

    id: str
    act: str
    who: str
    at: str
    reason: str
    detail: Mapping[str, Any]
    where: str = ""
    result: str = ""

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
            "where": self.where,
            "result": self.result,
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


def here() -> str:
    """The machine the act is done on, and from where somebody is logged in to it."""
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return f"{socket.gethostname()} from {client}" if client else socket.gethostname()

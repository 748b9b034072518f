"""What an operator asks of the owner of a partition: control records in `redo.<component>`. The format persists.

Only that component reads them, only the owner of the partition acts on them, and in their place among the replayed
records. One that finds nothing to act on does nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

from psfabric.event import HeaderList, Record

PREFIX = "fabric-control"
FORMAT = 1


class Act(Enum):
    RELEASE = "release"
    """Let a held record go now, whatever it waits for."""
    BURY = "bury"
    """Make a held record a dead letter."""
    RESOLVE = "resolve"
    """Say what the target did with a record whose answer was lost."""
    DISCARD = "discard"
    """Close a dead letter for good: nothing waits behind it any more."""
    AMEND = "amend"
    """Close a dead letter because another event goes in its place, which follows in `redo` under the same origin."""


@dataclass(frozen=True, slots=True)
class Control:
    """`of`: where the record was first read, `<topic>/<partition>/<offset>`. `about`: the event id that receipts are
    filed under. `outcome`: for RESOLVE, `delivered` (with the target's `reference`) or `absent`. `by`: for AMEND, the
    id of the event that goes in its place."""

    act: Act
    of: str
    id: str
    who: str
    reason: str
    at: str
    about: str = ""
    about_type: str = ""
    outcome: str = ""
    reference: str = ""
    number: str = ""
    by: str = ""

    def to_headers(self) -> HeaderList:
        named = {PREFIX: self.act.value, f"{PREFIX}-of": self.of, f"{PREFIX}-id": self.id}
        return tuple((name, text.encode()) for name, text in named.items())

    def to_value(self) -> bytes:
        body = {name: getattr(self, name) for name in _IN_VALUE if getattr(self, name)}
        return json.dumps({"v": FORMAT, **body}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


_IN_VALUE = ("who", "reason", "at", "about", "about_type", "outcome", "reference", "number", "by")


def is_control(record: Record) -> bool:
    return any(name == PREFIX for name, _ in record.headers)


def read_control(record: Record) -> Control:
    """Raises ValueError for one that this release does not understand: it is left alone and said so."""
    body = json.loads(record.value or b"null")
    if not isinstance(body, dict) or body.get("v") != FORMAT:
        raise ValueError(f"control record {record.coordinates} is of a format this release does not read")
    texts = {name: str(body.get(name, "")) for name in _IN_VALUE}
    act = Act(record.header(PREFIX) or "")
    of = record.header(f"{PREFIX}-of") or ""
    if of.count("/") < 2 or not of.rsplit("/", 1)[1].isdigit():
        raise ValueError(f"control record {record.coordinates} names no record: {of!r}")
    return Control(act, of, record.header(f"{PREFIX}-id") or "", **texts)

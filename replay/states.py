"""What was done about each dead letter: `fabric.dlq-state`, key `<dlq topic>/<partition>/<offset>`.

The format persists (version 1) and its last record counts. Only acts are stored, each in one transaction with what it
does: replayed with the batch that went to redo, discarded and amended with the request to the owner. That a record was
delivered, or failed again, is seen from receipts and newer dead letters and never written: a dead letter closes by
itself, and every machine that reads the topics sees the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from enum import StrEnum

from psfabric import strict_json
from psfabric.engine import Write
from psfabric.event import Record
from replay.progress import TOPIC
from replay.reading import Place

FORMAT = 1
_KEY = re.compile(rb"(.+)/(\d+)/(\d+)")


class State(StrEnum):
    """Where a dead letter stands. Open and replayed ones still want somebody's eye, the others need nobody."""

    OPEN = "open"
    REPLAYED = "replayed"
    DELIVERED = "delivered"
    FAILED_AGAIN = "failed again"
    DISCARDED = "discarded"
    AMENDED = "amended"


STORED = frozenset({State.REPLAYED, State.DISCARDED, State.AMENDED})
UNSETTLED = frozenset({State.OPEN, State.REPLAYED})


@dataclass(frozen=True, slots=True)
class Stored:
    """One act on the dead letter at `of`, a place in its dlq topic.

    `at`: ISO text in UTC. `operation`: id of its row in `fabric.operations`. `plan`: hash of the plan that replayed it.
    `event`: id of the event that an amendment sent in its stead.
    """

    of: Place
    state: State
    at: str
    who: str
    operation: str = ""
    plan: str = ""
    event: str = ""

    def to_write(self) -> Write:
        body = {name: text for name, text in asdict(self).items() if name != "of" and text}
        return Write(TOPIC, str(self.of).encode(), strict_json.dumps({"v": FORMAT, **body}))


def is_state(record: Record) -> bool:
    """Whether a record of the topic is about a dead letter; others are about plans."""
    return _KEY.fullmatch(record.key or b"") is not None


def read_state(record: Record) -> Stored | None:
    """The act that a record tells of; None where it was taken back (a null value), or for a record about a plan.

    Raises ValueError, LookupError or TypeError for what is none, or is of a newer format.
    """
    key = _KEY.fullmatch(record.key or b"")
    if key is None or record.value is None:
        return None
    body = json.loads(record.value)
    if body.pop("v") != FORMAT:
        raise ValueError(f"the state of a dead letter in a newer format; this release reads {FORMAT}")
    state = State(body.pop("state"))
    if state not in STORED:
        raise ValueError(f"{state} is seen, never stored")
    return Stored(Place(key[1].decode(), int(key[2]), int(key[3])), state, **body)

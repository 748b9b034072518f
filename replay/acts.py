"""An operator's act: what it asks for and its audit row are one Kafka transaction, never one without the other.

What concerns one record goes to the component that owns it, as a control record in `redo.<component>` on the record's
own partition (`engine.control`); whether a component shall run goes to `fabric.control`. Acting on a record is its
owner's: this side only asks, and cannot know whether the record has gone on meanwhile. Then the owner does nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.control import Act, Control
from psfabric.errors import Unavailable
from psfabric.kafka import latest
from psfabric.kafka.transaction import Fenced, Indefinite, Transactions
from psfabric.standing import TOPIC as STANDINGS
from psfabric.standing import Standing, State, read_standing
from psfabric.stored import understood
from replay.operations import Operation, claimed_user, here
from replay.reading import Place, scan
from replay.states import State as States
from replay.states import Stored

AT_ONCE = 500
"""Records in one transaction, each with an audit row of its own."""

ASKED, DONE = "asked of the owner", "done"


@dataclass(frozen=True, slots=True)
class Asked:
    """One record that something is asked about: where it lies, its original Kafka key, where it was first read."""

    component: str
    partition: int
    key: bytes | None
    of: Place
    about: str = ""
    about_type: str = ""
    letter: Place | None = None
    """Where its dead letter lies, when it is one: what is asked is then stored as its state."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, why, when and from where."""

    reason: str
    who: str = field(default_factory=claimed_user)
    where: str = field(default_factory=here)
    at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def ask(
    kafka: Kafka, operator: Operator, act: Act, records: Sequence[Asked], answer: Mapping[str, str] | None = None
) -> int:
    """Ask the owners to act on the records; returns how many were asked for. `answer`: what RESOLVE found out.

    Raises Unavailable when it is not known whether the last batch was asked for; asking again does no harm.
    """
    for start in range(0, len(records), AT_ONCE):
        batch = records[start : start + AT_ONCE]
        id = _new_id()
        detail = {"records": [f"{each.component}/{each.of}" for each in batch], **(answer or {})}
        writes = [_order(each, operator, act, id, answer or {}) for each in batch]
        if act is Act.DISCARD:
            writes += [_discarded(each.letter, operator, id) for each in batch if each.letter is not None]
        _commit(kafka, writes, audit(f"record.{act.value}", operator, ASKED, detail, id))
    return len(records)


def stand(kafka: Kafka, operator: Operator, component: str, state: State) -> Standing:
    """Write how a component shall stand from now on."""
    standing = Standing(state, operator.reason, operator.who, operator.at)
    name = {"paused": "component.pause", "running": "component.resume"}.get(state, f"component.{state}")
    row = audit(name, operator, DONE, {"component": component, "state": state})
    _commit(kafka, [standing.to_write(component)], row)
    return standing


def standings(kafka: Kafka) -> dict[str, Standing]:
    """How each component stands of which anybody ever said something; all others run."""
    found = latest(scan(kafka, [STANDINGS])).values()
    return dict(understood(record, read_standing) for record in found)


def _order(each: Asked, operator: Operator, act: Act, id: str, answer: Mapping[str, str]) -> Write:
    control = Control(
        act, str(each.of), id, operator.who, operator.reason, operator.at, each.about, each.about_type, **answer
    )
    return Write(f"redo.{each.component}", each.key, control.to_value(), control.to_headers(), each.partition)


def _discarded(letter: Place, operator: Operator, id: str) -> Write:
    return Stored(letter, States.DISCARDED, operator.at, operator.who, id).to_write()


def audit(act: str, operator: Operator, result: str, detail: Mapping[str, Any], id: str = "") -> Write:
    """The row in `fabric.operations` about one act, to be written in one transaction with what it does."""
    row = Operation(id or _new_id(), act, operator.who, operator.at, operator.reason, detail, operator.where, result)
    return row.to_write()


def _commit(kafka: Kafka, writes: Sequence[Write], row: Write) -> None:
    transactions = Transactions(kafka, f"psfabric.act.{(row.key or b'').decode()}")
    try:
        transactions.begin()
        transactions.write([*writes, row])
    except (Fenced, Indefinite) as error:
        raise Unavailable(f"{error}; look whether it was done (it may be), and ask again") from None
    finally:
        transactions.close()


def _new_id() -> str:
    return f"act-{secrets.token_hex(8)}"

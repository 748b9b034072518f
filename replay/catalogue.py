"""All dead letters of some components, listed and grouped in bounded memory, and where each of them stands.

They are read once into a database on disk (`collecting`); listing reads it row by row, grouping is SQL. A dead letter
is closed when its subject (component, event) has a final receipt that is younger, or when an operator discarded or
amended it. Several of one subject are one failure that came again: the newest counts, the older ones failed again.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.errors import Transient
from replay.collecting import JUDGED, OWN, Tell, collect, opened
from replay.deadletters import DeadLetter
from replay.reading import Place
from replay.receipts import About
from replay.scratch import room
from replay.selection import EVERYTHING, Selection, names
from replay.states import UNSETTLED, State
from replay.worth import Worth

GROUPS: Mapping[str, tuple[str, ...]] = {
    "cause": ("component", "code", "exception"),
    "component": ("component",),
    "client": ("client",),
    "entity": ("entity",),
    "period": ("period",),
    "currency": ("currency",),
}
"""By what dead letters can be counted together."""

_NEWEST = tuple(state for state in State if state is not State.FAILED_AGAIN)
_COLUMNS = (*OWN, *(name for name in JUDGED if name not in OWN))
_PLAIN = ("component", "code", "type", "client", "entity", "period", "incident")


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters counted together. `by` names and values; instants are ISO text in UTC, `oldest_ms` when the broker
    stored the first. `worth` is summed by legal entity, client, currency and period; `without_worth` counts those that
    are no events, or cannot be read."""

    by: Mapping[str, str]
    records: int
    without_worth: int
    oldest: str
    newest: str
    oldest_ms: int
    worth: list[Worth] = field(default_factory=list)


class Catalogue:
    """`away`: why the worth of some is not known; "" unless the schema registry gave no answer."""

    def __init__(self, db: sqlite3.Connection, away: str) -> None:
        self._db, self.away = db, away

    def letters(self, selection: Selection = EVERYTHING) -> Iterator[DeadLetter]:
        """Those that fit, the oldest first, one by one."""
        where, values = self._where(selection)
        query = f"SELECT {', '.join(_COLUMNS)} FROM catalogue WHERE {where} {_oldest_first(selection)}"
        return map(_letter, self._db.execute(query, values))

    def by_place(self, selection: Selection = EVERYTHING) -> Iterator[DeadLetter]:
        """The same ones, in the order in which they lie in their partitions."""
        where, values = self._where(selection)
        chosen = f"SELECT * FROM catalogue WHERE {where} {_oldest_first(selection)}"
        query = f"SELECT {', '.join(_COLUMNS)} FROM ({chosen}) ORDER BY component, partition, offset"
        return map(_letter, self._db.execute(query, values))

    def of_subject(self, subject: About) -> list[DeadLetter]:
        """Every dead letter of one subject, the oldest first."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM catalogue WHERE subject = ? ORDER BY buried_ms, offset"
        return list(map(_letter, self._db.execute(query, (subject.terminal,))))

    def codes(self) -> list[str]:
        """Every code that any of them has."""
        return [code for (code,) in self._db.execute("SELECT DISTINCT code FROM letter ORDER BY code")]

    def unjudged(self, selection: Selection) -> int:
        """How many fit but for client, legal entity and period, which their content does not say."""
        where, values = self._where(replace(selection, client=(), entity=(), period=()))
        return int(
            self._db.execute(f"SELECT count(*) FROM catalogue WHERE NOT known AND {where}", values).fetchone()[0]
        )

    def groups(self, selection: Selection, by: Sequence[str]) -> list[Group]:
        """Those that fit, counted by some of `GROUPS`, sorted by these; by nothing: all together, even none.

        `selection.limit` is not for this."""
        columns = [column for name in by for column in GROUPS[name]]
        where, values = self._where(selection)
        shared = ", ".join([*columns, ""]) if columns else ""
        counted = self._db.execute(
            f"SELECT {shared} count(*), coalesce(sum(NOT known), 0), coalesce(min(first_failed_at), ''), "
            "coalesce(max(last_failed_at), ''), coalesce(min(buried_ms), 0) "
            f"FROM catalogue WHERE {where} {_grouped(columns)}",
            values,
        )
        found = {
            row[: len(columns)]: Group(dict(zip(columns, row, strict=False)), *row[len(columns) :]) for row in counted
        }
        detail = [*columns, "entity", "client", "currency", "period"]
        summed = self._db.execute(
            f"SELECT {', '.join(detail)}, sum(seconds), exactly(money), count(*) "
            f"FROM catalogue WHERE known AND {where} {_grouped(detail)}",
            values,
        )
        for row in summed:
            entity, client, currency, period, seconds, money, records = row[len(columns) :]
            worth = Worth(entity, client, currency, seconds, Decimal(money), records, period)
            found[row[: len(columns)]].worth.append(worth)
        return list(found.values())

    def _where(self, selection: Selection) -> tuple[str, list[Any]]:
        if selection.by_content and self.away:
            raise Transient(f"client, legal entity and period are not known: {self.away}")
        states = tuple(map(str, selection.state or _NEWEST))
        plain = [(name, getattr(selection, name)) for name in _PLAIN]
        clauses, values = ["1"], list[Any]()
        for name, wanted in [*plain, ("state", states)]:
            if wanted:
                clauses.append(f"{name} IN ({', '.join('?' * len(wanted))})")
                values += wanted
        if selection.key:
            marks = ", ".join("?" * len(selection.key))
            clauses.append(f"(key_text IN ({marks}) OR aggregate_id IN ({marks}))")
            values += [*selection.key, *selection.key]
        if selection.id:
            clauses.append(f"({' OR '.join(['names(?, aggregate_id, origin, key_text)'] * len(selection.id))})")
            values += selection.id
        for instant, sign in ((selection.since, ">="), (selection.until, "<")):
            if instant is not None:
                clauses.append(f"failed_us {sign} ?")
                values.append(_microseconds(instant))
        return " AND ".join(clauses), values


@contextlib.contextmanager
def catalogue(
    kafka: Kafka, components: Iterable[str], codec: Codec | None = None, tell: Tell = lambda sentence: None
) -> Iterator[Catalogue]:
    """Read the dead letters of the components and what became of them. `codec`: decode them too, for worth and for
    filters on content. `tell` is given a line of progress now and then.

    Raises Unavailable, also where there is no room for the list on disk.
    """
    with contextlib.closing(opened()) as db, room("the list of dead letters"):
        db.create_function("names", 4, _names, deterministic=True)
        db.create_aggregate("exactly", 1, _Exactly)  # type: ignore[arg-type] # typeshed knows of numbers only
        yield Catalogue(db, collect(db, kafka, components, codec, tell))


def dead_letters(kafka: Kafka, components: Iterable[str], selection: Selection = EVERYTHING) -> list[DeadLetter]:
    """The newest dead letter of each subject, open or closed, oldest first, in a list. Raises Unavailable."""
    with catalogue(kafka, components) as found:
        return list(found.letters(selection))


def open_dead_letters(kafka: Kafka, components: Iterable[str], selection: Selection = EVERYTHING) -> list[DeadLetter]:
    """Those of `dead_letters` that still want somebody's eye."""
    return dead_letters(kafka, components, replace(selection, state=tuple(UNSETTLED)))


class _Exactly:
    """The sum of decimals, which SQLite itself would add up as floats."""

    def __init__(self) -> None:
        self._sum = Decimal(0)

    def step(self, money: Any) -> None:
        self._sum += Decimal(money)

    def finalize(self) -> str:
        return str(self._sum)


def _letter(row: tuple[Any, ...]) -> DeadLetter:
    named = dict(zip(_COLUMNS, row, strict=True))
    topic, partition, offset = named["origin"].rsplit("/", 2)
    origin = Place(topic, int(partition), int(offset))
    return DeadLetter(**{**named, "origin": origin, "state": State(named["state"])})


def _names(asked: str, aggregate_id: str, origin: str, key: str) -> bool:
    return names(asked, aggregate_id, origin.rsplit("/", 2)[0], key)


def _oldest_first(selection: Selection) -> str:
    limit = "" if selection.limit is None else f" LIMIT {int(selection.limit)}"
    return f"ORDER BY buried_ms, id{limit}"


def _grouped(columns: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(columns)} ORDER BY {', '.join(columns)}" if columns else ""


def _microseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000)

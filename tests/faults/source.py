"""What the source systems say: time entries, their corrections and what they are worth, made from a seed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.faults.ledger import Ledger, Said

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROLE = "Consultant"


@dataclass(frozen=True, slots=True)
class Project:
    """A project, its client, and the company that bills it. `cents` is the price of one hour in minor units."""

    id: str
    client: str
    currency: str
    cents: int
    company: str

    @property
    def legal_entity(self) -> str:
        return f"LE-{self.company}"

    def worth(self, seconds: int) -> Decimal:
        """To the minor unit, half up; in whole numbers, so that nothing is shared with how the sink reckons."""
        return Decimal((seconds * self.cents * 2 + 3600) // 7200) / 100


@dataclass(slots=True)
class Sayings:
    """Says one version after the other and keeps the ledger. `corrections`: share of versions that change an entry.

    A key of a fat source has several entries; a thin source is asked for the latest state of one, so there the key
    is the entry.
    """

    run: str
    projects: list[Project]
    seed: int
    keys: int = 24
    corrections: float = 0.25
    months: tuple[str, ...] = ("2026-03",)
    ledger: Ledger = field(default_factory=Ledger)
    _counts: dict[str, int] = field(default_factory=dict)
    _entries: dict[str, list[str]] = field(default_factory=dict)
    _editions: dict[str, int] = field(default_factory=dict)
    _facts: dict[str, tuple[Project, date]] = field(default_factory=dict)
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def say(self, *, thin: bool = False, key: str = "", new: bool = False, posted: bool = True) -> Mapping[str, object]:
        """One more version, as the source's JSON. It is in the ledger from now on."""
        rng = self._rng
        key = key or f"{self.run}-{'t' if thin else 'k'}{rng.randrange(self.keys)}"
        id_ = self._entry(key, thin, new)
        edition = self._editions[id_] = self._editions.get(id_, 0) + 1
        seq = self._counts[key] = self._counts.get(key, 0) + 1
        project, day = self._facts.setdefault(id_, (rng.choice(self.projects), self._day()))
        seconds = rng.randrange(1, 36_000)
        said = Said(
            id_, edition, key, seq, project.company, project.client, project.currency, project.worth(seconds),
            time.time(), posted,
        )  # fmt: skip
        self.ledger.said.append(said)
        return {
            "id": id_, "edition": edition, "key": key, "seq": seq, "client": project.client, "project": project.id,
            "legal_entity": project.legal_entity, "seconds": seconds, "day": day.isoformat(),
            "at": (BEGIN + timedelta(seconds=edition)).isoformat(),
        }  # fmt: skip

    def _entry(self, key: str, thin: bool, new: bool) -> str:
        known = self._entries.setdefault(key, [])
        if thin:
            return known[0] if known else self._made(key, key)
        if known and not new and self._rng.random() < self.corrections:
            return self._rng.choice(known)
        return self._made(key, f"{key}-{len(known)}")

    def _made(self, key: str, id_: str) -> str:
        self._entries[key].append(id_)
        return id_

    def _day(self) -> date:
        year, month = map(int, self._rng.choice(self.months).split("-"))
        return date(year, month, self._rng.randrange(1, 29))

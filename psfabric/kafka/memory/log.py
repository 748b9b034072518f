"""One partition: what lies at which offset, and what of it a read_committed reader sees."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from psfabric.event import Record


class Fate(Enum):
    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(slots=True, eq=False)
class Unit:
    """What a transaction wrote, and whether it counts."""

    fate: Fate = Fate.OPEN


@dataclass(frozen=True, slots=True)
class Entry:
    """An offset that is taken. Without a record it is a transaction marker."""

    offset: int
    record: Record | None
    unit: Unit | None = None

    @property
    def visible(self) -> bool:
        return self.record is not None and (self.unit is None or self.unit.fate is Fate.COMMITTED)


@dataclass(slots=True)
class Log:
    """One partition: entries by offset, gaps where compaction was; `end` is the offset of the next write."""

    start: int = 0
    end: int = 0
    entries: list[Entry] = field(default_factory=list)
    open: dict[Unit, int] = field(default_factory=dict)
    """First offset of each transaction that has not ended."""

    def append(self, record: Record | None, unit: Unit | None) -> None:
        self.entries.append(Entry(self.end, record, unit))
        if unit is not None and unit.fate is Fate.OPEN:
            self.open.setdefault(unit, self.end)
        elif unit is not None:
            self.open.pop(unit, None)
        self.end += 1

    @property
    def stable(self) -> int:
        """The last stable offset: where a read_committed reader stops, the first of a transaction still open."""
        return min(self.open.values(), default=self.end)

    def read(self, position: int, limit: int) -> tuple[list[Record], int]:
        """Up to `limit` committed records from `position` on, and the position after them: the end when all is read."""
        position, stable, found = max(position, self.start), self.stable, list[Record]()
        for entry in self.entries[bisect_left(self.entries, position, key=lambda e: e.offset) :]:
            if entry.offset >= stable or len(found) == limit:
                return found, min(entry.offset, stable)
            if entry.visible and entry.record is not None:
                found.append(entry.record)
        return found, max(position, stable)

    def compact(self) -> None:
        """Leave the last record of each key; a tombstone goes with what it deletes. Offsets stay."""
        last = {e.record.key: e.offset for e in self.entries if e.visible and e.record is not None}
        self.entries = [e for e in self.entries if e.offset >= self.stable or self._stays(e, last)]

    def _stays(self, entry: Entry, last: Mapping[bytes | None, int]) -> bool:
        record = entry.record
        return record is not None and entry.visible and last[record.key] == entry.offset and record.value is not None

    def retain(self, start: int) -> None:
        """Retention: everything below `start` is gone."""
        self.start = max(self.start, min(start, self.end))
        self.entries = [e for e in self.entries if e.offset >= self.start]

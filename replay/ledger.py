"""The one writer of `fabric.operations`: an act, its audit row and the row's place in the chain are one transaction.

All writers share one transactional id. Whoever begins under it fences the one before and completes what that one left
open; only then it reads the last row, to which its own is tied. So of two who act at the same time one is refused, and
goes again after the other.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.backoff import Backoff
from psfabric.errors import FabricError, Unavailable
from psfabric.event import Record
from psfabric.kafka import Fenced, Indefinite, Settled, Transactions
from replay.operations import TOPIC, Operation, hash_before, operation_of

WITHIN = 60.0
"""Seconds after which somebody who is fenced again and again, or gets no answer, gives up."""

NEAR = 16
"""Offsets before the end where the last row is looked for first; transaction markers take some of them."""

Make = Callable[[int], Operation]
Writes = Callable[[Operation], Sequence[Write]]


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of the chain, and where the log ended when it was read."""

    seq: int
    hash: str
    end: int


@dataclass(slots=True)
class _Tries:
    """Rows of one act whose fate nobody told; they can only be at `since` or behind it."""

    ids: set[str] = field(default_factory=set)
    since: int = 0


class Ledger:
    """Blocking, not thread-safe; close it, or use it in `with`. Holding it between acts hinders nobody."""

    def __init__(self, kafka: Kafka, *, within: float = WITHIN, transactions: Transactions | None = None) -> None:
        self._within = within
        self._transactions = transactions or Transactions(kafka, TOPIC)
        self._log = Settled(kafka, TOPIC)
        self._backoff = Backoff(base=0.2, cap=5.0)
        self._random = random.Random()
        self._head: Head | None = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._transactions.close()
        self._log.close()

    def append(self, make: Make, writes: Writes = lambda row: (), *, once: bool = False) -> Operation:
        """Append one row, and in the same transaction what it is about; returns the row as it is stored.

        `make` gives the row for the number that it gets, `writes` what belongs to that row; both are called again
        when somebody else came first, so what they depend on is to be read in them. `once`: when a row of this id is
        there already, nothing is done and that row is returned.

        Raises WriteFailed (TooLarge) when nothing was written and it is of no use to try again; Unavailable when Kafka
        does not answer, or others came first for `within` seconds; what `make` and `writes` raise.
        """
        deadline, tries, attempt = time.monotonic() + self._within, _Tries(), 0
        while True:
            try:
                return self._try(make, writes, once, tries)
            except (Fenced, Indefinite, Unavailable) as error:
                self._head = None
                if isinstance(error, Unavailable) and not tries.ids:
                    raise
                if time.monotonic() > deadline:
                    raise _given_up(tries, error) from None
            except BaseException:
                self._head = None
                raise
            attempt += 1
            time.sleep(self._backoff.wait(attempt, self._random))

    def _try(self, make: Make, writes: Writes, once: bool, tries: _Tries) -> Operation:
        head = self._head or self._take_over()
        done = self._find(tries.ids, tries.since) if tries.ids else None
        row = done or make(head.seq + 1).chained(head.seq + 1, head.hash)
        if done is None and once:
            done = self._find({row.id}, 0)
        if done is not None:
            return done
        tries.since = tries.since if tries.ids else head.end
        tries.ids.add(row.id)
        self._transactions.write([row.to_write(), *writes(row)])
        self._head = replace(head, seq=row.seq, hash=row.hash)
        return row

    def _take_over(self) -> Head:
        """Fence whoever wrote before and read the last row, which nobody but us can follow now."""
        self._log.end()  # the connection first: others are kept from their acts for a moment less
        self._transactions.begin()
        end, reach = self._log.end(), NEAR
        while True:
            since = max(0, end - reach)
            records = self._log.read(since)
            rows = [row for record in records if (row := _row(record)) is not None]
            if rows:
                head = max(rows, key=lambda row: row.seq)  # the last but for copies, which are somebody else's
                return Head(head.seq, head.hash, end)
            if since == 0:
                return Head(0, hash_before((record.key, record.value) for record in records), end)
            reach *= 8

    def _find(self, ids: set[str], since: int) -> Operation | None:
        rows = (_row(record) for record in self._log.read(since))
        return next((row for row in rows if row is not None and row.id in ids), None)


def append(kafka: Kafka, row: Operation, writes: Sequence[Write] = (), *, once: bool = False) -> Operation:
    """One act whose row and writes are known beforehand. Raises as `Ledger.append` does."""
    with Ledger(kafka) as ledger:
        return ledger.append(lambda seq: row, lambda row: writes, once=once)


def _row(record: Record) -> Operation | None:
    """A row of the chain as it was written; None for one before it, and for what is none: acts go on nevertheless, and
    verifying tells of it."""
    try:
        row = operation_of(record)
    except ValueError:
        return None
    return row if row.seq and row.hash == row.digest() else None


def _given_up(tries: _Tries, error: FabricError) -> Unavailable:
    ids = ", ".join(sorted(tries.ids))
    return Unavailable(
        f"{error}; whether it was done is not known: `psfabric operations list --id {ids}` shows it, if it was"
    )

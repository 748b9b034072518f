"""Writes exported dead letters back to where they were: those that are not there any more, and each only once.

An imported dead letter keeps key, value and headers, on its partition; one more header says where and when it lay
before (`fabric-dlq-imported`), so that receipts of that time still close it. A batch and its audit row are one Kafka
transaction of the ledger, and what is there is looked at when the ledger keeps every other writer away: two who import
the same at once write each record once between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import FabricError
from psfabric.event import Record
from psfabric.kafka import Admin
from replay import exported_folder, exported_lines
from replay.acts import DONE, Operator
from replay.deadletters import IMPORTED
from replay.errors import Declined, Interrupted, NotThere
from replay.exported import Written
from replay.ledger import Ledger
from replay.operations import Operation
from replay.reading import scan

AT_ONCE = 500
BYTES_AT_ONCE = 4 * 1024 * 1024
"""What one transaction holds at most, but for a record that is larger."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export of which every hash fits."""

    path: Path
    written: Written

    def records(self) -> Iterator[Record]:
        """Read once more. Raises Declined when it was changed since."""
        if self.path.is_dir():
            return exported_folder.records(self.path)
        return exported_lines.records(self.path, self.written)


@dataclass(frozen=True, slots=True)
class Imported:
    """`written` of `total` were not there and were (or would be) written."""

    written: int
    total: int


def verified(path: Path) -> Export:
    """Check every hash of an export. Raises NotThere for what cannot be read; Declined for what is no export, or was
    changed: anything altered, missing, added, or leading elsewhere."""
    try:
        if path.is_dir():
            return Export(path, exported_folder.verified(path))
        return Export(path, exported_lines.verified(path))
    except OSError as error:
        raise NotThere(f"the export {path} cannot be read: {error.strerror}") from None


def import_(
    kafka: Kafka,
    export: Export,
    components: Iterable[str],
    operator: Operator,
    *,
    dry_run: bool = False,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Write what is not there. `components`: those that there are here.

    Raises Declined, before anything is written, for records of another component or partition; Interrupted when it
    stopped on the way: importing again writes the rest.
    """
    topics = _topics(kafka, export, frozenset(components))
    done, seen = 0, 0
    with Ledger(kafka) as ledger:
        missing = _Missing(kafka, topics)
        for batch in _batches(export.records()):
            seen += len(batch)
            left = missing.of(batch)
            if left and not dry_run:
                left = _written(ledger, missing, batch, export, operator, done)
            missing.there |= set(map(_identity, left))
            done += len(left)
            tell(seen, export.written.records)
    return Imported(done, export.written.records)


class _Missing:
    """What is in the topics, as it was when it was last looked at. `certain`: nobody but us has written since."""

    def __init__(self, kafka: Kafka, topics: Sequence[str]) -> None:
        self._kafka, self._topics = kafka, topics
        self.certain = False
        self.look()

    def look(self) -> None:
        self.there = {_identity(record) for record in scan(self._kafka, self._topics)}

    def of(self, batch: Iterable[Record]) -> list[Record]:
        """Those that are not there, each once."""
        found = {identity: record for record in batch if (identity := _identity(record)) not in self.there}
        return list(found.values())


class _AllThere(Exception):
    """Somebody else has imported all of a batch meanwhile."""


def _written(
    ledger: Ledger, missing: _Missing, batch: Sequence[Record], export: Export, operator: Operator, done: int
) -> list[Record]:
    """Write those of a batch that are missing, with their audit row; returns them.

    The ledger asks for the row once it keeps every other writer away, and once more when it was itself kept away: what
    is there is looked at then, unless nobody else can have come since we last did.
    """
    left: list[Record] = []

    def row(seq: int) -> Operation:
        if not missing.certain:
            missing.look()
        missing.certain = False
        left[:] = missing.of(batch)
        if not left:
            raise _AllThere
        detail = {"records": [record.coordinates for record in left], "sha256": export.written.sha256}
        return operator.row("dlq.import", DONE, detail)

    try:
        ledger.append(row, lambda row: [_restored(record) for record in left])
    except _AllThere:
        return []
    except FabricError as error:
        if not done:
            raise
        raise Interrupted(f"{done} were imported, then: {error}; import again to write the rest") from None
    missing.certain = True
    return left


def _topics(kafka: Kafka, export: Export, components: frozenset[str]) -> list[str]:
    """The dlq topics that the records belong to. Raises Declined for one that is not here."""
    highest: dict[str, int] = {}
    for record in export.records():
        highest[record.topic] = max(record.partition, highest.get(record.topic, 0))
    found = Admin(kafka).end_offsets(highest)
    for topic, partition in highest.items():
        component = topic.removeprefix("dlq.")
        if component == topic or component not in components:
            raise Declined(f"{topic} is of no component of the pipeline files here; nothing was imported")
        if (topic, partition) not in found:
            raise Declined(f"{topic} has no partition {partition} here; nothing was imported")
    return sorted(highest)


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch, size = list[Record](), 0
    for record in records:
        if len(batch) == AT_ONCE or (batch and size + len(record.value or b"") > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record.value or b"")
    if batch:
        yield batch


def _restored(record: Record) -> Write:
    headers = record.headers
    if not any(name == IMPORTED for name, _ in headers):
        headers = (*headers, (IMPORTED, f"{record.coordinates}@{record.timestamp_ms}".encode()))
    return Write(record.topic, record.key, record.value, headers, record.partition)


def _identity(record: Record) -> bytes:
    """The same for a record as it lay first and as it was imported."""
    own = tuple((name, value) for name, value in record.headers if name != IMPORTED)
    text = repr((record.topic, record.partition, record.key, record.value, own)).encode(errors="surrogatepass")
    return blake2b(text, digest_size=16).digest()

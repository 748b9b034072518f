"""Fills the reference store from `ref.*`; a Kafka consumer elsewhere hands it records and does the seeking.

    positions = loader.begin(ends)              # seek there
    match loader.apply(records, positions_now): # also with no records, at least once a second: it notices a flush
        case Reload(): begin again and seek
        case Applied(): go on

Any number of loaders may work on one Redis: values never go back, and positions only join on to what is there.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psfabric.errors import Transient
from psfabric.event import Record
from psfabric.reference import scripts
from psfabric.reference.link import Link
from psfabric.reference.stamp import Item, Tp, chunks, item_of, newest

CHUNK_ITEMS = 500
CHUNK_BYTES = 1 << 20
"""One script call blocks Redis while it runs: these keep it near a millisecond."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The records are in the copy. `written` values are new, `older` ones were known in a newer form; `refused` are
    the records nobody could look up (key missing, not text, or not `<entity>:<id>`)."""

    written: int
    older: int
    complete: bool
    refused: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Reload:
    """The copy this loader was filling is gone or is not what it thought: `begin` again, and seek where it says."""

    why: str


def _token() -> str:
    return secrets.token_hex(16)


class Loader:
    """Applies records of `ref.*`. Not thread-safe. All methods raise Transient when Redis cannot do it now; calling
    again with the same arguments is always right."""

    def __init__(
        self,
        url: str,
        *,
        cluster: str,
        prefix: str = "psf",
        timeout: float = 5.0,
        token: Callable[[], str] = _token,
    ) -> None:
        self._link, self._key = Link(url, timeout), f"{prefix}:ref"
        self._cluster = cluster
        self._new_token = token
        self._epoch = ""
        self._positions: dict[Tp, int] = {}

    def begin(self, ends: Mapping[Tp, int]) -> dict[Tp, int]:
        """Begin an epoch, or join the one that is there; answers from where to read each partition (0: beginning).

        `ends` holds the end offset of **every** partition of every `ref.*` topic, read just now. An epoch is joined
        when it is of this Redis run and this Kafka cluster; lookups wait until the new ends are reached.
        """
        tps = sorted(ends)
        pairs = [text for tp in tps for text in (str(tp), str(ends[tp]))]
        answer = self._link.run(scripts.BEGIN, self._key, [self._new_token(), self._cluster, *pairs])
        if answer[0] != b"ok":
            raise Transient(scripts.WHY.get(answer[0].decode(), "the reference store could not be begun"))
        self._epoch = answer[2].decode()
        self._positions = dict(zip(tps, map(int, answer[4]), strict=True))
        return dict(self._positions)

    def apply(self, records: Sequence[Record], positions: Mapping[Tp, int]) -> Applied | Reload:
        """Keep the records and then move the stamp. `positions` are the consumer's positions after them: where an EOF
        was met, its offset (transaction markers and compacted records leave no record to count from).

        Partitions not named keep their position. A position below the known one changes nothing.
        """
        strange = sorted(str(tp) for tp in positions if tp not in self._positions)
        if strange:
            return Reload(f"partitions that were not there at the beginning: {', '.join(strange)}")
        items, refused = _sorted_out(records)
        return self._send(newest(items), positions, tuple(refused))

    def close(self) -> None:
        self._link.close()

    def _send(self, items: Sequence[Item], moved: Mapping[Tp, int], refused: tuple[Record, ...]) -> Applied | Reload:
        written = older = 0
        runs = [*chunks(items, CHUNK_ITEMS, CHUNK_BYTES)] or [[]]
        for n, run in enumerate(runs, 1):
            # The stamp moves with the last run only: it may lag behind the values, never lead them.
            answer = self._link.run(scripts.APPLY, self._key, self._arguments(run, moved if n == len(runs) else {}))
            if answer[0] != b"ok":
                return Reload(scripts.WHY.get(answer[0].decode(), "refused"))
            written, older = written + answer[1], older + answer[2]
        self._positions = {tp: max(at, moved.get(tp, at)) for tp, at in self._positions.items()}
        return Applied(written, older, answer[3] == b"1", refused)

    def _arguments(self, items: Iterable[Item], moved: Mapping[Tp, int]) -> list[Any]:
        steps = [text for tp, to in moved.items() for text in (str(tp), self._positions[tp], to)]
        values = [
            part for i in items for part in (i.key, i.partition, i.offset, int(i.value is not None), i.value or b"")
        ]
        return [self._epoch, len(moved), *steps, *values]


def _sorted_out(records: Iterable[Record]) -> tuple[list[Item], list[Record]]:
    items: list[Item] = []
    refused: list[Record] = []
    for record in records:
        item = item_of(record)
        if item is None:
            refused.append(record)
        else:
            items.append(item)
    return items, refused

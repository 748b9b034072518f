"""Hydrate: a thin notice in `raw.<source>` becomes the full record in `full.<source>`."""

from __future__ import annotations

from collections.abc import Sequence

from psfabric.adapters import Thin
from psfabric.codec import Codec
from psfabric.engine import Policy, Result, Work, Write
from psfabric.engine.deadletter import own_headers
from psfabric.engine.lane import Lane
from psfabric.errors import Invalid
from psfabric.event import HeaderList, Raw, Record
from psfabric.outcomes import Delivered
from psfabric.stages.base import Calling, refused

ABSENT = "fabric-absent"


def raw_of(record: Record) -> Raw:
    """What a record of `raw.*` or `full.*` says. Raises Invalid: null-key, null-value."""
    if record.key is None:
        raise Invalid("null-key", f"{record.topic} does not allow records without a key: nothing orders them")
    if record.value is None:
        raise Invalid("null-value", f"{record.topic} does not allow records without a value")
    texts = {n: v.decode(errors="replace") for n, v in own_headers(record.headers) if v is not None}
    return Raw(record.key.decode(errors="replace"), record.value, texts, absent=texts.get(ABSENT) == "1")


def headers_of(raw: Raw) -> HeaderList:
    named = {**raw.headers, ABSENT: "1"} if raw.absent else raw.headers
    return tuple((n, v.encode()) for n, v in named.items())


class HydrateStage(Calling):
    def __init__(self, policy: Policy, codec: Codec, adapter: Thin, source: str) -> None:
        super().__init__(policy, codec)
        self._adapter = adapter
        self._output = f"full.{source}"
        self.inputs = (f"raw.{source}",)

    async def handle(self, works: Sequence[Work], lanes: dict[int, Lane], now: float) -> Sequence[Result]:
        return [await self._one(work.record) for work in works]

    async def _one(self, record: Record) -> Result:
        try:
            full = await self._adapter.hydrate(raw_of(record))
        except Exception as error:  # noqa: BLE001 - see `refused`
            return refused(self.name, error)
        output = Write(self._output, full.key.encode(), full.body, headers_of(full))
        return Result(Delivered(""), (output, *self.passed_on(record)))

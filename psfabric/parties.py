"""Who makes and who reads each event, as adapters declare it: `python -m psfabric.parties` prints it as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import schemas
from psfabric.adapters import Processor, Source
from psfabric.pipelines import discover
from psfabric.reach import consumers
from schemas.pages.parties import Parties, Party
from schemas.review.consumers import NAME, external

OUTSIDE = Path(schemas.__file__).parent / NAME


def parties(outside: Path = OUTSIDE) -> Parties:
    """All adapters of this repository, by the names of their modules (`price-time`), and the readers outside of it."""
    readers: dict[str, list[Party]] = defaultdict(list)
    for each in chain(consumers(), external(outside)):
        for event, fields in each.reads.items():
            readers[event].append(Party(each.name, each.kind, tuple(fields), each.owner))
    makers: dict[str, list[Party]] = defaultdict(list)
    for event, party in _makers():
        makers[event].append(party)
    return Parties(_sorted(makers), _sorted(readers))


def _makers() -> Iterator[tuple[str, Party]]:
    kinds: tuple[tuple[str, str, Any], ...] = (("source", "producers", Source), ("processor", "processors", Processor))
    for kind, package, base in kinds:
        for module, adapter in discover(package, base).items():
            for event in adapter.emits:
                if event not in getattr(adapter, "accepts", ()):  # what it accepts too it passes on
                    yield event, Party(module.replace("_", "-"), kind)


def _sorted(found: Mapping[str, list[Party]]) -> Mapping[str, tuple[Party, ...]]:
    return {event: tuple(sorted(found[event], key=lambda party: party.name)) for event in sorted(found)}


if __name__ == "__main__":
    print(parties().as_json())

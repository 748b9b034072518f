"""Who makes and who reads each event, as adapters declare it: `python -m psfabric.parties` prints it as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from psfabric.adapters import Processor, Sink, Source
from psfabric.pipelines import discover
from schemas.pages.parties import Parties, Party


def parties() -> Parties:
    """All adapters of this repository, by the names of their modules: `price-time`."""
    makers: dict[str, list[Party]] = defaultdict(list)
    readers: dict[str, list[Party]] = defaultdict(list)
    kinds: tuple[tuple[str, str, Any], ...] = (
        ("source", "producers", Source),
        ("processor", "processors", Processor),
        ("sink", "sinks", Sink),
    )
    for kind, package, base in kinds:
        for module, adapter in discover(package, base).items():
            name = module.replace("_", "-")
            accepts = getattr(adapter, "accepts", ())
            made = [event for event in getattr(adapter, "emits", ()) if event not in accepts]  # the rest is passed on
            _add(makers, made, name, kind, {})
            _add(readers, accepts, name, kind, getattr(adapter, "reads", {}))
    return Parties(_sorted(makers), _sorted(readers))


def _add(
    into: dict[str, list[Party]], events: Iterable[str], name: str, kind: str, reads: Mapping[str, tuple[str, ...]]
) -> None:
    for event in events:
        into[event].append(Party(name, kind, tuple(reads.get(event, ()))))


def _sorted(found: Mapping[str, list[Party]]) -> Mapping[str, tuple[Party, ...]]:
    return {event: tuple(sorted(found[event], key=lambda party: party.name)) for event in sorted(found)}


if __name__ == "__main__":
    print(parties().as_json())

"""Whom a change reaches: the consumers that read a field, whatever it is called on its way to them.

A value goes on in two ways. An enriched event has all fields of its event; and a processor copies fields of the same
name into the events that it makes (`hands_on`). So who reads `enriched.time.TimeApproved.worked_seconds` is reached by
a change of `time.TimeSubmitted.worked_seconds`, by way of the processors between.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.base import HEAD_FIELDS
from schemas.contract import ENRICHED, UnknownEvent, avro, names
from schemas.review.avro import Enum, Record, Type, Union, below
from schemas.review.avro import parts as inside
from schemas.review.consumers import ALL, Consumer

UNREADABLE = ("backward-", "forward-")
"""Beginnings of codes after which the whole record cannot be decoded, whichever fields are read."""

APPENDED = "enrichment"
_FILE = re.compile(r"(?P<event>[a-z]+\.[A-Z][A-Za-z]+)_v[1-9][0-9]*")
_RECORD = re.compile(r"psf\.(?P<event>[a-z]+\.[A-Z][A-Za-z]+)")


@dataclass(frozen=True)
class About:
    """The event that a schema file describes, and where in the event its record stands."""

    event: str
    inside: str = ""

    @classmethod
    def file(cls, file: Path) -> About | None:
        """By the name of the file: `time.TimeApproved_v1.avsc`, or the same in a folder `enrichment`."""
        match = _FILE.fullmatch(file.stem)
        if not match:
            return None
        return cls(ENRICHED + match["event"], APPENDED) if file.parent.name == APPENDED else cls(match["event"])

    @classmethod
    def record(cls, name: str) -> About | None:
        """By the full name of the record: `psf.time.TimeApproved`, `psf.enrichment.TimeApprovedEnrichment`."""
        for each in names().values():
            if name == each.subject:
                return cls(each.event)
            if each.enriched and name == f"psf.{APPENDED}.{each.name}Enrichment":
                return cls(each.event, APPENDED)
        match = _RECORD.fullmatch(name)
        return cls(match["event"]) if match else None


@dataclass(frozen=True)
class Hit:
    """A consumer that a change reaches."""

    consumer: Consumer
    event: str
    """The event in which the value comes to it."""
    field: str
    """What it reads of what has changed; "" when it is the record as a whole."""
    via: tuple[str, ...] = ()
    """Consumers that hand the value on, in their order."""

    @property
    def way(self) -> str:
        return " → ".join((*self.via, self.consumer.name))

    def as_dict(self) -> dict[str, Any]:
        """As `--output json` gives it; these keys are a promise."""
        who = self.consumer
        return {
            "name": who.name,
            "kind": who.kind,
            "owner": who.owner,
            "contact": who.contact,
            "groups": list(who.groups),
            "event": self.event,
            "field": self.field,
            "via": list(self.via),
        }


def has_field(event: str, field: str) -> bool:
    """Whether an event of this release has a top-level field; of one that it does not know, anything is believed."""
    try:
        return field in {each["name"] for each in avro(event)["fields"]}
    except UnknownEvent:
        return True


class Reach:
    """What consumers read. `has(event, field)` says whether an event has a top-level field; unknown events may."""

    def __init__(self, consumers: Iterable[Consumer], has: Callable[[str, str], bool] = has_field) -> None:
        self.consumers = tuple(consumers)
        self._has = has

    def of_field(self, event: str, path: str) -> list[Hit]:
        """Consumers that read a field, or something in it; the nearest first, each once."""
        plain = plain_path(path)
        if not plain or plain.split(".")[0] in HEAD_FIELDS:
            return self.of_event(event)
        found: dict[str, Hit] = {}
        ways: deque[tuple[str, tuple[str, ...]]] = deque([(event, ())])
        seen = {event}
        while ways:
            at, via = ways.popleft()
            for each in self.consumers:
                if each.name not in found and (hit := _reads(each.reads.get(at), plain)) is not None:
                    found[each.name] = Hit(each, at, hit, via)
            for onward, by in self._onward(at, plain.split(".")[0]):
                if onward not in seen:
                    seen.add(onward)
                    ways.append((onward, (*via, by) if by else via))
        return list(found.values())

    def of_event(self, event: str) -> list[Hit]:
        """Consumers that decode an event, itself or enriched: all that read it, whichever fields."""
        names = (event,) if event.startswith(ENRICHED) else (event, ENRICHED + event)
        return [Hit(each, name, "") for name in names for each in self.consumers if name in each.reads]

    def of_finding(self, about: About, code: str, path: str, root: Type | None = None) -> list[Hit]:
        """Consumers that a finding about a schema reaches.

        root: the schema. A type that it uses in several places is told of once; with it, readers of all are found.
        """
        if not path or code.startswith(UNREADABLE):
            return self.of_event(about.event)
        found: dict[str, Hit] = {}
        for place in places(root, path) if root else [path]:
            for each in self.of_field(about.event, below(about.inside, place)):
                found.setdefault(each.consumer.name, each)
        return list(found.values())

    def of_topic(self, events: Iterable[str]) -> list[Hit]:
        """Consumers of events under just these names: those that read a topic, each once."""
        hits = [Hit(each, name, "") for name in events for each in self.consumers if name in each.reads]
        return list({hit.consumer.name: hit for hit in reversed(hits)}.values())[::-1]

    def _onward(self, event: str, field: str) -> Iterable[tuple[str, str]]:
        """Events into which a field goes, and who copies it there ("" when the event is only enriched)."""
        if not event.startswith(ENRICHED):
            yield ENRICHED + event, ""
        for each in self.consumers:
            for made in each.hands_on.get(event, ()):
                if self._has(made, field):
                    yield made, each.name


def _reads(paths: Sequence[str] | None, changed: str) -> str | None:
    """What of these paths a change of `changed` touches; None: nothing."""
    for path in paths or ():
        if path in (ALL, changed) or path.startswith(f"{changed}.") or changed.startswith(f"{path}."):
            return changed if path == ALL else path
    return None


MOST_PLACES = 10_000
"""Paths of one schema that are looked at; types in types in types have more than anybody reads."""


def places(root: Type, path: str) -> list[str]:
    """Every path at which what stands at `path` stands, itself first: the type around a field, or an enum, may be used
    for several fields."""
    plain = plain_path(path)
    known = dict(_paths(root))
    around, _, name = plain.rpartition(".")
    found = [plain]
    if isinstance(record := known.get(around), Record):
        found += [below(at, name) for at, each in known.items() if each is record]
    if isinstance(enum := known.get(plain), Enum):
        found += [at for at, each in known.items() if each is enum]
    return list(dict.fromkeys(found))


def paths_of(root: Type) -> frozenset[str]:
    """Every path that a consumer may be said to read."""
    return frozenset(at for at, _ in _paths(root) if at)


def _paths(root: Type) -> Iterator[tuple[str, Type]]:
    """Every path with its type, without the marks of lists, maps and branches; a type inside itself only once."""
    waiting: list[tuple[str, Type, tuple[Type, ...]]] = [("", root, ())]
    for _ in range(MOST_PLACES):
        if not waiting:
            return
        at, node, around = waiting.pop(0)
        if not isinstance(node, Record | Enum) and (next(iter(inside(node, at)), None) or isinstance(node, Union)):
            waiting = [(at, part, around) for _, part in inside(node, at)] + waiting
            continue
        yield at, node
        if isinstance(node, Record) and not any(node is each for each in around):
            waiting += [(below(at, each.name), each.type, (*around, node)) for each in node.fields]


def plain_path(path: str) -> str:
    """A path of a finding as consumers write it: `lines[].amount`, `rates{}.x` and `note<int>` without their marks."""
    return re.sub(r"\[\]|\{\}|<[^>]*>", "", path).strip(".")

"""Older majors of events: records of them are read through upgrade rules, as the major that this release serves.

A process serves one major of an event, the highest. What an earlier release wrote stays readable: its bytes are decoded
with the schema of its own major, and the rules in `upgrades/` take its fields to the current one, step by step.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas import contract
from schemas.base import HEAD_FIELDS
from schemas.contract import EventName, Schema

UPGRADES = Path(__file__).parent / "upgrades"

Fields = dict[str, Any]
Upgrade = Callable[[Fields], Fields]


class UpgradeFailed(ValueError):
    """A record of an older major could not be taken to the current one; the message names rule and reason, no value."""


@dataclass(frozen=True)
class Superseded:
    """An older major of an event."""

    name: EventName
    schema: Schema
    """As its records are decoded before the rules are applied."""
    steps: tuple[Step, ...]

    def upgraded(self, old: Fields) -> Fields:
        """Its fields as those of the current major. Raises `UpgradeFailed`."""
        fields = dict(old)
        added = {"enrichment": fields.pop("enrichment")} if self.name.enriched else {}
        for step in self.steps:
            fields = step.run(step.rule, step.file, fields)
            if step.enrichment and added:
                added = {"enrichment": step.run(step.enrichment, step.file, added["enrichment"])}
        moved = [name for name in HEAD_FIELDS if fields.get(name) != old[name]]
        if moved:
            raise UpgradeFailed(f"{self.steps[-1].file} changes {', '.join(moved)}: the head of an event stays")
        return {**fields, **added}


@dataclass(frozen=True)
class Step:
    """From one major to the next: the rule for the event, and one for the enrichment where it has changed."""

    file: str
    rule: Upgrade
    enrichment: Upgrade | None = None

    @staticmethod
    def run(rule: Upgrade, file: str, fields: Fields) -> Fields:
        try:
            found = rule(dict(fields))
        except Exception as error:
            raise UpgradeFailed(f"{file} refuses the record: {type(error).__name__}") from error
        if not isinstance(found, dict):
            raise UpgradeFailed(f"{file} returned a {type(found).__name__}, not the fields of a record")
        return found


def rule_file(name: EventName, enrichment: bool = False) -> str:
    """`time_TimeApproved_v1_v2.py`: the rule from a major to the next."""
    prefix = "enrichment_" if enrichment else ""
    return f"{prefix}{name.entity}_{name.name}_v{name.major}_v{name.major + 1}.py"


@cache
def all_superseded() -> dict[str, Superseded]:
    """Older majors by the full name of their Avro record. Raises `ValueError`: a rule is missing or is none."""
    return {each.name.subject: each for each in _all()}


def superseded(record: str) -> Superseded | None:
    """The older major whose records have this full name; None: it is a current one, or none at all."""
    return all_superseded().get(record)


def subjects(event: str) -> tuple[str, ...]:
    """Every subject of an event in the registry: that of the current major, then those of older ones."""
    older = (each.name.subject for each in all_superseded().values() if each.name.event == event)
    return contract.name_of(event).subject, *older


def _all() -> Iterator[Superseded]:
    for folder, enriched in ((contract.AVRO, False), (contract.AVRO / "enrichment", True)):
        for majors in contract.majors(folder).values():
            names = [EventName(each.entity, each.name, each.major, enriched) for each in majors]
            for at, name in enumerate(names[:-1]):
                yield Superseded(name, contract.schema_of(name), tuple(map(_step, names[at:-1])))


def _step(name: EventName) -> Step:
    event = EventName(name.entity, name.name, name.major)
    file = UPGRADES / rule_file(event)
    if not file.is_file():
        raise ValueError(
            f"upgrades/{file.name}: {event.event} has a major {name.major + 1}, and no rule takes records of major "
            f"{name.major} there; write `upgrade(old)` in it"
        )
    added = UPGRADES / rule_file(event, enrichment=True)
    return Step(file.name, load(file), load(added) if name.enriched and added.is_file() else None)


def load(file: Path) -> Upgrade:
    """The function of a rule. Raises `ValueError`: the file has none, or fails when it is read."""
    spec = importlib.util.spec_from_file_location(f"schemas.upgrades.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ValueError(f"upgrades/{file.name}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"upgrades/{file.name}: it cannot be loaded: {type(error).__name__}: {error}") from error
    rule = getattr(module, "upgrade", None)
    if not callable(rule):
        raise ValueError(f"upgrades/{file.name}: it has no function `upgrade(old)`")
    found: Upgrade = rule
    return found


def event_of(ce_type: str) -> str:
    """The event of a `ce_type` of whichever major: `time.TimeApproved` of `psf.time.TimeApproved.v1`; else ""."""
    start, _, major = ce_type.rpartition(".v")
    return start.removeprefix("psf.") if start.startswith("psf.") and major.isdigit() else ""

"""`topics.toml` as typed data: every topic of the fabric, who owns it, and the topics of one installation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas import toml
from schemas.contract import Classification

FILE = Path(__file__).parent / "topics.toml"
DAY_MS = 86_400_000
NAME = re.compile(r"(?=.{1,100}$)[a-z0-9]+(-[a-z0-9]+)*(\.hydrate)?")

Words = Annotated[str, StringConstraints(min_length=10, strip_whitespace=True)]


class Entry(BaseModel):
    """What a catalogue file holds: frozen, strict, no key but those that are named."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Owner(Entry):
    """A team, and where to go when it does not answer."""

    team: Words
    escalation: Words


class Rule(Entry):
    """One topic, or a family of topics: `<source>`, `<target>`, `<component>`, `<system>` stands for an instance."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z]+\.([a-z][a-z-]*|<source>|<target>|<component>|<system>)$")]
    description: Words
    owner: str
    types: tuple[str, ...] = Field(strict=False)
    """Event types that it carries, or one of the words `any` (original bytes of any input) and `internal`."""
    key: Annotated[str, StringConstraints(min_length=5)]
    cleanup: Literal["delete", "compact", "compact,delete"]
    retention_days: Annotated[int, Field(ge=-1)]
    """Days; -1 keeps for ever."""
    classification: Classification
    tombstones: bool
    """Whether a null value is legal; elsewhere it is a dead letter `null-value`."""
    writers: Literal["fabric", "systems"] = "fabric"
    """`systems`: teams may publish here; `fabric`: only the fabric's own components write it."""
    orders_by: Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")] = "aggregate_id"
    """The field whose value is the Kafka key of every event on a topic that systems write."""
    only_thin: bool = False
    """The topic exists only for sources whose notices are thin."""
    partitions: Annotated[int, Field(ge=1)] | None = None
    """None: the default. hold, redo, dlq and applied must have as many as their input, so only fabric.* may differ."""
    max_message_bytes: Annotated[int, Field(ge=1024)] | None = None
    log_append_time: bool = False


class Topic(Entry):
    """A topic to create: `config` has Kafka's own names; the replication factor is the cluster's business."""

    name: str
    partitions: int
    config: dict[str, str]
    rule: str
    """Name of the entry in topics.toml that it follows."""
    tombstones: bool


class Audit(Entry):
    """For how long at least the records of some topics are kept."""

    topics: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """Families (`psf` is every psf.*), or whole names as in the entries."""
    days: Annotated[int, Field(ge=-1)]
    """-1: for ever."""
    why: Words

    def holds_for(self, name: str) -> bool:
        """Whether an entry is among its topics."""
        return name in self.topics or name.split(".")[0] in self.topics


class Topics(Entry):
    """topics.toml."""

    partitions: Annotated[int, Field(ge=1)]
    max_message_bytes: Annotated[int, Field(ge=1024)]
    owners: dict[str, Owner]
    audit: tuple[Audit, ...] = Field(default=(), strict=False)
    topic: tuple[Rule, ...] = Field(strict=False)

    def rule(self, name: str) -> Rule:
        """The entry that a topic name follows: `deliver.tryton-uk` -> `deliver.<target>`; `LookupError` when none."""
        family = name.split(".", 1)[0]
        for rule in self.topic:
            if rule.name == name or (rule.name.endswith(">") and rule.name.split(".")[0] == family):
                return rule
        raise LookupError(f"topic {name!r} is not in schemas/topics.toml: add it there with an owner")

    def least_days(self, name: str) -> int:
        """Days for which the audit rule has the records of an entry kept at least: 0 without one, -1 for ever."""
        asked = [each.days for each in self.audit if each.holds_for(name)]
        return -1 if -1 in asked else max(asked, default=0)

    def open_to_systems(self) -> tuple[str, ...]:
        """The event types that systems may publish, sorted."""
        named = (type for rule in self.topic if rule.writers == "systems" for type in rule.types)
        return tuple(sorted(type for type in named if "." in type))

    def concrete(
        self,
        sources: Mapping[str, bool],
        processors: Iterable[str] = (),
        sinks: Iterable[str] = (),
        partitions: int | None = None,
        systems: Iterable[str] = (),
    ) -> list[Topic]:
        """Every topic of an installation, sorted by name.

        `sources` maps each source instance to whether its notices are thin; then it has `full.<source>` and the
        component `<source>.hydrate`. `systems` write straight to Kafka and have `ingress.<system>`. `partitions`
        replaces the default of the file. A component name used twice, one that a topic name cannot carry, and a
        partition count below 1 raise `ValueError`.
        """
        sinks = tuple(sinks)
        components = [*sources, *(f"{name}.hydrate" for name, thin in sources.items() if thin), *processors, *sinks]
        _refuse_names(components)
        default = self.partitions if partitions is None else partitions
        if default < 1:
            raise ValueError(f"a topic has at least one partition, not {default}")
        names = {
            "<source>": list(sources),
            "<target>": list(sinks),
            "<component>": components,
            "<system>": sorted(systems),
        }
        return sorted(
            (self._topic(rule, name, default) for rule in self.topic for name in _expand(rule, names, sources)),
            key=lambda topic: topic.name,
        )

    def _topic(self, rule: Rule, name: str, partitions: int) -> Topic:
        config = {
            "cleanup.policy": rule.cleanup,
            "retention.ms": str(rule.retention_days * DAY_MS if rule.retention_days >= 0 else -1),
            "max.message.bytes": str(rule.max_message_bytes or self.max_message_bytes),
        }
        if rule.log_append_time:
            config["message.timestamp.type"] = "LogAppendTime"
        count = rule.partitions or partitions
        return Topic(name=name, partitions=count, config=config, rule=rule.name, tombstones=rule.tombstones)


def _refuse_names(components: list[str]) -> None:
    wrong = sorted(name for name in components if not NAME.fullmatch(name))
    if wrong:
        raise ValueError(
            f"not a component name: {', '.join(map(repr, wrong))}; use a-z, 0-9 and -, at most 100 characters"
        )
    twins = sorted({name for name in components if components.count(name) > 1})
    if twins:
        raise ValueError(f"component name used twice: {', '.join(twins)}; a name means one consumer group, rename one")


def _expand(rule: Rule, names: Mapping[str, list[str]], sources: Mapping[str, bool]) -> list[str]:
    family, _, variable = rule.name.partition(".")
    if variable not in names:
        return [rule.name]
    return [f"{family}.{name}" for name in names[variable] if not rule.only_thin or sources.get(name)]


@cache
def topics() -> Topics:
    """topics.toml, checked; `toml.FileError` lists what is wrong with it."""
    return parse(FILE.read_text(encoding="utf-8"))


def parse(text: str) -> Topics:
    """The text of a topics.toml, checked; `toml.FileError` lists what is wrong with it."""
    found = toml.read(text, Topics, FILE.name)
    unowned = [rule for rule in found.topic if rule.owner not in found.owners]
    if unowned:
        raise toml.FileError("\n".join(f"{FILE.name}: {r.name}: owner {r.owner!r} is not in [owners]" for r in unowned))
    return found

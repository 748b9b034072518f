"""docs/events.md: the catalogue of all events, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemas import contract, rules
from schemas.catalogue import Rule, topics
from schemas.contract import ENRICHED, EventName
from schemas.pages import tables
from schemas.pages.parties import Parties, Party
from schemas.pages.picture import business, diagram, relations
from schemas.render import topic_of

UP = ".."
"""The top of the repository, from the page."""

INTRODUCTION = """# Events

Generated from [schemas](../schemas/README.md) by `python -m schemas.generate`; do not edit. The same as a document for
programs: [asyncapi.json](asyncapi.json).

An event says what happened, and carries the full state of what it happened to. Text that is `""` means none. A
**local date** has its zone in a field beside it, an **instant** is in UTC; amounts are exact decimals. **Protection**
`personal` or `confidential` keeps a value out of logs, traces and comments; without a word it is internal.
**Default** is what a reader finds where the writer did not know the field yet.
"""

HEAD = """## The head

Every event begins with these fields. Two events about one thing are in order by their version, the pair (`sequence`,
`revision`), compared as text: the higher one is the state. A correction is the same type again under a higher version;
a deletion is an event of its own. Every event ends with `extensions`.

Rules say what its fields must be to each other. A new event that breaks one is a dead letter `rule-violated` that names
the rule; a code is never renamed.
"""


def catalogue(parties: Parties) -> str:
    """The whole page."""
    by_entity = _by_entity()
    parts = [INTRODUCTION, *_index(by_entity), *_picture(), HEAD, tables.fields_table(_common())]
    for entity, events in by_entity.items():
        parts += _entity(entity, events, parties)
    parts += ["## Types", "Records and enums that fields refer to, by name.", *_types()]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _by_entity() -> dict[str, list[EventName]]:
    """Canonical events by entity, both in the order of topics.toml, each with its enriched form behind it."""
    canonical = [name for name in contract.names().values() if not name.enriched]
    found: dict[str, list[EventName]] = {}
    for rule in topics().topic:
        here = {name.event: name for name in canonical if topic_of(name) == rule.name}
        for event in (each for each in rule.types if each in here):
            found.setdefault(here[event].entity, []).append(here[event])
    return {
        entity: [each for name in events for each in (name, contract.names().get(ENRICHED + name.event)) if each]
        for entity, events in found.items()
    }


def _common() -> list[dict[str, Any]]:
    """What all events have: the head, and the extensions behind everything else."""
    fields: list[dict[str, Any]] = contract.head_schema()["fields"]
    extensions = contract.avro(business()[0])["fields"][-1]
    return [*fields, extensions]


def _index(by_entity: dict[str, list[EventName]]) -> Iterator[str]:
    yield "## Index"
    rows = []
    for entity, events in by_entity.items():
        for name in events:
            if not name.enriched:
                doc = tables.cell(tables.first_sentence(contract.avro(name.event)["doc"]))
                first = f"[{entity}](#{entity}-events)" if name is events[0] else ""
                rows.append(f"| {first} | [{name.name}](#{anchor(name)}) | {doc} |".replace("|  |", "| |"))
    yield "\n".join(["| entity | event | what happened |", "|---|---|---|", *rows])


def _picture() -> Iterator[str]:
    yield "## Who refers to whom"
    yield (
        "Read off the id fields; `||` where a rule requires the id, `o|` where it may be none, `o{` where there may be "
        "several. Every event also names its legal entity."
    )
    yield f"```mermaid\n{diagram(relations(business()))}\n```"


def _entity(entity: str, events: Sequence[EventName], parties: Parties) -> Iterator[str]:
    rule = topics().rule(topic_of(events[0]))
    yield f"## {entity} events"
    yield f"{rule.description}\n\n{topic_facts(rule)}"
    earlier: list[EventName] = []
    for name in events:
        yield from _event(name, earlier, parties)
        earlier += [] if name.enriched else [name]
    if found := [rule for rule in rules.every() if any(name.event in rule.events for name in events)]:
        yield f"### Rules of {entity} events"
        yield tables.rules_table(found)


def topic_facts(rule: Rule) -> str:
    """A topic in a few lines: name, owner, key, how long it is kept, who may write."""
    owner = topics().owners[rule.owner]
    kept = "for ever" if rule.retention_days < 0 else f"{rule.retention_days} days"
    kept = f"latest state of each key, {kept}" if rule.cleanup == "compact" else kept
    writers = "systems may publish here" if rule.writers == "systems" else "only the fabric writes here"
    return "\n".join(
        (
            f"- topic `{rule.name}`, {writers}; protection {rule.classification}; kept: {kept}",
            f"- key: {rule.key}; events of one key are in order",
            f"- owner: {owner.team}; escalation: {owner.escalation}",
        )
    )


def _event(name: EventName, earlier: Sequence[EventName], parties: Parties) -> Iterator[str]:
    schema = contract.avro(name.event)
    yield f"### {name.event}"
    yield schema["doc"]
    yield facts(name, parties)
    if name.enriched:
        yield (
            f"The fields of [{name.entity}.{name.name}](#{anchor(name, enriched=False)}), followed by one record "
            "`enrichment`:"
        )
        yield tables.fields_table(contract.enrichment(name.event)["fields"])
    else:
        yield from _fields(name, earlier)
    if found := [rule for rule in rules.every() if name.event in rule.events]:
        codes = ", ".join(f"`{rule.code}`" for rule in found)
        yield f"[Rules](#rules-of-{name.entity}-events): {codes}"
    if text := tables.example(name.event):
        yield f"<details><summary>example</summary>\n\n```json\n{tables.compact(text)}\n```\n\n</details>"


def _fields(name: EventName, earlier: Sequence[EventName]) -> Iterator[str]:
    """The fields of an event; those that an earlier state of the entity has alike are told there."""
    own = tables.own_fields(name.event)
    told = [tables.own_fields(each.event) for each in earlier]
    whole = [(fields, each) for fields, each in zip(told, earlier, strict=True) if all(part in own for part in fields)]
    if not whole:
        yield tables.fields_table(own)
        return
    fields, state = max(whole, key=lambda pair: len(pair[0]))
    rest = [part for part in own if part not in fields]
    link = f"[{state.event}](#{anchor(state)})"
    yield f"The fields of {link}, and these:" if rest else f"The fields of {link}."
    if rest:
        yield tables.fields_table(rest)


def facts(name: EventName, parties: Parties) -> str:
    """`ce_type`, schema file, who makes and who reads it, as a list."""
    topic = "deliver.&lt;target&gt;" if name.enriched else f"`{topic_of(name)}`"
    file = tables.schema_file(name)
    lines = [f"- `{name.ce_type}` on {topic}; schema [{file.rpartition('/')[2]}]({UP}/{file})"]
    if made := parties.makers.get(name.event):
        lines.append(f"- made by {_named(made)}")
    if read := parties.readers.get(name.event):
        lines.append(f"- read by {_named(read)}")
    return "\n".join(lines)


def _named(parties: Sequence[Party]) -> str:
    return "; ".join(
        f"{each.kind} `{each.name}`{f' of {each.owner}' if each.owner else ''}{_read(each.fields)}" for each in parties
    )


def _read(fields: Sequence[str]) -> str:
    """The fields that a reader names; of a record in the event the field that holds it, of the enrichment its own."""
    tops = dict.fromkeys(".".join(path.split(".")[: 2 if path.startswith("enrichment.") else 1]) for path in fields)
    if "*" in tops:
        return " (every field)"
    return f" ({', '.join(f'`{name}`' for name in tops)})" if tops else ""


def _types() -> Iterator[str]:
    for name, schema in tables.types().items():
        yield f"### {name}"
        yield tables.type_section(schema)


def anchor(name: EventName, enriched: bool | None = None) -> str:
    """As a Markdown viewer makes it of the heading."""
    full: Any = name.event if enriched is None or enriched == name.enriched else f"{name.entity}.{name.name}"
    return str(full).replace(".", "").lower()

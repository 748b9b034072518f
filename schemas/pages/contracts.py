"""docs/topics.md: what whoever writes or reads a topic can rely on, topic by topic."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from schemas import contract, rules
from schemas.catalogue import Rule, Topics, topics
from schemas.contract import EventName
from schemas.pages import tables
from schemas.pages.events import anchor
from schemas.pages.parties import Parties, Party

INTRODUCTION = """# Topics

Generated from [schemas](../schemas/README.md) by `python -m schemas.generate`; do not edit. What the events are is in
[events.md](events.md), how a system publishes some itself in [publishing.md](publishing.md).

Where nothing else is said: values are Avro in Confluent framing (magic byte 0, 4 bytes of schema id), the subject of a
schema is the name of its record; the [headers](publishing.md#headers) are CloudEvents 1.0 in binary mode; a key goes to
its partition by murmur2, and events of one key are in order. hold, redo, dlq and applied have as many partitions as
what their component reads. Days are counted from a record's own time, `LogAppendTime` from when the broker took it.
"""

CLEANUP = {
    "delete": "deleted after {days}",
    "compact": "compacted: the latest of each key stays for ever",
    "compact,delete": "compacted, and deleted after {days}",
}
WRITERS = {
    "systems": "systems that the broker's access list lets ([how](publishing.md)), and the fabric",
    "fabric": "only the fabric's own components",
}
INGRESS = "the one system that it is for ([how](publishing.md#the-border)); nobody else"
CONTENT = {
    "any": "records of any kind, as they came: bytes and headers are those of whoever wrote them",
    "internal": "the fabric's own records (JSON), which nobody else reads or writes",
}

_Who = tuple[str, str, str]
"""Kind, name and owner of a party."""


def page(parties: Parties) -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## Index", _index(topics())]
    for rule in topics().topic:
        parts += _section(rule, parties)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _index(catalogue: Topics) -> str:
    owners = catalogue.owners
    rows = [
        f"| [`{rule.name}`](#{_anchor(rule)}) | {tables.cell(rule.description)} | {owners[rule.owner].team} |"
        for rule in catalogue.topic
    ]
    return "\n".join(["| topic | what | owner |", "|---|---|---|", *rows])


def _section(rule: Rule, parties: Parties) -> Iterator[str]:
    names = [contract.name_of(event) for event in rule.types if event in contract.names()]
    yield f"## `{rule.name}`"
    yield rule.description
    yield _facts(rule)
    if not names:
        yield from _without_types(rule)
        return
    yield _types(names)
    yield _others(names, parties)
    if found := _rules(names):
        yield found
    if _open(rule):
        yield _example(names)


def _facts(rule: Rule) -> str:
    owner, catalogue = topics().owners[rule.owner], topics()
    key = f"{_shown(rule.key)}; the field `{rule.orders_by}`" if _open(rule) else _shown(rule.key)
    days = "never" if rule.retention_days < 0 else f"{rule.retention_days} days"
    least = catalogue.least_days(rule.name)
    kept = CLEANUP[rule.cleanup].format(days=days)
    kept = "kept for ever" if rule.cleanup == "delete" and rule.retention_days < 0 else kept
    audit = f"; the audit rule asks for {'for ever' if least < 0 else f'{least} days'}" if least else ""
    largest = rule.max_message_bytes or catalogue.max_message_bytes
    rows = (
        ("owner", f"{owner.team}; escalation: {owner.escalation}"),
        ("who writes", INGRESS if _ingress(rule) else WRITERS[rule.writers]),
        ("key", key),
        ("partitions", str(rule.partitions or catalogue.partitions) + ("" if rule.partitions else ", unless set")),
        ("kept", kept + audit),
        ("protection", rule.classification),
        ("largest record", f"{largest:,} bytes"),
        ("null values", "tombstones: the key is no more" if rule.tombstones else "none: one is a dead letter"),
        ("time", "`LogAppendTime`" if rule.log_append_time else "of the record"),
    )
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {tables.cell(text)} |" for name, text in rows)])


def _without_types(rule: Rule) -> Iterator[str]:
    if _ingress(rule):
        yield "It takes these, as far as the border's settings let its system say them:"
        yield _types([contract.name_of(event) for event in topics().open_to_systems()])
        return
    yield f"It holds {' and '.join(CONTENT[each] for each in rule.types)}."


def _types(names: Sequence[EventName]) -> str:
    rows = [_type(name) for name in names]
    return "\n".join(["| event | `ce_type` | subject | protection | when |", "|---|---|---|---|---|", *rows])


def _type(name: EventName) -> str:
    when = tables.cell(tables.first_sentence(contract.avro(name.event)["doc"]))
    names = f"[{name.event}](events.md#{anchor(name)}) | `{name.ce_type}` | `{name.subject}`"
    return f"| {names} | {contract.classification(name.event)} | {when} |"


def _others(names: Sequence[EventName], parties: Parties) -> str:
    makers = _by_party((name.event, party) for name in names for party in parties.makers.get(name.event, ()))
    readers = _by_party((name.event, party) for name in names for party in parties.readers.get(name.event, ()))
    return "\n".join(
        (
            f"- written in this repository by: {_listed(makers) or 'nobody yet'}",
            f"- read by: {_listed(readers) or 'nobody yet'}",
        )
    )


def _by_party(pairs: Iterable[tuple[str, Party]]) -> dict[_Who, list[str]]:
    """The events of each."""
    found: dict[_Who, list[str]] = {}
    for event, party in pairs:
        found.setdefault((party.kind, party.name, party.owner), []).append(event.rpartition(".")[2])
    return dict(sorted(found.items()))


def _listed(parties: Mapping[_Who, Sequence[str]]) -> str:
    return "; ".join(
        f"{kind} `{name}`{f' of {owner}' if owner else ''} ({', '.join(events)})"
        for (kind, name, owner), events in parties.items()
    )


def _rules(names: Sequence[EventName]) -> str:
    """The rules of a topic with the events that they are about."""
    about: dict[str, list[EventName]] = {}
    says: dict[str, str] = {}
    for name in names:
        for rule in rules.of(name.event):
            about.setdefault(rule.code, []).append(name)
            says[rule.code] = rule.message
    if not about:
        return ""
    linked = {code: ", ".join(f"[{each.name}](events.md#{anchor(each)})" for each in of) for code, of in about.items()}
    rows = [f"| `{code}` | {links} | {tables.cell(says[code])} |" for code, links in linked.items()]
    return "\n".join(["| rule | of | broken when |", "|---|---|---|", *rows])


def _example(names: Sequence[EventName]) -> str:
    """The value of one event as people write it, and the headers that go with it."""
    name = names[0]
    text = tables.example(name.event)
    head = json.loads(text)
    headers = {
        "content-type": "application/avro",
        "ce_specversion": "1.0",
        "ce_id": head["event_id"],
        "ce_source": "payroll-acme",
        "ce_type": name.ce_type,
        "ce_time": head["sequence"].partition("/")[0],
        "ce_subject": head["aggregate_id"],
        "ce_partitionkey": head["partition_key"],
        "ce_sequence": head["sequence"],
        "ce_revision": head["revision"],
        "ce_legalentity": head["legal_entity"],
        "ce_dataclassification": contract.classification(name.event),
    }
    lines = "\n".join(f"{key}: {value}" for key, value in headers.items() if value)
    link = f"[events.md](events.md#{anchor(name)})"
    return (
        f"<details><summary>headers of a {name.event}</summary>\n\n```text\n{lines}\n```\n\n"
        f"Its value is in {link}; more in `schemas/examples/`.\n\n</details>"
    )


def _open(rule: Rule) -> bool:
    """Whether systems may write it, event by event."""
    return rule.writers == "systems" and not _ingress(rule)


def _ingress(rule: Rule) -> bool:
    return rule.name.startswith("ingress.")


def _shown(text: str) -> str:
    """Markdown takes what stands in angle brackets for HTML."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _anchor(rule: Rule) -> str:
    """As a Markdown viewer makes it of the heading."""
    return "".join(c for c in rule.name if c.isalnum() or c in "-_")

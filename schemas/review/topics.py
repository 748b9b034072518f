"""What a change of `topics.toml` breaks: order, retention, what is compacted, who answers, what is protected.

Two files are compared, that of the merge base and that of the branch. Descriptions, and topics that are new, break
nothing; a new topic has to keep the audit rule, too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from schemas import toml
from schemas.catalogue import Rule, Topics
from schemas.contract import CLASSIFICATIONS
from schemas.review.checked import Checked
from schemas.review.declared import refusing
from schemas.review.files import BadSchema
from schemas.review.finding import BREAK, HAZARD, NOTE, Code

NAME = "topics.toml"

CODES: dict[str, Code] = {
    "topic-removed": Code(
        (BREAK,), "a topic is no longer declared: nobody makes it, answers for it, or says what it holds"
    ),
    "topic-key-changed": Code(
        (BREAK,), "records are ordered and compacted by another key: those of one object overtake"
    ),
    "topic-partitions-changed": Code(
        (BREAK,), "keys move to other partitions: old and new records of one object overtake"
    ),
    "topic-type-removed": Code(
        (BREAK,), "an event type is no longer carried: its readers wait, its records are strangers"
    ),
    "topic-classification-lowered": Code((BREAK,), "records that are protected are said to be less so"),
    "topic-owner-removed": Code((BREAK,), "nobody answers for the topic"),
    "retention-below-audit": Code((BREAK,), "records are gone before the audit rule of topics.toml allows it"),
    "audit-rule-lowered": Code((BREAK,), "the audit rule itself asks for less than it did"),
    "cleanup-changed": Code((BREAK, NOTE), "what is deleted or compacted away, that was kept until now"),
    "tombstones-changed": Code((HAZARD,), "whether a null value is legal: readers meet one, or deletions are refused"),
    "message-size-lowered": Code((HAZARD,), "records that fitted are refused by the broker"),
    "timestamps-changed": Code((HAZARD,), "records are dated by another clock, by which retention and replays go"),
    "retention-shortened": Code((NOTE,), "records are gone sooner; the audit rule allows it"),
}

NO_OWNER = "No owner of [owners] is named. When records of it are wrong or missing, nobody is called."
GONE = "It is not declared any more. The topic and its records stay in the cluster, and nobody looks after them."
MOVED = (
    "Kafka moves no record: new records of a key go to another partition than its old ones and are read in any order, "
    "so an older state may be taken for the latest. Make a new topic, or let all readers finish first."
)
NULLS = {
    True: "A null value is legal now. Readers that know of none fail, or take the deletion for an empty record.",
    False: "A null value is not legal any more. Deletions become dead letters `null-value`; what they delete stays.",
}

_NOBODY = "nobody"


def findings(file: Path, before: bytes | None, now: bytes | None) -> Iterator[Checked]:
    """What a change of the file breaks. None: it is not there. Raises `BadSchema`: it is no catalogue of topics now."""
    new, unowned = _read(now, file) if now is not None else (_NONE, [])
    old = _NONE
    try:
        old = _read(before, file)[0] if before is not None else _NONE
    except BadSchema as error:
        text = f"At the merge base it is no catalogue of topics, so only the audit rule was asked: {error}"
        yield Checked(file, "history-unreadable", NOTE, "", text)
    carried = {rule.name: rule.types for rule in (*new.topic, *old.topic)}
    for code, path, message in _compared(old, new, unowned):
        nothing_lost = code == "cleanup-changed" and KEPT in message
        topic, _, event = path.partition("/")
        events = (event,) if event else carried.get(topic, ())
        yield Checked(file, code, CODES[code].severities[-1 if nothing_lost else 0], path, message, events=events)


def _read(body: bytes, file: Path) -> tuple[Topics, list[str]]:
    """The catalogue, and the topics in it that nobody owns."""
    try:
        data = tomllib.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSchema(f"{file}: not TOML: {error}") from None
    entries, owners = data.get("topic"), data.get("owners")
    unowned = []
    if isinstance(entries, list) and isinstance(owners, dict):
        unowned = [each for each in entries if isinstance(each, dict) and str(each.get("owner")) not in owners]
    for each in unowned:
        each["owner"] = _NOBODY
    with refusing():
        return toml.checked(data, Topics, file.as_posix()), [str(each.get("name")) for each in unowned]


_NONE = Topics(partitions=1, max_message_bytes=1024, owners={}, topic=())

Found = tuple[str, str, str]
"""Code, path, message."""


def _compared(old: Topics, new: Topics, unowned: list[str]) -> Iterator[Found]:
    before = {rule.name: rule for rule in old.topic}
    yield from (("topic-owner-removed", name, NO_OWNER) for name in unowned)
    if before and new.topic:
        yield from _defaults(old, new)
    for rule in new.topic:
        yield from _retention(before.get(rule.name), rule, old, new)
        if rule.name in before:
            yield from _ordered(before[rule.name], rule, old, new)
            yield from _carried(before[rule.name], rule, old)
            yield from _cleanup(before[rule.name], rule)
    for name in sorted(before.keys() - {rule.name for rule in new.topic}):
        yield "topic-removed", name, GONE


def _defaults(old: Topics, new: Topics) -> Iterator[Found]:
    """Changes of what holds for many topics, told once."""
    if old.partitions != new.partitions:
        text = f"Topics without a number of their own have {new.partitions} partitions instead of {old.partitions}."
        yield "topic-partitions-changed", "partitions", f"{text} {MOVED}"
    if new.max_message_bytes < old.max_message_bytes:
        yield "message-size-lowered", "max_message_bytes", _smaller(old.max_message_bytes, new.max_message_bytes)
    for name in dict.fromkeys(name for each in old.audit for name in each.topics):
        least, now = old.least_days(name), new.least_days(name)
        if _shorter(now, least):
            text = f"The audit rule has {name} kept {_days(now)} instead of {_days(least)}."
            yield "audit-rule-lowered", name, f"{text} That is for whoever audits the books to decide."


def _retention(before: Rule | None, rule: Rule, old: Topics, new: Topics) -> Iterator[Found]:
    days, least = rule.retention_days, new.least_days(rule.name)
    was = before.retention_days if before else None
    if _shorter(days, least):
        if was != days or not _shorter(was, old.least_days(rule.name)):
            why = next((each.why for each in new.audit if each.days == least and each.holds_for(rule.name)), "")
            text = f"Its records are kept {_days(days)}; the audit rule asks for {_days(least)}: {why}"
            yield "retention-below-audit", rule.name, text
    elif was is not None and _shorter(days, was):
        text = f"Its records are kept {_days(days)} instead of {_days(was)}, which the audit rule allows."
        yield "retention-shortened", rule.name, text


def _ordered(old: Rule, new: Rule, before: Topics, now: Topics) -> Iterator[Found]:
    """What the order of records rests on: key, partitions, clock."""
    if _words(old.key) != _words(new.key):
        text = f"The key was {old.key!r} and is {new.key!r} now; Kafka keeps the order of one key only."
        yield "topic-key-changed", new.name, f"{text} {MOVED}"
    was, count = old.partitions or before.partitions, new.partitions or now.partitions
    if was != count and (old.partitions or new.partitions):
        yield "topic-partitions-changed", new.name, f"It has {count} partitions instead of {was}. {MOVED}"
    if old.log_append_time != new.log_append_time:
        clock = "the broker's clock" if new.log_append_time else "the clock of whoever writes"
        text = f"Records are dated by {clock} now; retention goes by that, and so do replays from a point in time."
        yield "timestamps-changed", new.name, text


def _carried(old: Rule, new: Rule, before: Topics) -> Iterator[Found]:
    """What may be in the topic, and who may see it."""
    if CLASSIFICATIONS.index(new.classification) < CLASSIFICATIONS.index(old.classification):
        text = (
            f"Its records were {old.classification} and are {new.classification} now: who may read them goes by that."
        )
        yield "topic-classification-lowered", new.name, text
    for event in (each for each in old.types if each not in new.types):
        text = f"It does not carry {event} any more: its readers wait for ever, and its records there are strangers."
        yield "topic-type-removed", f"{new.name}/{event}", text
    if old.tombstones != new.tombstones:
        yield "tombstones-changed", new.name, NULLS[new.tombstones]
    largest = old.max_message_bytes or before.max_message_bytes
    if new.max_message_bytes and new.max_message_bytes < largest:
        yield "message-size-lowered", new.name, _smaller(largest, new.max_message_bytes)


KEPT = "More is kept than before, and nothing is lost."


def _cleanup(old: Rule, new: Rule) -> Iterator[Found]:
    added = set(new.cleanup.split(",")) - set(old.cleanup.split(","))
    said = {
        "compact": "All but the latest record of a key goes, so that what an object was before cannot be read again.",
        "delete": "What has not changed within the retention goes, so that a reader which begins anew misses it.",
    }
    if old.cleanup != new.cleanup:
        lost = " ".join(said[each] for each in sorted(added)) or KEPT
        yield "cleanup-changed", new.name, f"It was cleaned up by {old.cleanup} and is by {new.cleanup} now. {lost}"


def _smaller(old: int, new: int) -> str:
    return f"A record may have {new} bytes instead of {old}. A larger one is refused, and its component stands still."


def _shorter(days: int | None, than: int) -> bool:
    """Whether so many days are less; -1 is for ever, None is no promise at all."""
    return days is not None and days != -1 and (than == -1 or days < than)


def _days(count: int) -> str:
    return "for ever" if count == -1 else f"{count} days"


def _words(text: str) -> str:
    """A key without what is only spelling: capitals, spaces."""
    return " ".join(text.lower().split())

"""Dead letters in any topic, whoever wrote them: `dlq list|show|stats` and `replay plan|verify` with --topic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import typer

from cli import exits, show

if TYPE_CHECKING:
    from cli.installation import Installation
    from cli.options import Format
    from psfabric.event import Record
    from replay import Plan, Selection
    from replay.dialects import Failure, Letter

WITH_TOPIC = frozenset({"code", "key", "since", "until", "limit"})
"""Filters that fit any dead letter; the others need what only the fabric's own carry."""

CUT = 1000
"""Characters of a header that are shown unless asked for."""

COLUMNS = ("id", "dialect", "origin", "code or exception", "key", "timestamp", "message")


def list_(where: Installation, topic: str, wanted: Selection, output: Format) -> None:
    found = _letters(where, topic, wanted)
    if output == "json":
        show.as_json_list("dead_letters", map(as_dict, found))
        return
    first = next(found, None)
    if first is None:
        show.say(f"No dead letter in {topic} fits." if wanted.described() else f"Nothing lies in {topic}.")
        return
    count = show.long_table(COLUMNS, _rows(first, found))
    show.say(f"{count} in all. One of them closer: psfabric dlq show {first.id}")


def stats(where: Installation, topic: str, wanted: Selection, output: Format) -> None:
    from replay.dialects.values import instant

    groups: dict[tuple[str, str, str], _Group] = {}
    for letter in _letters(where, topic, wanted):
        failure = letter.failure
        groups.setdefault((failure.dialect, failure.code or "", failure.exception or ""), _Group()).add(letter)
    causes = [
        {
            "dialect": dialect,
            "code": code or None,
            "exception": exception or None,
            "records": group.records,
            "bytes": group.bytes,
            "oldest": instant(group.oldest),
            "newest": instant(group.newest),
        }
        for (dialect, code, exception), group in sorted(groups.items())
    ]
    total = sum(group.records for group in groups.values())
    if output == "json":
        show.as_json({"topic": topic, "causes": causes, "total": total})
    elif causes:
        show.table(list(causes[0]), [[_shown(value) for value in cause.values()] for cause in causes])
        show.say(f"{total} in all.")
    else:
        show.say(f"Nothing lies in {topic}.")


@dataclass
class _Group:
    records: int = 0
    bytes: int = 0
    oldest: int = -1
    newest: int = -1

    def add(self, letter: Letter) -> None:
        at = letter.timestamp_ms
        self.oldest = at if not self.records else min(at, self.oldest)
        self.newest = max(at, self.newest)
        self.records += 1
        self.bytes += letter.value_size or 0


def place_of(where: Installation, id: str, topic: str | None) -> tuple[str, int, int] | None:
    """Topic, partition and offset, when the id stands for a record of any topic rather than for one of a component.

    Raises NotThere for an id that is none, or of another topic than --topic.
    """
    from replay import NotThere

    head, _, rest = id.rpartition("/")
    named, _, partition = head.rpartition("/")
    if topic is None and (not named or named in where.inputs or named not in where.admin.topics(named)):
        return None
    topic = topic or named
    partition = partition or head
    if named and named != topic:
        raise NotThere(f"{id} lies in {named}, not in {topic}: leave --topic out")
    if not (_natural(partition) and _natural(rest)):
        raise NotThere(f"{id!r} is no place in {topic}; it is {topic}/<partition>/<offset>, as `dlq list` shows it")
    return topic, int(partition), int(rest)


def show_(where: Installation, place: tuple[str, int, int], reveal: bool, output: Format) -> None:
    """One dead letter closer. Raises NotThere when there is none at that place."""
    from replay.dialects import letter_of

    record = _record(where, place)
    letter = letter_of(record)
    body = {**as_dict(letter), "headers": _headers(record, reveal), "payload": _payload(record, reveal)}
    if output == "json":
        show.as_json(body)
        return
    facts = [(name, json.dumps(value) if isinstance(value, dict) else value) for name, value in body.items() if value]
    show.table(("", ""), [(name, value) for name, value in facts if name not in ("headers", "payload")])
    show.table(("header", "value"), [(name, _shown(value)) for name, value in body["headers"]])
    show.say(f"payload: {_shown(body['payload'])}")


def expect_both(topic: str | None, to_topic: str | None) -> None:
    """Raises typer.BadParameter when a replay of others' dead letters lacks whence or whereto."""
    if topic is not None and to_topic is None:
        raise typer.BadParameter("say with --to-topic whereto these dead letters are to be sent", param_hint="--topic")
    if to_topic is not None and topic is None:
        raise typer.BadParameter(
            "goes with --topic only: the fabric's own dead letters go back to their components", param_hint="--to-topic"
        )


def plan(where: Installation, topic: str, to: str, wanted: Selection) -> Plan:
    """A plan to send what fits to another topic. Raises Declined for a topic that may not be written to, NotThere for
    one that is not there; ends the command when nothing fits."""
    from replay import foreign
    from replay.operations import claimed_user

    there = _letters(where, topic, wanted)
    foreign.check_target(to, topic, where.admin.topics(to, topic), {each.name for each in where.topics})
    found = list(there)
    if not found:
        show.tell(f"Nothing to replay: nothing in {topic} fits. No plan was written.")
        raise typer.Exit(exits.FINDINGS)
    readers = [name for name, inputs in where.inputs.items() if to in inputs]
    return foreign.plan_elsewhere(topic, to, found, wanted, readers, who=claimed_user(), now=datetime.now(UTC))


def verify(where: Installation, made: Plan, output: Format) -> None:
    """Say how much of a plan was sent. Exit 0 when all was: nobody answers for what became of it; 3 when not all."""
    from replay import NotThere
    from replay.progress import all_progress

    progress = all_progress(where.kafka).get(made.hash)
    if progress is None:
        raise NotThere("this plan was not applied yet: run `psfabric replay apply` first")
    done = progress.sent == progress.total
    if output == "json":
        counts = {"sent": progress.sent, "not sent": progress.total - progress.sent}
        show.as_json({"plan": made.hash, "home": done, "in_time": True, "counts": counts, "answers": {}})
    else:
        rest = "" if done else " Apply the plan again to send the rest."
        show.say(
            f"{progress.sent} of {progress.total} were sent to {', '.join(made.targets)}.{rest} "
            "Its readers are none of ours, so no receipt says what became of them."
        )
    if not done:
        raise typer.Exit(exits.PARTIAL)


def as_dict(letter: Letter) -> dict[str, Any]:
    """A dead letter as JSON: every key is there, null where the dialect does not carry it."""
    from replay.selection import key_text

    first = letter.first
    return {
        "id": letter.id,
        **_failure(letter.failure),
        "key": None if letter.key is None else key_text(letter.key),
        "first_failed_at": letter.first_failed_at,
        "timestamp": letter.timestamp,
        "value_size": letter.value_size,
        "value_hash": letter.value_hash,
        "first_failure": None if first is None else _failure(first),
        "details": dict(letter.failure.details),
        "derived": list(letter.failure.derived),
        "notes": list(letter.failure.notes),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "dialect": failure.dialect,
        "origin": asdict(failure.origin),
        "stage": failure.stage,
        "code": failure.code,
        "exception": failure.exception,
        "message": failure.message,
    }


def _letters(where: Installation, topic: str, wanted: Selection) -> Iterator[Letter]:
    """Those that fit. Raises, before any is read: NotThere for a topic that is not there, typer.BadParameter for a
    filter that fits only our own."""
    from replay import foreign

    for name in wanted.described().keys() - WITH_TOPIC:
        why = "goes not with --topic: only the fabric's own dead letters have it"
        raise typer.BadParameter(why, param_hint=f"--{name}")
    return show.counted(foreign.letters(where.kafka, topic, wanted), lambda count: f"{count} read of {topic}")


def _rows(first: Letter, rest: Iterator[Letter]) -> Iterator[tuple[Any, ...]]:
    from replay.foreign import cause
    from replay.selection import key_text

    for letter in chain([first], rest):
        origin = letter.failure.origin
        place = "/".join(_shown(part) for part in (origin.topic, origin.partition, origin.offset))
        at = (letter.timestamp or "")[:19]
        words = (letter.failure.message or "")[:CUT]
        yield letter.id, letter.failure.dialect, place, cause(letter), key_text(letter.key), at, words


def _record(where: Installation, place: tuple[str, int, int]) -> Record:
    from replay import NotThere, foreign
    from replay.reading import Place, fetch

    at = Place(*place)
    foreign.expect_topic(at.topic, where.admin.topics(at.topic))
    if (at.topic, at.partition) not in where.admin.end_offsets([at.topic]):
        raise NotThere(f"{at.topic} has no partition {at.partition}")
    record = fetch(where.kafka, [at]).get(at)
    if record is None:
        raise NotThere(f"there is no record {at}: it was never written, or retention has removed it")
    return record


def _headers(record: Record, reveal: bool) -> list[tuple[str, str | int | None]]:
    """In their order, repeated names too. Those of a dialect are shown, cut; the record's own may hold anything."""
    from cli.masking import masked_header
    from replay.dialects import decoded, own_headers

    own = {name for name, _ in own_headers(record.headers)}
    found: list[tuple[str, str | int | None]] = []
    for name, value in record.headers:
        says = decoded(name, value)
        if isinstance(says, str) and not reveal:
            says = masked_header(name, says) if name in own else _cut(says)
        found.append((name, says))
    return found


def _payload(record: Record, reveal: bool) -> str | None:
    """Nothing says what is in it, so it is covered until asked for."""
    if record.value is None:
        return None
    if reveal:
        return record.value.decode(errors="backslashreplace")
    return f"{len(record.value)} bytes, which may hold personal data; --reveal shows them"


def _cut(text: str) -> str:
    return text if len(text) <= CUT else f"{text[:CUT]}… ({len(text)} characters; --reveal shows them)"


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


def _natural(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20

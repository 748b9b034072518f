"""A replay plan: a frozen list of dead letters in a file, with what they are worth and a hash over all of it.

The file is what a second person can read and approve: `apply` sends exactly this list or nothing. Entries stand in the
order in which they are sent: by component and partition, and there by origin, so that records of one key go in the
order of their source.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from psfabric.codec import Codec
from psfabric.connection import Kafka
from replay.deadletters import DeadLetter, records_of
from replay.errors import Declined, NotThere
from replay.reading import Place
from replay.receipts import About
from replay.remapped import Remapped
from replay.selection import Selection, key_text
from replay.warned import Looked, warnings
from replay.worth import Worth, total, worth


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Part):
    """One record to send again: where its bytes lie (`topic`, `partition`, `offset`), their BLAKE2b-256, and whereto.

    `to_partition` is None where the key shall choose. `component` is who reads it there, "" for a topic that is none of
    ours. `about` is what its receipts are filed under.
    """

    id: str
    component: str
    topic: str
    partition: int
    offset: int
    value_hash: str | None
    to: str
    to_partition: int | None
    origin_topic: str
    origin_partition: int
    origin_offset: int
    about: str
    code: str
    type: str
    key: str

    @property
    def place(self) -> Place:
        return Place(self.topic, self.partition, self.offset)

    @property
    def origin(self) -> Place:
        return Place(self.origin_topic, self.origin_partition, self.origin_offset)

    @property
    def subject(self) -> About:
        return About(self.component, self.about)


class Count(_Part):
    component: str
    code: str
    records: int


class Value(_Part):
    """Seconds and money (before tax, not rounded to the minor unit) of the entries of one group; decimals as text."""

    legal_entity: str
    client: str
    currency: str
    period: str
    records: int
    seconds: int
    hours: str
    money: str


class Plan(_Part):
    """`hash` is over everything else; see `content_hash`."""

    format: Literal[2] = 2
    created_at: str
    created_by: str
    selection: dict[str, str | int | list[str]]
    entries: tuple[Entry, ...]
    counts: tuple[Count, ...]
    worth: tuple[Value, ...]
    without_worth: int
    targets: tuple[str, ...]
    warnings: tuple[str, ...]
    revision: str = ""
    """Of a plan from a source's record: under which everything is said again, in twenty digits."""
    remapped: Remapped | None = None
    """What such a plan does, for whoever decides on it."""
    hash: str = ""


def make_plan(
    kafka: Kafka,
    codec: Codec,
    letters: Sequence[DeadLetter],
    selection: Selection,
    sinks: Collection[str],
    *,
    who: str,
    now: datetime,
) -> Plan:
    """Freeze the letters. `sinks` are the components that write to a target.

    Raises Declined when a record vanished since it was listed, Transient when the registry gives no answer.
    """
    ordered = sorted(letters, key=_sending_order)
    found = list(_looked(kafka, codec, ordered))
    worths = [each.worth for each in found]
    components = sorted({letter.component for letter in ordered})
    plan = Plan(
        created_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        created_by=who,
        selection=selection.described(),
        entries=tuple(map(_entry, ordered)),
        counts=tuple(_counts(ordered)),
        worth=tuple(map(value, total(w for w in worths if w is not None))),
        without_worth=sum(1 for w in worths if w is None),
        targets=tuple(name for name in components if name in sinks),
        warnings=tuple(warnings(kafka, found, sinks)),
    )
    return sealed(plan)


def sealed(plan: Plan) -> Plan:
    """The plan with its hash."""
    return plan.model_copy(update={"hash": content_hash(plan.model_dump(mode="json"))})


def content_hash(body: dict[str, Any]) -> str:
    """Hex of BLAKE2b-256 over the canonical JSON (sorted keys, no spaces, UTF-8) of a plan without its `hash`."""
    rest = {name: part for name, part in body.items() if name != "hash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return blake2b(text.encode(errors="surrogatepass"), digest_size=32).hexdigest()


def write_plan(plan: Plan, path: Path) -> None:
    """Write the file. Raises NotThere when its folder is not there or may not be written."""
    try:
        path.write_text(json.dumps(plan.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise NotThere(f"the plan cannot be written to {path}: {error.strerror}") from None


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises NotThere when there is none, Declined when it is not as `replay plan` wrote it."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NotThere(f"the plan {path} cannot be read: {error.strerror}") from None
    try:
        body = json.loads(text)
        plan = Plan.model_validate(body)
    except (ValueError, RecursionError, ValidationError) as error:
        raise Declined(f"{path} is not a replay plan: {_first(error)}; nothing was sent") from None
    if plan.hash != content_hash(body):
        raise Declined(f"{path} was changed after it was made: its hash does not fit; plan again, nothing was sent")
    return plan


def value(each: Worth) -> Value:
    return Value(
        legal_entity=each.legal_entity,
        client=each.client_id,
        currency=each.currency,
        period=each.period,
        records=each.records,
        seconds=each.seconds,
        hours=f"{each.hours:f}",
        money=f"{each.money.normalize():f}",
    )


def _sending_order(letter: DeadLetter) -> tuple[str, int, Place]:
    return letter.component, letter.partition, letter.origin


def _entry(letter: DeadLetter) -> Entry:
    return Entry(
        id=letter.id,
        component=letter.component,
        topic=letter.place.topic,
        partition=letter.partition,
        offset=letter.offset,
        value_hash=letter.value_hash,
        to=f"redo.{letter.component}",
        to_partition=letter.partition,
        origin_topic=letter.origin.topic,
        origin_partition=letter.origin.partition,
        origin_offset=letter.origin.offset,
        about=letter.about,
        code=letter.code,
        type=letter.type,
        key=key_text(letter.key),
    )


def _looked(kafka: Kafka, codec: Codec, letters: Sequence[DeadLetter]) -> Iterator[Looked]:
    for letter, record in records_of(kafka, letters):
        if record is None:
            raise Declined(f"{letter.id} is no longer in {letter.place.topic}: retention removed it; plan again")
        yield Looked.at(letter, record, worth(codec, record))


def _counts(letters: Iterable[DeadLetter]) -> list[Count]:
    found = Counter((letter.component, letter.code) for letter in letters)
    return [Count(component=name, code=code, records=found[name, code]) for name, code in sorted(found)]


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        mistake = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, mistake['loc'])) or 'the file'}: {mistake['msg']}"
    return str(error).splitlines()[0]

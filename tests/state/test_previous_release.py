"""State that an earlier release wrote is read by this one, and means what it meant.

The files are kept, never made anew: when this fails, the reading code has forgotten a format that lies in somebody's
topics. What a release adds (a new field with a default) may appear; nothing may vanish or change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from psfabric.engine import Engine, Policy
from psfabric.engine.applied import Applied, Decision, decide
from psfabric.event import Version
from psfabric.hosts.loading import loaded
from psfabric.kafka import latest
from tests.state.kept import read_topic, releases, topics
from tests.state.understanding import Reading, codec_of, read_understood, understanding

KEPT = releases()


def differences(then: Any, now: Any, at: str = "") -> list[str]:
    """Where `now` lacks or changes something of `then`; what it has besides does not count."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [d for key, value in then.items() for d in differences(value, now.get(key), f"{at}/{key}")]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [d for n, (a, b) in enumerate(zip(then, now, strict=True)) for d in differences(a, b, f"{at}/{n}")]
    return [] if then == now else [f"{at}: {then!r} became {now!r}"]


@pytest.mark.parametrize("release", KEPT, ids=lambda path: path.name)
def test_all_of_its_state_means_what_it_meant(release: Path) -> None:
    now = json.loads(json.dumps(understanding(release)))
    assert differences(read_understood(release), now) == []


@pytest.mark.parametrize("release", KEPT, ids=lambda path: path.name)
def test_a_changed_meaning_would_be_seen(release: Path) -> None:
    """The comparison itself, on a planted change of each kind."""
    then = read_understood(release)
    assert differences(then, {**then, "more": 1}) == []
    (topic, *_) = then["dead"]
    changed = [{**letter, "code": "bug"} for letter in then["dead"][topic]]
    assert len(differences(then, {**then, "dead": {**then["dead"], topic: changed}})) == len(changed)
    assert differences(then, {k: v for k, v in then.items() if k != "cursors"}) != []
    assert differences(then, {**then, "receipts": then["receipts"][1:]}) != []


@pytest.mark.parametrize("release", KEPT, ids=lambda path: path.name)
def test_what_waited_goes_on_in_the_order_of_its_source(release: Path) -> None:
    """Each partition's hold is handed to the engine as its next owner would; everything that it waits for is there."""
    for topic in topics(release, "hold."):
        records = [r for r in read_topic(release, topic) if r.value is not None]
        for partition in sorted({r.partition for r in records}):
            stored = latest(r for r in records if r.partition == partition)
            held = loaded(Reading(codec_of(release)), stored, [], {}).held
            engine = Engine(Policy(topic.removeprefix("hold."), "process", concurrency=1000))
            engine.assign(partition, held=held)
            assert len(engine.held()) == len(stored)
            at = max(entry.since for entry in held) + 3 * 86400  # past every time a record waits for, within the limits
            assert engine.release(lambda until: True, at) == len(stored)
            called = [work.record for batch in engine.step(at).calls for work in batch]
            order = [(r.key, r.topic, r.offset) for r in called]
            assert sorted(order, key=lambda o: (str(o[0]), *o[1:])) == sorted(order, key=lambda o: str(o[0]))


@pytest.mark.parametrize("release", KEPT, ids=lambda path: path.name)
def test_what_it_posted_is_not_posted_again(release: Path) -> None:
    count = 0
    for topic in topics(release, "applied."):
        for record in latest(read_topic(release, topic)).values():
            entry = Applied.from_bytes(record.value or b"")
            assert decide(entry, Version(*entry.version), entry.content_hash) is Decision.DUPLICATE
            count += 1
    assert count > 100

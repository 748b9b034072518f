"""The border on a real broker: good records pass, each bad one is a dead letter, operators list, show and replay it."""

from __future__ import annotations

import asyncio
import struct
import uuid
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

import schemas
from cli.main import execute
from processors.border import Border
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Policy, Write
from psfabric.event import HeaderList, Record
from psfabric.kafka import Admin, Producer, read_topic
from psfabric.publish import Judged, Publisher, judged
from psfabric.registry import PatientRegistry, Registry
from psfabric.stages import GuardStage
from schemas import Topic
from tests.hosts.fakes import Hosted, eventually, unique
from tests.publish.drafts import SOURCE, time_entry
from tests.replay.conftest import registry, trail

__all__ = ["registry", "trail"]

TYPE = "time.TimeSubmitted"
PIPELINE = """
[[processor]]
name = "{name}"
use = "border"
[[processor.settings.ingress]]
system = "{name}"
principal = "User:{name}"
sources = ["payroll-acme"]
types = ["time.TimeSubmitted"]
"""


class Road:
    """A border of one system with topics of its own; only `psf.*` are shared."""

    def __init__(self, kafka: Kafka, registry: Registry, folder: Path) -> None:
        self.kafka, self.name = kafka, unique("border")
        self.topic = f"ingress.{self.name}"
        self.codec = Codec(PatientRegistry(registry))
        self.stage = self.staged(SOURCE)
        made = schemas.topics().concrete({}, [self.name], systems=[self.name])
        large = {"max.message.bytes": str(4 << 20)}  # so that 2 MB arrive at all
        Admin(kafka).apply([t if not t.name.endswith(self.name) else _with(t, large) for t in made])
        (folder / "border.toml").write_text(PIPELINE.format(name=self.name))

    def staged(self, *sources: str) -> GuardStage:
        one = {"system": self.name, "principal": f"User:{self.name}", "sources": sources, "types": (TYPE,)}
        border = Border.model_validate({"name": self.name, "ingress": (one,)})
        return GuardStage(Policy(self.name, "process"), self.codec, border)

    def write(self, *records: tuple[bytes | None, bytes | None, HeaderList]) -> None:
        producer = Producer(self.kafka, "tests")
        producer.write_and_wait([Write(self.topic, *record) for record in records])
        producer.close()

    def dead(self) -> list[Record]:
        return read_topic(self.kafka, f"dlq.{self.name}")

    def passed(self, entries: Sequence[bytes]) -> list[Record]:
        return [record for record in read_topic(self.kafka, "psf.time") if record.key in entries]


def _with(topic: Topic, config: dict[str, str]) -> Topic:
    return topic.model_copy(update={"config": {**topic.config, **config}})


@pytest.fixture
def road(kafka: Kafka, registry: Registry, tmp_path: Path) -> Road:
    return Road(kafka, registry, tmp_path)


def good(codec: Codec, entry: str = "", **changes: Any) -> tuple[bytes, bytes, HeaderList]:
    found = judged(time_entry(entry or f"{SOURCE}:entry:{uuid.uuid4().hex}", **changes), SOURCE)
    assert isinstance(found, Judged)
    return codec.encode(found.event)


def bad(codec: Codec) -> dict[str, tuple[str, tuple[bytes | None, bytes | None, HeaderList]]]:
    """Key -> code and record."""
    key, value, headers = good(codec, "bad")
    known = struct.unpack_from(">bI", value)[1]
    approved = codec.encode(judged_example())
    without = tuple(pair for pair in headers if pair[0] != "ce_source")
    return {
        "cut": ("avro-truncated", (key, value[:-1], headers)),
        "magic": ("wrong-magic", (key, b"\x05" + value[1:], headers)),
        "2 MB": ("avro-truncated", (key, struct.pack(">bI", 0, known) + bytes(2 << 20), headers)),
        "header bytes": ("header-invalid", (key, value, (*without, ("ce_source", b"\xff\xfe")))),
        "header twice": ("header-invalid", (key, value, (*headers, ("ce_source", SOURCE.encode())))),
        "header missing": ("header-invalid", (key, value, without)),
        "source": ("source-not-allowed", (key, value, (*without, ("ce_source", b"jira-acme")))),
        "tombstone": ("null-value", (key, None, headers)),
        "no key": ("null-key", (None, value, headers)),
        "key": ("key-mismatch", (b"another", value, headers)),
        "type": ("type-not-accepted", approved),
        "nothing": ("null-key", (None, None, ())),
        "forged": (
            "source-not-allowed",
            (
                key,
                value,
                (
                    *without,
                    ("ce_source", b"jira-acme"),
                    ("fabric-redo-plan", b"p"),
                    ("__dlq.errors.topic", b"ingress.other"),
                    ("__dlq.errors.partition", b"0"),
                    ("__dlq.errors.offset", b"0"),
                ),
            ),
        ),
    }


def judged_example() -> Any:
    from tests.contracts.given import example

    return example("time.TimeApproved").changed(source=SOURCE)


async def test_good_records_pass_in_their_order_and_each_bad_one_is_a_dead_letter_with_its_principal(
    kafka: Kafka, road: Road
) -> None:
    entries = [f"{SOURCE}:entry:{uuid.uuid4().hex}" for _ in range(5)]
    right = [good(road.codec, entries[n % 5], worked_seconds=n) for n in range(40)]
    wrong = bad(road.codec)
    mixed: list[tuple[bytes | None, bytes | None, HeaderList]] = []
    for one, other in zip_longest(right, [record for _, record in wrong.values()]):
        mixed += [each for each in (one, other) if each is not None]
    async with Hosted(kafka, road.stage):
        road.write(*mixed)
        await eventually(lambda: len(road.dead()) >= len(wrong))
        await eventually(lambda: len(road.passed([e.encode() for e in entries])) >= len(right))
    passed = road.passed([e.encode() for e in entries])
    for entry in entries:
        was = [(value, headers) for key, value, headers in right if key == entry.encode()]
        assert [(r.value, r.headers) for r in passed if r.key == entry.encode()] == was
    assert road.passed([b"bad"]) == []
    sources = {(r.partition, r.offset): r for r in read_topic(kafka, road.topic)}
    codes = sorted(code for code, _ in wrong.values())
    assert sorted(r.header("fabric-dlq-code") or "" for r in road.dead()) == codes
    for letter in road.dead():
        assert letter.header("fabric-dlq-principal") == f"User:{road.name}"
        assert letter.header("__dlq.errors.topic") == road.topic, "whatever its writer said"
        at = int(letter.header("__dlq.errors.partition") or -1), int(letter.header("__dlq.errors.offset") or -1)
        assert (letter.key, letter.value) == (sources[at].key, sources[at].value)


async def test_what_was_refused_is_listed_shown_and_replayed_once_the_border_allows_it(
    kafka: Kafka,
    road: Road,
    trail: str,
    tmp_path: Path,
    registry_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = {
        "PSF_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "PSF_REGISTRY_URL": registry_url,
        "PSF_REDIS_URL": "redis://127.0.0.1:1/0",
        "PSF_PIPELINES": str(tmp_path),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async def cli(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(execute, words)
        return code, capsys.readouterr().out

    with Publisher("expenses-acme", ingress=road.name, kafka=kafka, registry_url=registry_url) as publisher:
        sent = await asyncio.to_thread(publisher.publish, time_entry())
    async with Hosted(kafka, road.stage):
        await eventually(lambda: len(road.dead()) == 1)
    _, listed = await cli("dlq", "list", "--component", road.name, "--output", "json")
    assert '"source-not-allowed"' in listed
    _, shown = await cli("dlq", "show", f"dlq.{road.name}/{road.dead()[0].partition}/{road.dead()[0].offset}")
    assert f"User:{road.name}" in shown
    plan = str(tmp_path / "plan.json")
    code, told = await cli("replay", "plan", "--component", road.name, "--to", plan)
    assert code == 0, told
    code, told = await cli("replay", "apply", plan, "--yes", "--reason", "it may speak")
    assert code == 0, told
    async with Hosted(kafka, road.staged(SOURCE, "expenses-acme")):
        await eventually(lambda: sent.event_id in {r.header("ce_id") for r in read_topic(kafka, "psf.time")})
        verified = await cli("replay", "verify", plan, "--output", "json")
    assert verified[0] == 0, verified[1]
    (passed,) = [r for r in read_topic(kafka, "psf.time") if r.header("ce_id") == sent.event_id]
    assert not [name for name, _ in passed.headers if name.startswith(("fabric-", "__dlq."))]

"""Whatever lands in a topic, the partition goes on: each bad record is a dead letter with a clear code within a second.

On the real broker, through the real hosts and stages. The original bytes, key and headers are kept, every one.
"""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import schemas
from producers.jira import Jira
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Policy, Write
from psfabric.event import HeaderList, Record
from psfabric.kafka import Admin, Producer, read_topic
from psfabric.stages import SinkStage, TranslateStage
from schemas import Topic
from tests.contracts.given import example
from tests.hosts.calling import FolderSink, Hosting
from tests.hosts.fakes import Hosted, eventually, unique, until
from tests.psfabric.test_codec import Ids

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
NAUGHTY, WIRE = CASES / "naughty_strings" / "cases.jsonl", CASES / "wire_format" / "cases.jsonl"
WITHIN = 1.0
"""Seconds from being written to being a dead letter."""

MIB = 1 << 20
BRACKETS = b"[" * 100_000
TYPE = "enriched.time.TimeApproved"


def nested(depth: int) -> dict[str, Any]:
    """A writer's schema of our type with a field that is nested beyond reason."""
    deep: Any = "string"
    for _ in range(depth):
        deep = {"type": "array", "items": deep}
    schema = dict(schemas.avro(TYPE))
    return {**schema, "fields": [*schema["fields"], {"name": "deep", "type": deep}]}


CODEC = Codec(Ids(nested=nested(5000)))


@dataclass(frozen=True)
class Bad:
    """A record, and the code that its dead letter must have; "" where it is in order."""

    key: bytes | None
    value: bytes | None
    headers: HeaderList
    code: str


def good(key: str, **changes: Any) -> tuple[bytes, bytes, HeaderList]:
    return CODEC.encode(example(TYPE, aggregate_id=key, partition_key=key, event_id=f"{key:0>32}", **changes))


def without(headers: HeaderList, name: str) -> HeaderList:
    return tuple(pair for pair in headers if pair[0] != name)


def framed(schema_id: int, body: bytes) -> bytes:
    return struct.pack(">bI", 0, schema_id) + body


def bad_events() -> Iterator[Bad]:
    """For a sink: framed Avro with headers."""
    _, whole, headers = good("bad")
    known = struct.unpack_from(">bI", whole)[1]
    noise = random.Random(0).randbytes(2 * MIB)
    values = {
        b"half": (whole[: len(whole) // 2], "avro-truncated"),
        b"one byte short": (whole[:-1], "avro-truncated"),
        b"one byte more": (whole + b"\0", "avro-truncated"),
        b"no body": (framed(known, b""), "avro-truncated"),
        b"a string of a terabyte": (framed(known, b"\xff\xff\xff\xff\xff\x7f"), "avro-truncated"),
        b"a length below zero": (framed(known, b"\x01"), "avro-truncated"),
        b"an endless number": (framed(known, b"\xff" * 64), "avro-truncated"),
        b"brackets": (BRACKETS, "wrong-magic"),
        b"framed brackets": (framed(known, BRACKETS), "avro-truncated"),
        b"wrong magic": (b"\x05" + whole[1:], "wrong-magic"),
        b"nothing": (b"", "wrong-magic"),
        b"four bytes": (whole[:4], "wrong-magic"),
        b"unknown schema": (framed(99_999, whole[5:]), "schema-unknown"),
        b"nested schema": (framed(100, whole[5:]), "schema-unknown"),
        b"guid": (b"\x01" + whole[1:], "schema-unknown"),
        b"2 MB of noise": (framed(known, noise), "avro-truncated"),
        b"no value": (None, "null-value"),
        b"\xff\xfe not text": (whole[:-1], "avro-truncated"),
    }
    for key, (value, code) in values.items():
        yield Bad(key, value, headers, code)
    big = {f"acme.x{n}": random.Random(n).randbytes(50_000).hex() for n in range(21)}
    yield Bad(*good("2-MB-and-right", extensions=big), "oversize")  # its receipt does not fit
    yield Bad(None, whole, headers, "null-key")
    yield Bad(None, None, (), "null-key")
    odd = {
        "id": (*without(headers, "ce_id"), ("ce_id", b"\xff\xfe")),
        "time": (*without(headers, "ce_time"), ("ce_time", b"\xff\xfe")),
        "source": (*without(headers, "ce_source"), ("ce_source", b"\xc3\x28")),
        "no-instant": (*without(headers, "ce_time"), ("ce_time", b"yesterday")),
        "megabyte": (*headers, ("x-note", b"a" * MIB)),
        "large-source": (*without(headers, "ce_source"), ("ce_source", b"a" * 2000)),
        "type": (*headers, ("ce_type", b"psf.time.TimeRejected.v1")),
    }
    for name, more in odd.items():
        yield Bad(name.encode(), whole, more, "header-invalid")


def bad_raws() -> Iterator[Bad]:
    """For a translation: what a source is said to have answered."""
    texts = {
        "brackets": BRACKETS,
        "closed brackets": BRACKETS + b"]" * 100_000,
        "braces": b'{"a":' * 100_000,
        "half an object": b'{"notice": {',
        "not a number": b'{"a": NaN}',
        "twice": b'{"a": 1, "a": 2}',
        "half a pair": b'{"a": "\\ud800"}',
        "latin": b'{"a": "\xe9"}',
        "mark": b'\xef\xbb\xbf{"a": 1}',
        "list": b"[1, 2]",
        "nothing": b"",
        "digits": b'{"a": ' + b"9" * 5_000 + b"}",
        "exponent": b'{"a": 1e999999999}',
        "2 MB of noise": random.Random(1).randbytes(2 * MIB),
    }
    for name, body in texts.items():
        yield Bad(name.encode(), body, (("fabric-source", b"jira"),), "malformed-json")
    yield Bad(b"header", b"{", (("\u00e9", b"\xff\xfe"), ("note", None), ("note", b"a" * MIB)), "malformed-json")
    yield Bad(b"no value", None, (), "null-value")
    yield Bad(None, b"{}", (), "null-key")


class Road:
    """A component with topics of its own, of one partition: whatever stands still, the last record shows it."""

    def __init__(self, kafka: Kafka, name: str, source: str) -> None:
        self.kafka, self.name, self.source = kafka, name, source
        sizes = {source: 4 * MIB - 128 * 1024, **{f"{k}.{name}": 4 * MIB for k in ("hold", "dlq", "redo")}}
        sizes[f"applied.{name}"] = MIB
        limits = [(n, {"max.message.bytes": str(size)}) for n, size in sizes.items()]
        others: list[tuple[str, dict[str, str]]] = [("psf.delivery", {}), ("psf.time", {})]
        topics = [Topic(name=n, partitions=1, config=c, rule="test", tombstones=True) for n, c in limits]
        existing = [Topic(name=n, partitions=3, config=c, rule="test", tombstones=True) for n, c in others]
        Admin(kafka).apply(topics + existing)

    def write(self, bad: list[Bad]) -> None:
        producer = Producer(self.kafka, "tests")
        producer.write_and_wait([Write(self.source, b.key, b.value, b.headers, 0) for b in bad])
        producer.close()

    async def buried(self, count: int) -> None:
        await eventually(lambda: len(self.dead()) >= count)

    def dead(self) -> list[Record]:
        return read_topic(self.kafka, f"dlq.{self.name}")


def judged(road: Road, bad: list[Bad]) -> Mapping[str, float]:
    """Checks every dead letter against what was written; the seconds each took."""
    sources = read_topic(road.kafka, road.source)
    by_origin = {int(r.header("__dlq.errors.offset") or -1): r for r in road.dead()}
    took = {}
    for wanted, source in zip(bad, sources, strict=True):
        name = (wanted.key or b"no key").decode(errors="replace")
        if not wanted.code:
            assert source.offset not in by_origin, name
            continue
        dead = by_origin[source.offset]
        assert dead.header("fabric-dlq-code") == wanted.code, (name, dead.header("__dlq.errors.message"))
        assert (dead.key, dead.value) == (wanted.key, wanted.value), name
        assert dead.headers[: len(wanted.headers)] == wanted.headers, name
        assert dead.header("__dlq.errors.topic") == road.source
        assert dead.header("__dlq.errors.message"), name
        took[name] = (dead.timestamp_ms - source.timestamp_ms) / 1000
    return took


def in_time(took: Mapping[str, float]) -> bool:
    """Half of them within a second, and none much later; more where more programs run than there are processors."""
    allowed = WITHIN * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    seconds = sorted(took.values())
    return seconds[len(seconds) // 2] < allowed and seconds[-1] < 5 * allowed


async def test_what_a_sink_cannot_read_is_a_dead_letter_within_a_second(kafka: Kafka, tmp_path: Path) -> None:
    name = unique("bad")
    road = Road(kafka, name, f"deliver.{name}")
    stage = SinkStage(Policy(name, "sink", concurrency=4, barrier=True), CODEC, FolderSink(name=name, folder=tmp_path))
    last = Bad(*good("last"), "")
    bad = [*bad_events(), last]
    async with Hosting(kafka, stage):
        road.write(bad)
        await road.buried(len(bad) - 1)
        await until((tmp_path / "last").exists)
    took = judged(road, bad)
    assert in_time(took), took


async def test_what_a_translation_cannot_read_is_a_dead_letter_within_a_second(kafka: Kafka) -> None:
    name = unique("bad")
    road = Road(kafka, name, f"raw.{name}")
    adapter = Jira(name=name, base_url="http://127.0.0.1", user="u", token="t", secret="s")
    stage = TranslateStage(Policy(name, "translate"), CODEC, adapter, thin=False)
    bad = list(bad_raws())
    async with Hosted(kafka, stage):
        road.write(bad)
        await road.buried(len(bad))
    took = judged(road, bad)
    assert in_time(took), took


@pytest.mark.skipif(not NAUGHTY.is_file(), reason="the shared naughty strings are not beside this checkout")
async def test_strings_that_break_programs_break_none_of_ours(kafka: Kafka, tmp_path: Path) -> None:
    """As text in a field and as trace they are delivered as they are; as a value they are a dead letter."""
    strings = [json.loads(line)["s"] for line in NAUGHTY.read_text().split("\n") if line]
    name = unique("bad")
    road = Road(kafka, name, f"deliver.{name}")
    stage = SinkStage(Policy(name, "sink", concurrency=8), CODEC, FolderSink(name=name, folder=tmp_path))
    bad = []
    for number, text in enumerate(strings):
        key, value, headers = good(f"n{number}", task=text[:200])
        bad.append(Bad(key, value, (*without(headers, "traceparent"), ("traceparent", text.encode()[:1000])), ""))
        code = "schema-unknown" if text.startswith("\x01") and len(text) >= 5 else "wrong-magic"  # a GUID follows
        bad.append(Bad(f"v{number}".encode(), text.encode(), headers, code))
    async with Hosting(kafka, stage):
        road.write(bad)
        await road.buried(len(strings))
        await eventually(lambda: len(list(tmp_path.glob("n*"))) == len(strings))
    judged(road, bad)


@pytest.mark.skipif(not WIRE.is_file(), reason="the shared wire-format cases are not beside this checkout")
async def test_framings_of_others_are_dead_letters(kafka: Kafka, tmp_path: Path) -> None:
    values = [bytes.fromhex(json.loads(line)["hex"]) for line in WIRE.read_text().split("\n") if line]
    name = unique("bad")
    road = Road(kafka, name, f"deliver.{name}")
    stage = SinkStage(Policy(name, "sink", concurrency=8), CODEC, FolderSink(name=name, folder=tmp_path))
    async with Hosting(kafka, stage):
        road.write([Bad(b"%d" % n, value, (), "any") for n, value in enumerate(values)])
        await road.buried(len(values))
    assert {r.header("fabric-dlq-class") for r in road.dead()} == {"invalid"}
    codes = {r.header("fabric-dlq-code") for r in road.dead()}
    assert codes <= {"avro-truncated", "schema-unknown", "contract-violated"}
    assert [r.value for r in sorted(road.dead(), key=lambda r: int(r.key or b""))] == values

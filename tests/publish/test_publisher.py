"""Events on a real broker: acknowledged, readable as any other event of the fabric, or said what became of them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import schemas
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.errors import Misconfigured, Unavailable
from psfabric.event import Record
from psfabric.kafka import Admin, read_topic
from psfabric.publish import Draft, NotAcknowledged, Publisher, Sent, WrongInput, judged
from psfabric.publish import publisher as module
from psfabric.registry import Registry, kept_write
from schemas import Topic
from tests.kafka.topics import producing, topic
from tests.psfabric.reference.server import free_port
from tests.publish.drafts import SOURCE, time_entry

AWAY = "http://127.0.0.1:1/apis/ccompat/v7"


@pytest.fixture(scope="module", autouse=True)
def topics(kafka: Kafka) -> None:
    Admin(kafka).apply(schemas.topics().concrete({}))


@pytest.fixture
def publisher(kafka: Kafka, registry: Registry, registry_url: str) -> Iterator[Publisher]:
    with Publisher(SOURCE, kafka=kafka, registry_url=registry_url) as made:
        yield made


@pytest.fixture
def ingress(kafka: Kafka) -> str:
    """Name of an ingress whose topic takes 20 kB."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    config = {"max.message.bytes": "20000"}
    Admin(kafka).apply([Topic(name=f"ingress.{name}", partitions=1, config=config, rule="test", tombstones=False)])
    return name


def lying_at(kafka: Kafka, sent: Sent) -> Record:
    return next(r for r in read_topic(kafka, sent.topic) if (r.partition, r.offset) == (sent.partition, sent.offset))


def of(kafka: Kafka, entry: str) -> list[Record]:
    return [record for record in read_topic(kafka, "psf.time") if record.key == entry.encode()]


def native_threads() -> set[str]:
    return set(os.listdir("/proc/self/task"))


# ------------------------------------------------------------------------------------------------ what is right


def test_a_published_event_is_read_like_any_other(kafka: Kafka, registry: Registry, publisher: Publisher) -> None:
    draft = time_entry()
    sent = publisher.publish(draft)
    record = lying_at(kafka, sent)
    codec = Codec(registry)
    event, expected = codec.decode(record), judged(draft, SOURCE)
    assert not isinstance(expected, list)
    assert event == expected.event
    assert (sent.event_id, sent.type, sent.topic) == (event.id, "time.TimeSubmitted", "psf.time")
    assert record.key == event.head.partition_key.encode()
    assert codec.lazy(record).head == event.head
    assert len({name for name, _ in record.headers}) == len(record.headers)
    assert dict(record.headers)["ce_dataclassification"] == b"personal"


def test_a_model_of_the_contract_is_published_too(kafka: Kafka, publisher: Publisher) -> None:
    draft = time_entry()
    ours = {**draft.data, "sequence": "2026-06-03T16:20:11.482000Z/" + "0" * 20, "revision": "0" * 20}
    none = dict.fromkeys(("event_id", "partition_key", "legal_entity", "client_id"), "")
    sent = publisher.publish(schemas.model("time.TimeSubmitted").model_validate({**ours, **none}))
    found = judged(draft, SOURCE)
    assert not isinstance(found, list)
    assert sent.event_id == found.event.id


def test_a_batch_is_acknowledged_in_its_order_and_key_by_key(kafka: Kafka, publisher: Publisher) -> None:
    entry = f"{SOURCE}:entry:{uuid.uuid4().hex}"
    drafts = [Draft("time.TimeSubmitted", {**time_entry(entry).data, "worked_seconds": n},
                    changed_at=time_entry().changed_at, tie_break=n) for n in range(500)]  # fmt: skip
    sent = publisher.publish(iter(drafts))
    assert [one.event_id for one in sent] == [r.header("ce_id") for r in of(kafka, entry)]
    assert [one.offset for one in sent] == sorted(one.offset for one in sent)


def test_nothing_to_publish_is_no_error(publisher: Publisher) -> None:
    assert publisher.publish([]) == ()


def test_nothing_is_left_of_a_closed_publisher(kafka: Kafka, registry_url: str) -> None:
    before, python = native_threads(), threading.active_count()
    with Publisher(SOURCE, kafka=kafka, registry_url=registry_url) as publisher:
        publisher.publish(time_entry())
        assert native_threads() > before
        assert threading.active_count() == python
    deadline = time.monotonic() + 5
    while native_threads() - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert native_threads() - before == set()
    publisher.close()
    with pytest.raises(RuntimeError, match="closed"):
        publisher.publish(time_entry())


def test_with_an_ingress_it_is_written_there(kafka: Kafka, registry_url: str, ingress: str) -> None:
    with Publisher(SOURCE, ingress=ingress, kafka=kafka, registry_url=registry_url) as publisher:
        assert publisher.publish(time_entry()).topic == f"ingress.{ingress}"


# ------------------------------------------------------------------------------------------------ what is wrong


def test_of_a_batch_with_a_wrong_event_nothing_is_sent(kafka: Kafka, publisher: Publisher) -> None:
    entry = f"{SOURCE}:entry:{uuid.uuid4().hex}"
    with pytest.raises(WrongInput) as caught:
        publisher.publish([time_entry(entry), time_entry(entry, hours=1)])
    assert [mistake.at for mistake in caught.value.mistakes] == [1]
    assert of(kafka, entry) == []


def test_what_the_broker_refuses_is_told_and_the_rest_is_written(kafka: Kafka, registry_url: str, ingress: str) -> None:
    noise = random.Random(0).randbytes(20_000).hex()
    drafts = [time_entry(), time_entry(extensions={"acme.noise": noise}), time_entry()]
    with Publisher(SOURCE, ingress=ingress, kafka=kafka, registry_url=registry_url) as publisher:
        with pytest.raises(NotAcknowledged) as caught:
            publisher.publish(drafts)
        error = caught.value
        assert (set(error.sent), set(error.refused), error.unknown, error.exit_code) == ({0, 2}, {1}, {}, 3)
        assert "2 acknowledged; 1 refused (event 1: " in str(error)
        assert [lying_at(kafka, one).header("ce_id") for one in error.sent.values()] == [
            one.event_id for one in error.sent.values()
        ]
        publisher.publish(drafts[0])  # it goes on


def test_a_topic_that_is_not_there_is_a_refusal(kafka: Kafka, registry_url: str) -> None:
    with (
        Publisher(SOURCE, ingress="nobody-made-it", kafka=kafka, registry_url=registry_url, within=5) as publisher,
        pytest.raises(NotAcknowledged) as caught,
    ):
        publisher.publish(time_entry())
    assert (set(caught.value.refused), caught.value.exit_code) == ({0}, 5)


def test_a_broker_that_is_away_leaves_it_unknown_within_the_time_given(registry_url: str, registry: Registry) -> None:
    began = time.monotonic()
    with (
        Publisher(SOURCE, kafka=Kafka(f"127.0.0.1:{free_port()}"), registry_url=registry_url, within=1) as publisher,
        pytest.raises(NotAcknowledged) as caught,
    ):
        publisher.publish([time_entry(), time_entry()])
    assert time.monotonic() - began < 10
    assert (set(caught.value.unknown), caught.value.exit_code) == ({0, 1}, 5)
    assert "publish them again, it is safe" in str(caught.value)


def test_after_a_time_out_the_same_publisher_works_again_and_nothing_comes_late(
    kafka: Kafka, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = f"{SOURCE}:entry:{uuid.uuid4().hex}"
    good = publisher._placing
    assert good is not None
    config = dict(good._config)
    good._config.update({"bootstrap.servers": f"127.0.0.1:{free_port()}", "delivery.timeout.ms": 1000})
    with pytest.raises(NotAcknowledged):
        publisher.publish(time_entry(entry))
    good._config.update(config)
    first = publisher.publish(time_entry(entry))
    assert [r.header("ce_id") for r in of(kafka, entry)] == [first.event_id]


# ------------------------------------------------------------------------------------------------ the registry away


def test_while_the_registry_is_away_the_kept_id_of_the_bundled_schema_serves(
    kafka: Kafka, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = topic(kafka)
    monkeypatch.setattr(module, "SCHEMAS", kept)
    with (
        Publisher(SOURCE, kafka=kafka, registry_url=AWAY) as publisher,
        pytest.raises(Unavailable, match=r"gives no answer .* keeps no id for time.TimeSubmitted"),
    ):
        publisher.publish(time_entry())
    write = kept_write("time.TimeSubmitted", registry.id_of("time.TimeSubmitted"))
    with producing(kafka) as producer:
        producer.write_and_wait([write._replace(topic=kept)])
    with Publisher(SOURCE, kafka=kafka, registry_url=AWAY) as publisher:
        sent = publisher.publish(time_entry())
    assert Codec(registry).decode(lying_at(kafka, sent)).id == sent.event_id


def test_a_schema_that_is_not_registered_is_named(kafka: Kafka, registry_url: str) -> None:
    empty = registry_url.replace("/apis/ccompat/v7", "/apis/ccompat/v7/groups/nobody")
    with (
        Publisher(SOURCE, kafka=kafka, registry_url=empty) as publisher,
        pytest.raises(Unavailable, match=r"time\.TimeSubmitted"),
    ):
        publisher.publish(time_entry())


# ------------------------------------------------------------------------------------------------ settings


def test_every_mistake_of_the_settings_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PSF_")]:
        monkeypatch.delenv(name)
    with pytest.raises(Misconfigured) as caught:
        Publisher("Pay Roll", ingress="ingress.x", within=0.1)
    told = " ".join(caught.value.mistakes)
    for part in ("source is 'Pay Roll'", "ingress is", "within is 0.1", "PSF_KAFKA_BOOTSTRAP", "PSF_REGISTRY_URL"):
        assert part in told


def test_a_script_of_ten_lines_does_it(kafka: Kafka, registry: Registry, registry_url: str) -> None:
    """The import alone starts nothing, and the process ends by itself."""
    script = f"""
from datetime import UTC, date, datetime
from psfabric.publish import Draft, Publisher
at = datetime(2026, 6, 3, 16, 20, 11, tzinfo=UTC)
with Publisher("payroll-acme") as publisher:
    sent = publisher.publish(Draft("time.TimeSubmitted", {{
        "aggregate_id": "payroll-acme:entry:{uuid.uuid4().hex}", "project_id": "PRJ-1001", "resource_id": "r-17",
        "work_date": date(2026, 6, 3), "zone": "Europe/London", "started_at": at, "worked_seconds": 5400,
        "role": "Consultant", "task": "", "submitted_at": at, "extensions": {{}}}}, changed_at=at))
    print(sent.event_id, sent.topic, sent.offset)
"""
    env = {**os.environ, "PSF_KAFKA_BOOTSTRAP": kafka.bootstrap, "PSF_REGISTRY_URL": registry_url}
    ran = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split()[1] == "psf.time"

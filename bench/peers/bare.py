"""The ceiling in Python: a loop over confluent-kafka and nothing else. `lazy`: with the codec's lazy half."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import confluent_kafka as ck

from bench.meter import Meter, asked
from bench.work import bare
from psfabric.event import HeaderList, Record

POLL = 500
PRODUCER = {
    "acks": "all",
    "enable.idempotence": True,
    "compression.type": "lz4",
    "linger.ms": 5,
    "partitioner": "murmur2_random",
    "queue.buffering.max.messages": 200_000,
}


def main(want: Mapping[str, Any]) -> None:
    work, meter, failed = bare(lazy=want["lazy"]), Meter(), list[ck.KafkaError]()
    consumer = ck.Consumer(
        {
            "bootstrap.servers": want["bootstrap"],
            "group.id": want["group"],
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    producer = ck.Producer({"bootstrap.servers": want["bootstrap"], **PRODUCER})

    def delivered(error: ck.KafkaError | None, message: ck.Message) -> None:
        if error is not None:
            failed.append(error)

    def commit() -> None:
        producer.flush()
        if failed:
            raise ck.KafkaException(failed[0])
        consumer.commit(asynchronous=False)

    consumer.subscribe([want["source"]])
    commits_at = time.monotonic() + 1.0
    while meter.records < want["records"]:
        messages = consumer.consume(POLL, 0.5)
        for message in messages:
            topic, key, value, headers = work(as_record(message))
            producer.produce(topic, value, key, headers=list(headers), on_delivery=delivered)
        producer.poll(0)
        if messages:
            meter.handled(len(messages))
        ended = meter.records >= want["records"]
        if messages and (ended or time.monotonic() > commits_at):
            commit()
            commits_at = time.monotonic() + 1.0
    meter.tell()
    consumer.close()


def as_record(m: ck.Message) -> Record:
    headers = cast(HeaderList, tuple(m.headers() or ()))
    return Record(m.topic() or "", m.partition() or 0, m.offset() or 0, _bytes(m.key()), _bytes(m.value()), headers)


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


if __name__ == "__main__":
    main(asked())

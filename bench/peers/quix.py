"""Quix Streams, in an environment of its own (its client library is an older one), decoding fully."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found,unused-ignore]
from quixstreams.models import Serializer  # type: ignore[import-not-found,unused-ignore]

from bench.meter import Meter, asked
from bench.work import OUTPUTS, bare
from psfabric.event import Record


class Value(Serializer):  # type: ignore[misc,unused-ignore]
    """The value of an output that is encoded already."""

    def __call__(self, value: Any, ctx: Any) -> bytes:
        return bytes(value[2])


def main(want: Mapping[str, Any]) -> None:
    work, meter = bare(lazy=False), Meter()
    app = Application(
        broker_address=want["bootstrap"],
        consumer_group=want["group"],
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_interval=1.0,
        loglevel="ERROR",
        producer_extra_config={
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 5,
            "partitioner": "murmur2_random",
        },
        consumer_extra_config={"isolation.level": "read_committed"},
    )
    source = app.topic(want["source"], key_deserializer="bytes", value_deserializer="bytes")
    outputs = {n: app.topic(n, key_serializer="bytes", value_serializer=Value()) for n in OUTPUTS}

    def output(value: bytes, key: bytes, timestamp: int, headers: Any) -> Any:
        meter.handled()
        return work(Record(want["source"], 0, 0, key, value, tuple(headers or ())))

    frame = app.dataframe(source).apply(output, metadata=True)
    frame = frame.set_headers(lambda made, key, timestamp, headers: list(made[3]))
    frame.to_topic(lambda made, key, timestamp, headers: outputs[made[0]])
    app.run(count=want["records"])
    meter.tell()


if __name__ == "__main__":
    main(asked())

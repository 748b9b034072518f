"""Dead letters as other frameworks write them, of an invented shop's orders, and what a reader has to make of each."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from psfabric.event import HeaderList, Record

LISTENER = "org.springframework.kafka.listener.ListenerExecutionFailedException"
DESERIALIZATION = "org.springframework.kafka.support.serializer.DeserializationException"
REFUSED = "example.shop.OrderRefused"


def texts(prefix: str, **values: str | None) -> HeaderList:
    """Headers of text; `_` in a name stands for `.`, and None is a header without a value."""
    return tuple((prefix + name.replace("_", "."), None if v is None else v.encode()) for name, v in values.items())


def connect(
    topic: str = "orders", partition: str = "2", offset: str = "41", connector: str = "ledger", **more: str | None
) -> HeaderList:
    said = {
        "stage": "VALUE_CONVERTER",
        "class_name": "example.shop.OrderConverter",
        "exception_class_name": REFUSED,
        "exception_message": "no such article",
        **more,
    }
    place = {"topic": topic, "partition": partition, "offset": offset, "connector_name": connector, "task_id": "0"}
    return texts("__connect.errors.", **place, **said)


def streams(topic: str | None = "orders", partition: str = "2", offset: str = "41") -> HeaderList:
    why = {"exception": REFUSED, "message": "no such article", "stacktrace": "at example.shop"}
    return texts("__streams.errors.", **why, topic=topic, partition=partition, offset=offset)


def spring_origin(
    topic: str = "orders", partition: int = 2, offset: int = 41, group: str | None = "shipping", prefix: str = "dlt-"
) -> HeaderList:
    place = (
        (f"kafka_{prefix}original-topic", topic.encode()),
        (f"kafka_{prefix}original-partition", struct.pack(">i", partition)),
        (f"kafka_{prefix}original-offset", struct.pack(">q", offset)),
        (f"kafka_{prefix}original-timestamp", struct.pack(">q", 1_772_638_247_627)),
    )
    return place if group is None else (*place, ("kafka_dlt-original-consumer-group", group.encode()))


def spring_cause(
    thrown: str = LISTENER, cause: str | None = REFUSED, message: str | None = "no such article", prefix: str = "dlt-"
) -> HeaderList:
    said = ((f"{prefix}exception-fqcn", thrown), (f"{prefix}exception-cause-fqcn", cause))
    both = (*said, (f"{prefix}exception-message", message))
    return tuple((f"kafka_{name}", value.encode()) for name, value in both if value is not None)


def share(group: str = "packing") -> HeaderList:
    place = {"topic": "orders", "partition": "2", "offset": "41", "group": group}
    return texts("__dlq.errors.", **place, delivery_count="5", message="Offset rejected by client.")


def rules(mode: str = "READ") -> HeaderList:
    named = {"name": "articleKnown", "mode": mode, "subject": "orders-value", "topic": "orders"}
    return texts("__rule.", **named, exception="Rule expr failed: message.article != ''")


def arroyo(partition: str = "2", offset: str = "41") -> HeaderList:
    return texts("original_", partition=partition, offset=offset)


def fabric() -> HeaderList:
    ours = {"code": "resource-unknown", "class": "reference", "stage": "sink", "component": "erp", "exception": "E"}
    at = {"first-failed-at": "2026-06-03T17:00:00.000000Z", "last-failed-at": "2026-06-03T18:00:00.000000Z"}
    return (*share("erp"), *texts("fabric-dlq-", **ours, **at, incident=""))


@dataclass(frozen=True)
class Stranger:
    """`expected` names what the newest failure says; what is not named is None."""

    dialect: str
    headers: HeaderList
    key: bytes | None = b"order-7"
    value: bytes | None = b'{"article": "x"}'
    expected: dict[str, Any] = field(default_factory=dict)

    def record(self, topic: str = "shop.dead", partition: int = 0, offset: int = 0) -> Record:
        return Record(topic, partition, offset, self.key, self.value, self.headers, 1_772_640_000_000)


PLACE = {"topic": "orders", "partition": 2, "offset": 41}
WHY = {"exception": REFUSED, "message": "no such article"}
OWN: HeaderList = (("traceparent", b"00-aa"), ("tag", b"one"), ("tag", b"two"), ("blob", b"\xff\x00"), ("none", None))

STRANGERS = {
    "fabric": Stranger(
        "fabric",
        (*OWN, *fabric()),
        expected={
            **PLACE, "group": "erp", "stage": "sink", "code": "resource-unknown", "exception": "E",
            "message": "Offset rejected by client.", "first_failed_at": "2026-06-03T17:00:00.000000Z",
        },
    ),
    "connect": Stranger(
        "connect",
        (*OWN, *connect()),
        expected={**PLACE, **WHY, "group": "connect-ledger", "stage": "VALUE_CONVERTER"},
    ),
    "streams": Stranger("streams", (*OWN, *streams()), expected={**PLACE, **WHY}),
    "spring": Stranger(
        "spring",
        (*OWN, *spring_cause(), *spring_origin()),
        expected={**PLACE, **WHY, "group": "shipping", "stage": "LISTENER"},
    ),
    "spring retry topic": Stranger(
        "spring",
        (
            *OWN,
            *spring_origin(prefix="", group=None),
            ("retry_topic-attempts", b"\x00\x00\x00\x02"),
            ("retry_topic-backoff-timestamp", b"\x01\x9c\xb9\x8d\x95\x11"),
            *spring_cause(prefix=""),
            ("retry_topic-attempts", b"\x00\x00\x00\x03"),
        ),
        expected={**PLACE, **WHY, "stage": "LISTENER"},
    ),
    "spring key": Stranger(
        "spring",
        (
            ("kafka_dlt-key-exception-fqcn", DESERIALIZATION.encode()),
            ("kafka_dlt-key-exception-message", b"no such article"),
            *spring_origin(),
        ),
        key=b"\x00\x00\xff",
        expected={
            **PLACE, "group": "shipping", "exception": DESERIALIZATION, "message": "no such article",
            "stage": "DESERIALIZATION_KEY",
        },
    ),
    "share": Stranger(
        "share", share(), expected={**PLACE, "group": "packing", "stage": "SHARE_GROUP",
                                    "message": "Offset rejected by client."},
    ),
    "rules": Stranger(
        "rules",
        (*OWN, *rules("WRITE")),
        key=None,
        expected={
            "topic": "orders", "stage": "RULE_WRITE", "code": "articleKnown",
            "message": "Rule expr failed: message.article != ''",
        },
    ),
    "arroyo": Stranger("arroyo", (*OWN, *arroyo()), value=b"", expected={"partition": 2, "offset": 41}),
    "unknown": Stranger("unknown", (*OWN, ("x-error", b"something else"))),
}  # fmt: skip

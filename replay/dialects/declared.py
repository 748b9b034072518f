"""The table of dialects. A new one is one declaration here: its headers, what it derives, what to beware of.

Header names and formats are those of the frameworks' own sources: Kafka Connect `DeadLetterQueueReporter`, Kafka
Streams `ExceptionHandlerUtils` (KIP-1034), Spring Kafka `DeadLetterPublishingRecoverer` and `KafkaHeaders`, share
groups `ShareGroupDLQStateManager` (KIP-1191), Confluent `DlqAction`, sentry-arroyo `KafkaDlqProducer`.
"""

from __future__ import annotations

from collections.abc import Mapping

from psfabric.engine.deadletter import OURS, REDO, THEIRS
from psfabric.event import HeaderList
from replay.dialects import values
from replay.dialects.dialect import Dialect, Field, Part, Trap
from replay.dialects.values import Reader, Value


def _fields(prefix: str, **fields: tuple[str, Reader]) -> tuple[Field, ...]:
    return tuple(Field(name, (prefix + header,), read) for name, (header, read) in fields.items())


def _texts(prefix: str) -> tuple[Field, ...]:
    """Where a record was read, as all but Spring write it."""
    return _fields(
        prefix,
        topic=("topic", values.word),
        partition=("partition", values.partition),
        offset=("offset", values.number),
    )


def _ours(headers: HeaderList) -> bool:
    return any(name.startswith((OURS, REDO)) for name, _ in headers)


OLD_TIMESTAMP = "keeps the timestamp of the record that failed, so retention by time may remove the dead letter at once"

_KIP_1191 = Part(
    (THEIRS + "topic",),
    (
        *_texts(THEIRS),
        *_fields(
            THEIRS,
            group=("group", values.word),
            message=("message", values.text),
            delivery_count=("delivery.count", values.number),
        ),
    ),
)

FABRIC = Dialect(
    name="fabric",
    title="this fabric",
    families=(f"{OURS}*", f"{REDO}*", f"{THEIRS}*"),
    present=_ours,
    parts=(
        _KIP_1191,
        Part(
            (OURS + "code",),
            _fields(
                OURS,
                code=("code", values.word),
                stage=("stage", values.word),
                exception=("exception", values.word),
                first_failed_at=("first-failed-at", values.word),
                last_failed_at=("last-failed-at", values.word),
                error_class=("class", values.word),
                component=("component", values.word),
                incident=("incident", values.text),
            ),
        ),
    ),
    traps=(Trap("belongs to a component of ours: `--component` sends it to that one alone, and closes it"),),
)

_CONNECT = "__connect.errors."
CONNECT = Dialect(
    name="connect",
    title="Kafka Connect",
    families=(f"{_CONNECT}*",),
    parts=(
        Part(
            (_CONNECT + "topic",),
            (
                *_texts(_CONNECT),
                *_fields(
                    _CONNECT,
                    stage=("stage", values.word),
                    exception=("exception.class.name", values.word),
                    message=("exception.message", values.text),
                    connector=("connector.name", values.word),
                    task=("task.id", values.number),
                    executing_class=("class.name", values.word),
                ),
            ),
        ),
    ),
    derives=("group",),  # as Connect names it unless the connector's settings name another
    derive=lambda found: {"group": f"connect-{found['connector']}"} if "connector" in found else {},
    traps=(Trap(OLD_TIMESTAMP),),
)

_STREAMS = "__streams.errors."
STREAMS = Dialect(
    name="streams",
    title="Kafka Streams (KIP-1034)",
    families=(f"{_STREAMS}*",),
    parts=(
        Part(
            (_STREAMS + "exception",),
            (
                *_texts(_STREAMS),
                *_fields(_STREAMS, exception=("exception", values.class_name), message=("message", values.text)),
            ),
        ),
    ),
    traps=(Trap(OLD_TIMESTAMP),),
)


def _spring(name: str) -> tuple[str, ...]:
    """A header of a dead-letter topic and its twin of a retry topic."""
    return f"kafka_dlt-{name}", f"kafka_{name}"


_LISTENER = "org.springframework.kafka.listener."
_WRAPPERS = (_LISTENER + "ListenerExecutionFailedException", _LISTENER + "TimestampedException")
_SPRING_THROWN = (*_spring("exception-fqcn"), *_spring("key-exception-fqcn"))
_DESERIALIZATION = "org.springframework.kafka.support.serializer.DeserializationException"


def _spring_failure(found: Mapping[str, Value]) -> Mapping[str, Value]:
    """What was thrown inside of the listener rather than what the container wrapped around it, and at which stage."""
    thrown = found.get("thrown")
    if thrown in _WRAPPERS:
        return {"exception": found.get("cause", thrown), "stage": "LISTENER"}
    if thrown == _DESERIALIZATION:
        return {"stage": "DESERIALIZATION_VALUE"}
    return {"stage": "DESERIALIZATION_KEY"} if "key_thrown" in found else {}


SPRING = Dialect(
    name="spring",
    title="Spring Kafka (dead-letter and retry topics)",
    families=(
        "kafka_dlt-*",
        "kafka_original-*",
        "kafka_exception-*",
        "kafka_key-exception-*",
        "retry_topic-*",
        "springDeserializerException*",
    ),
    parts=(
        Part(
            _spring("original-topic"),
            (
                Field("topic", _spring("original-topic"), values.word),
                Field("partition", _spring("original-partition"), values.int32),
                Field("offset", _spring("original-offset"), values.int64),
                Field("group", _spring("original-consumer-group"), values.word),
                Field("original_timestamp", _spring("original-timestamp"), values.millis),
                Field("original_timestamp_type", _spring("original-timestamp-type"), values.word),
                Field("attempts", ("retry_topic-attempts",), values.count),
                Field("backoff_until", ("retry_topic-backoff-timestamp",), values.millis),
            ),
        ),
        Part(
            _SPRING_THROWN,
            (
                Field("exception", _SPRING_THROWN, values.word),
                Field("thrown", _spring("exception-fqcn"), values.word),
                Field("key_thrown", _spring("key-exception-fqcn"), values.word),
                Field("cause", _spring("exception-cause-fqcn"), values.word),
                Field("message", (*_spring("exception-message"), *_spring("key-exception-message")), values.text),
            ),
            renewed=True,
        ),
    ),
    derives=("stage",),
    derive=_spring_failure,
    traps=(Trap("writes a value anew that the listener read with JsonDeserializer: not the bytes first sent"),),
)

SHARE = Dialect(
    name="share",
    title="share groups (KIP-1191)",
    families=(f"{THEIRS}*",),
    present=lambda headers: not _ours(headers),  # ours are named so too
    parts=(_KIP_1191,),
    derives=("stage",),
    derive=lambda found: {"stage": "SHARE_GROUP"},
    traps=(
        Trap("loses the record's own headers: it is sent without any"),
        Trap(
            "has neither key nor value where the group does not copy records: replay from the topic it came from",
            lambda key, size, details: key is None and size is None,
        ),
    ),
)

_RULE = "__rule."
RULES = Dialect(
    name="rules",
    title="Confluent schema rules",
    families=(f"{_RULE}*",),
    parts=(
        Part(
            (_RULE + "name",),
            (
                *_fields(
                    _RULE,
                    topic=("topic", values.word),
                    stage=("mode", lambda value: f"RULE_{values.word(value)}"),
                    code=("name", values.word),
                    rule=("name", values.word),
                    message=("exception", values.text),
                    subject=("subject", values.word),
                    mode=("mode", values.word),
                ),
            ),
        ),
    ),
    traps=(
        Trap("goes without its `__rule.*` headers: a reader that finds them skips the rule"),
        Trap("holds JSON, not the bytes of its topic", lambda key, size, details: details.get("mode") == "WRITE"),
        Trap("lost its key, so it goes to any partition", lambda key, size, details: key is None),
    ),
)

ARROYO = Dialect(
    name="arroyo",
    title="sentry-arroyo",
    families=("original_partition", "original_offset"),
    # Names that others use as well: only both of them, and as arroyo writes them, say that it is one of its own.
    present=lambda headers: all(
        any(name == family and value is not None and value.isdigit() for name, value in headers)
        for family in ("original_partition", "original_offset")
    ),
    parts=(
        Part(
            ("original_partition",),
            _fields("original_", partition=("partition", values.partition), offset=("offset", values.number)),
        ),
    ),
    traps=(Trap("turns a null value into an empty one", lambda key, size, details: size == 0),),
)

DIALECTS: tuple[Dialect, ...] = (FABRIC, CONNECT, STREAMS, SPRING, SHARE, RULES, ARROYO)

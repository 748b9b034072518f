"""An idempotent producer whose caller is told once, when a group of writes is durable."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence

import confluent_kafka as ck
import structlog

from psfabric.connection import Kafka
from psfabric.engine.work import Write
from psfabric.errors import FabricError
from psfabric.kafka.config import writing_config

log = structlog.get_logger(__name__)

Done = Callable[[Exception | None], None]

ELSEWHERE = 0.2
"""Seconds after `hear` during which nobody else listens, when whoever called it said that it will again."""

LOOK_EVERY = 0.01
"""Seconds after which the one who listens else looks whether it is its turn."""

_ANY = -1
"""The partitioner decides."""


class WriteFailed(FabricError):
    """The broker did not acknowledge a write: what it belonged to must not be committed."""


class TooLarge(WriteFailed):
    """`writes` are larger than their topics allow, and nothing else is wrong: all others of their group are durable.

    They can never succeed as they are, so whoever wrote them may bury the record that they came from.
    """

    def __init__(self, writes: Sequence[Write]) -> None:
        topics = ", ".join(sorted({write.topic for write in writes}))
        super().__init__(f"{topics} refuses a record of {max(map(_size, writes)):,} bytes as too large")
        self.writes = tuple(writes)


class Producer:
    """acks=all, idempotent, lz4, murmur2. Thread-safe.

    A write that fails for good (topic missing, broker gone for two minutes) is reported, never dropped: the caller
    stops, and the record is read again after a restart. One that its topic is too small for is told apart (TooLarge).
    """

    def __init__(self, kafka: Kafka, client_id: str, *, topic_within: float = 10.0) -> None:
        """`topic_within`: seconds until a topic that the broker does not have is reported."""
        self._producer = ck.Producer(
            {
                **writing_config(kafka, client_id),
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,
                "delivery.timeout.ms": 120_000,
                "queue.buffering.max.messages": 200_000,
                "topic.metadata.propagation.max.ms": round(topic_within * 1000),
            },
            logger=quiet_logger("producer"),
        )
        self._stopping = threading.Event()
        self._heard_at = float("-inf")
        self._poller = threading.Thread(target=self._poll, name="kafka-producer", daemon=True)
        self._poller.start()

    def write(self, writes: Sequence[Write], done: Done) -> None:
        """Enqueue `writes` in order; `done` is called once, from the poll thread, with None or the first failure."""
        if not writes:
            done(None)
            return
        group = _Group(writes, done)
        produce, delivered = self._producer.produce, group.delivered
        for write in writes:
            topic, key, value, headers, partition = write
            try:
                produce(topic, value, key, _ANY if partition is None else partition, delivered, headers=list(headers))
            except (BufferError, ck.KafkaException):
                self._produce(write, group)

    def hear(self, *, again: bool = True) -> None:
        """Tell now, in this thread, whoever waits for what the broker has acknowledged meanwhile.

        For a thread that computes all the time and writes much. The client takes the interpreter's lock anew for each
        single acknowledgement, so a thread of its own that hears them fights for it with the one that computes. That of
        the producer keeps out until this is called no more, or with `again` false, by who is about to wait.
        """
        self._heard_at = time.monotonic() if again else float("-inf")
        self._producer.poll(0)

    def write_and_wait(self, writes: Sequence[Write], timeout: float = 30.0) -> None:
        """For the sync rooms: return when all are acknowledged. Raises WriteFailed."""
        finished = threading.Event()
        failure: list[Exception | None] = [None]

        def done(error: Exception | None) -> None:
            failure[0] = error
            finished.set()

        self.write(writes, done)
        if not finished.wait(timeout):
            raise WriteFailed(f"{len(writes)} records were not acknowledged within {timeout:.0f} s")
        if failure[0] is not None:
            raise failure[0]

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait for everything enqueued; True when nothing is left."""
        return self._producer.flush(timeout) == 0

    def close(self, timeout: float = 10.0) -> None:
        self.flush(timeout)
        self._stopping.set()
        self._poller.join(timeout)

    def _produce(self, write: Write, group: _Group) -> None:
        partition = _ANY if write.partition is None else write.partition
        while True:
            try:
                self._producer.produce(
                    write.topic,
                    value=write.value,
                    key=write.key,
                    headers=list(write.headers),
                    on_delivery=group.delivered,
                    partition=partition,
                )
                return
            except BufferError:
                self._producer.poll(0.05)
            except ck.KafkaException as error:
                group.failed(write.topic, write.key, write.value, error.args[0])
                return

    def _poll(self) -> None:
        with contextlib.suppress(ck.KafkaException):  # knowing the leaders spares the first write half a second
            self._producer.list_topics(timeout=2)
        while not self._stopping.is_set():
            if time.monotonic() - self._heard_at < ELSEWHERE:
                self._stopping.wait(LOOK_EVERY)
            else:
                self._producer.poll(0.1)


class _Group:
    """Counts down the acknowledgements of one group of writes."""

    __slots__ = ("_done", "_failure", "_left", "_lock", "_too_large", "_writes")

    def __init__(self, writes: Sequence[Write], done: Done) -> None:
        self._writes, self._left, self._done = writes, len(writes), done
        self._failure: Exception | None = None
        self._too_large: list[Write] = []
        self._lock = threading.Lock()

    def delivered(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        if error is None:  # nearly always, and for every record of the fabric: no further call
            with self._lock:
                self._left -= 1
                finished = self._left == 0
            if finished:
                self._tell()
        else:
            self.failed(message.topic() or "", to_bytes(message.key()), to_bytes(message.value()), error)

    def failed(self, topic: str, key: bytes | None, value: bytes | None, error: ck.KafkaError) -> None:
        if error.code() == ck.KafkaError.MSG_SIZE_TOO_LARGE:
            self._count(too_large=self._like(topic, key, value))
        else:
            self._count(WriteFailed(f"{topic} did not acknowledge a record: {error.str()}"))

    def _like(self, topic: str, key: bytes | None, value: bytes | None) -> Sequence[Write]:
        """Those of equal content: a delivery report has no better name for what it is about."""
        return [w for w in self._writes if (w.topic, w.key, w.value) == (topic, key, value)]

    def _count(self, failure: Exception | None = None, too_large: Sequence[Write] = ()) -> None:
        with self._lock:
            self._failure = self._failure or failure
            self._too_large += [w for w in too_large if w not in self._too_large]
            self._left -= 1
            finished = self._left == 0
        if finished:
            self._tell()

    def _tell(self) -> None:
        """What the caller raises must not end the thread that tells all others."""
        try:
            self._done(self._failure or (TooLarge(self._too_large) if self._too_large else None))
        except Exception as error:  # noqa: BLE001 - see above
            log.error("a caller failed when told of its writes", exception=type(error).__name__)


def to_bytes(content: str | bytes | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content


def _size(write: Write) -> int:
    """Bytes of a write, but for Kafka's own framing."""
    headers = sum(len(name) + len(value or b"") for name, value in write.headers)
    return len(write.key or b"") + len(write.value or b"") + headers


class _Quiet:
    """librdkafka's own log lines, as structured debug lines (it repeats itself while a broker is away)."""

    def __init__(self, role: str) -> None:
        self._role = role

    def log(self, level: int, message: str, *args: object) -> None:
        if structlog.is_configured():  # else it would be printed, into the output of a script that only publishes
            log.debug("librdkafka", role=self._role, message=message % args if args else message)


def quiet_logger(role: str) -> _Quiet:
    return _Quiet(role)

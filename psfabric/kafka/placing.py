"""Writing for somebody who waits: every record is acknowledged, or it is said of each what became of it.

The counterpart of `Producer` for scripts: no thread of ours, one bounded wait, an answer per record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import confluent_kafka as ck

from psfabric.connection import Kafka
from psfabric.engine.work import Write
from psfabric.kafka.config import writing_config
from psfabric.kafka.producer import quiet_logger

GRACE = 2.0
"""Seconds beyond the wait that the client may take to say that it has passed."""

_TOO_LARGE = {ck.KafkaError.MSG_SIZE_TOO_LARGE, ck.KafkaError.RECORD_LIST_TOO_LARGE}

_REFUSED = _TOO_LARGE | {
    ck.KafkaError.TOPIC_AUTHORIZATION_FAILED,
    ck.KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    ck.KafkaError.UNKNOWN_TOPIC_OR_PART,
    ck.KafkaError.INVALID_RECORD,
    ck.KafkaError.POLICY_VIOLATION,
    ck.KafkaError._UNKNOWN_TOPIC,
    ck.KafkaError._UNKNOWN_PARTITION,
    ck.KafkaError._PURGE_QUEUE,
}
"""Errors after which it is certain that the record was not written."""


class Placed(NamedTuple):
    """Where a record was written, said by the broker."""

    topic: str
    partition: int
    offset: int


class NotPlaced(NamedTuple):
    """Why a record was not acknowledged. `unknown`: it may have been written all the same. `too_large`: it, or the
    batch that the client sent it in."""

    why: str
    unknown: bool
    too_large: bool = False


class Placing:
    """acks=all, idempotent, lz4, murmur2, as `Producer`. Not thread-safe; `within` seconds are for all of a call."""

    def __init__(self, kafka: Kafka, client_id: str, *, within: float = 30.0) -> None:
        self._config = {
            **writing_config(kafka, client_id),
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,
            "delivery.timeout.ms": round(within * 1000),
            "topic.metadata.propagation.max.ms": round(min(within / 2, 10.0) * 1000),
            "error_cb": self._noted,
        }
        self._within, self._trouble = within, ""
        self._producer: ck.Producer | None = None

    def place(self, writes: Sequence[Write]) -> list[Placed | NotPlaced]:
        """What became of each write, in their order, once that is known of all of them. They are sent in that order,
        but for those that a broker took for too large together: these are sent once more, one by one.

        After one of which it is not known the client is let go of: what it still held cannot be sent later.
        """
        answers: list[Placed | NotPlaced | None] = [None] * len(writes)
        deadline, self._trouble = time.monotonic() + self._within + GRACE, ""
        if self._producer is None:
            self._producer = ck.Producer(self._config, logger=quiet_logger("placing"))
        self._send(self._producer, writes, answers, range(len(writes)), deadline)
        for at, answer in enumerate(answers if len(writes) > 1 else ()):
            if isinstance(answer, NotPlaced) and answer.too_large:  # by itself it may not be
                answers[at] = None
                self._send(self._producer, writes, answers, (at,), deadline)
        found = [NotPlaced(f"no answer within {self._within:g} s", True) if a is None else a for a in answers]
        if any(isinstance(answer, NotPlaced) and answer.unknown for answer in found):
            self.close()
        return found

    def close(self) -> None:
        """Ends the client and its threads; what was not sent yet is dropped."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(1.0)
            producer.close()

    def _send(
        self,
        producer: ck.Producer,
        writes: Sequence[Write],
        answers: list[Placed | NotPlaced | None],
        which: Iterable[int],
        deadline: float,
    ) -> None:
        for at in which:
            self._enqueue(producer, writes[at], self._answering(answers, at), deadline)
        while None in answers and time.monotonic() < deadline:
            producer.poll(0.1)

    def _answering(
        self, answers: list[Placed | NotPlaced | None], at: int
    ) -> Callable[[ck.KafkaError | None, ck.Message | None], None]:
        def answered(error: ck.KafkaError | None, message: ck.Message | None) -> None:
            if error is None and message is not None:
                answers[at] = Placed(message.topic() or "", message.partition() or 0, message.offset() or 0)
            elif error is not None:
                answers[at] = self._failed(error)

        return answered

    def _enqueue(self, producer: ck.Producer, write: Write, answered: Callable[..., None], deadline: float) -> None:
        while True:
            try:
                producer.produce(write.topic, write.value, write.key, headers=list(write.headers), on_delivery=answered)
                return
            except BufferError:
                producer.poll(0.05)
                if time.monotonic() > deadline:
                    return
            except (
                ck.KafkaException
            ) as error:  # refused by the client itself: too large, or a topic known to be missing
                message: ck.KafkaError = error.args[0]
                answered(message, None)
                return

    def _failed(self, error: ck.KafkaError) -> NotPlaced:
        why = error.str()
        if error.code() in (ck.KafkaError._MSG_TIMED_OUT, ck.KafkaError._TIMED_OUT) and self._trouble:
            why = f"{why} ({self._trouble})"
        return NotPlaced(why, error.code() not in _REFUSED, error.code() in _TOO_LARGE)

    def _noted(self, error: ck.KafkaError) -> None:
        self._trouble = error.str()

"""Writes that are durable all together or not at all, by the one holder of a transactional id.

Whoever begins under an id fences the holder before it and completes what that one left open: its last transaction is
then either wholly there or wholly gone. So what a transaction is based on (a cursor, a progress) is read only after
`begin`, and never remembered over an `Indefinite`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import confluent_kafka as ck

from psfabric.connection import Kafka
from psfabric.engine.work import Write
from psfabric.errors import FabricError, Unavailable
from psfabric.kafka.config import writing_config
from psfabric.kafka.producer import TooLarge, WriteFailed, quiet_logger

TIMEOUT_MS = 15_000
"""After which the broker aborts a transaction that nobody ends: readers wait no longer for one that was killed."""

ANSWER_WITHIN = 30.0
"""Seconds the broker has to answer about the beginning or the end of a transaction."""

_FENCED = {ck.KafkaError._FENCED, ck.KafkaError.PRODUCER_FENCED, ck.KafkaError.INVALID_PRODUCER_EPOCH}


class Fenced(FabricError):
    """Another holder of the transactional id has begun, or the broker gave our transaction up: nothing more of ours is
    accepted. Whether what was under way took effect is seen only by who begins again (its commit may have been taken
    and only the answer lost)."""


class Indefinite(FabricError):
    """Nobody said whether the transaction took effect. `begin` again and look; never write it again blind."""


class Transactions:
    """Blocking, not thread-safe. `begin` before the first `write`, and after every Fenced or Indefinite."""

    def __init__(self, kafka: Kafka, id: str, *, answer_within: float = ANSWER_WITHIN) -> None:
        self._kafka, self._id, self._answer_within = kafka, id, answer_within
        self._producer: ck.Producer | None = None

    def begin(self) -> None:
        """Fence every older holder of the id and wait until what it left open is completed. Raises Unavailable."""
        self.close()
        producer = ck.Producer(
            {
                **writing_config(self._kafka, self._id),
                "transactional.id": self._id,
                "transaction.timeout.ms": TIMEOUT_MS,
                "delivery.timeout.ms": TIMEOUT_MS - 1000,
                "socket.timeout.ms": TIMEOUT_MS - 1000,
                "linger.ms": 0,
                "topic.metadata.propagation.max.ms": 10_000,
            },
            logger=quiet_logger(self._id),
        )
        try:
            producer.init_transactions(self._answer_within)
        except ck.KafkaException as error:
            raise Unavailable(f"Kafka at {self._kafka} grants no transaction: {error.args[0].str()}") from None
        self._producer = producer

    def write(self, writes: Sequence[Write]) -> None:
        """Return when all of `writes` are committed.

        Raises WriteFailed when none of them will ever be seen (TooLarge for a topic's limit) and the same may be tried
        again; Fenced; Indefinite.
        """
        if self._producer is None:
            raise Indefinite(f"{self._id} has not begun")
        refused: list[tuple[Write, ck.KafkaError]] = []
        sent = False
        try:
            self._begin(self._producer)
            for write in writes:
                self._produce(self._producer, write, refused)
            sent = True
            self._commit(self._producer)
        except ck.KafkaException as error:
            reason: ck.KafkaError = error.args[0]
            if reason.fatal() or (sent and not reason.txn_requires_abort()):
                raise self._lost(reason) from None
            self._abort(self._producer)
            raise _why(refused, reason) from None

    def close(self) -> None:
        """Let go. A transaction under way is left to the broker, or to the next holder."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(ck.KafkaException):
                producer.purge()
            del producer

    def _begin(self, producer: ck.Producer) -> None:
        producer.begin_transaction()

    def _produce(self, producer: ck.Producer, write: Write, refused: list[tuple[Write, ck.KafkaError]]) -> None:
        def delivered(error: ck.KafkaError | None, message: ck.Message) -> None:
            if error is not None:
                refused.append((write, error))

        try:
            producer.produce(
                write.topic,
                value=write.value,
                key=write.key,
                headers=list(write.headers),
                on_delivery=delivered,
                partition=-1 if write.partition is None else write.partition,
            )
        except ck.KafkaException as error:
            refused.append((write, error.args[0]))
            raise
        except BufferError:
            producer.flush(self._answer_within)
            self._produce(producer, write, refused)

    def _commit(self, producer: ck.Producer) -> None:
        """A commit that was not answered may be asked for again on the same producer, and must be."""
        deadline = time.monotonic() + self._answer_within
        while True:
            try:
                producer.commit_transaction(max(0.1, deadline - time.monotonic()))
            except ck.KafkaException as error:
                if error.args[0].retriable() and time.monotonic() < deadline:
                    continue
                raise
            return

    def _abort(self, producer: ck.Producer) -> None:
        try:
            producer.abort_transaction(self._answer_within)
        except ck.KafkaException as error:
            raise self._lost(error.args[0]) from None

    def _lost(self, reason: ck.KafkaError) -> FabricError:
        """The producer is of no use any more; why, as the caller has to know it."""
        self.close()
        if reason.code() in _FENCED:
            return Fenced(f"another holder of {self._id} has begun")
        return Indefinite(f"Kafka at {self._kafka} did not say how a transaction of {self._id} ended: {reason.str()}")


def _why(refused: Sequence[tuple[Write, ck.KafkaError]], error: ck.KafkaError) -> WriteFailed:
    """The first refusal says more than what the client concluded from it."""
    purged = {ck.KafkaError._PURGE_QUEUE, ck.KafkaError._PURGE_INFLIGHT}
    causes = [(write, cause) for write, cause in refused if cause.code() not in purged]
    if causes and all(cause.code() == ck.KafkaError.MSG_SIZE_TOO_LARGE for _, cause in causes):
        return TooLarge([write for write, _ in causes])
    for write, cause in causes:
        return WriteFailed(f"{write.topic} did not acknowledge a record: {cause.str()}")
    return WriteFailed(f"a transaction was aborted: {error.str()}")

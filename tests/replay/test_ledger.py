"""The audit trail is written by one after the other: a row once, in one transaction with its act, tied to the last."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Sequence

import confluent_kafka as ck
import pytest

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka import Indefinite, TooLarge, Transactions, read_topic
from replay import ledger as room
from replay import operations
from replay.ledger import Ledger, append
from replay.operations import Operation, hash_before, operation_of
from tests.kafka.topics import Transaction, put, topic
from tests.psfabric.reference.server import free_port

EARLIER = (
    '{"act":"component.pause","at":"2026-06-30T18:00:00.000000Z","detail":{"component":"tryton-uk"},"id":"act-%d",'
    '"reason":"month end","result":"done","v":1,"where":"desk","who":"mara@desk","who_is":"claimed"}'
)


def row(id: str | None = None, reason: str = "month end") -> Operation:
    at = "2026-06-30T18:00:00.000000Z"
    return Operation(id or f"act-{uuid.uuid4().hex[:8]}", "test", "mara@desk", at, reason, {"n": 1}, "desk", "done")


def rows(kafka: Kafka, trail: str) -> list[Operation]:
    return [operation_of(record) for record in read_topic(kafka, trail)]


def assert_chained(found: Sequence[Operation], first: str) -> None:
    assert [each.seq for each in found] == list(range(1, len(found) + 1))
    assert [each.prev for each in found] == [first, *(each.hash for each in found[:-1])]
    assert all(each.hash == each.digest() for each in found)


def test_each_row_has_the_next_number_and_the_hash_of_the_row_before(kafka: Kafka, trail: str) -> None:
    first = append(kafka, row())
    with Ledger(kafka) as ledger:
        second, third = (ledger.append(lambda seq: row(reason=f"number {seq}")) for _ in range(2))
    assert rows(kafka, trail) == [first, second, third]
    assert [each.reason for each in (second, third)] == ["number 2", "number 3"]
    assert_chained(rows(kafka, trail), hash_before(()))


def test_the_act_is_there_together_with_its_row_and_knows_its_number(kafka: Kafka, trail: str) -> None:
    target, small = topic(kafka), topic(kafka, 1, **{"max.message.bytes": "1024"})
    with Ledger(kafka) as ledger:
        ledger.append(lambda seq: row(), lambda row: [Write(target, b"k", f"{row.seq} {row.hash}".encode())])
        with pytest.raises(TooLarge):
            ledger.append(
                lambda seq: row(), lambda row: [Write(target, b"k", b"no"), Write(small, b"k", os.urandom(51_200))]
            )
        with pytest.raises(KeyError, match="changed its mind"):
            ledger.append(lambda seq: row(), refuse)
        ledger.append(lambda seq: row(), lambda row: [Write(target, b"k", f"{row.seq} {row.hash}".encode())])
    found = rows(kafka, trail)
    assert_chained(found, hash_before(()))
    assert [r.value for r in read_topic(kafka, target)] == [f"{each.seq} {each.hash}".encode() for each in found]
    assert len(found) == 2


def refuse(row: Operation) -> Sequence[Write]:
    raise KeyError("changed its mind")


def test_rows_of_earlier_releases_stay_and_the_first_of_the_chain_has_a_hash_over_them(
    kafka: Kafka, trail: str
) -> None:
    for number in range(3):
        put(kafka, trail, EARLIER % number, key=f"act-{number}")
    put(kafka, trail, "what is no row", key="?")
    before: list[Record] = read_topic(kafka, trail)
    first = append(kafka, row())
    assert (first.seq, first.prev) == (1, hash_before((each.key, each.value) for each in before))
    assert operation_of(before[1]).id == "act-1"
    altered = [*before[:2], before[0], *before[3:]]
    assert first.prev != hash_before((each.key, each.value) for each in altered)
    put(kafka, trail, "nor is this one", key="?")
    assert append(kafka, row()).prev == first.hash, "acts go on; verifying tells of it"


def test_the_last_row_is_found_behind_transactions_that_were_given_up(kafka: Kafka, trail: str) -> None:
    """Each leaves a marker, and its rows are not seen: the end of the log says nothing about where the last row is."""
    first = append(kafka, row())
    for _ in range(12):
        given_up = Transaction(kafka, trail, "never", "there", id=f"other.{trail}")
        given_up.abort()
    assert append(kafka, row()).prev == first.hash


def test_somebody_elses_open_transaction_is_waited_for(kafka: Kafka, trail: str) -> None:
    """A row that is committed before ours has to be seen before ours is tied to the last."""
    other = Transaction(kafka, trail, EARLIER % 1, id=f"other.{trail}")
    ended = threading.Timer(1.0, other.commit)
    ended.start()
    first = append(kafka, row())
    ended.join()
    (before,) = (record for record in read_topic(kafka, trail) if record.key == b"t")
    assert first.prev == hash_before([(before.key, before.value)])


def test_of_two_who_act_at_the_same_time_both_succeed_one_after_the_other(kafka: Kafka, trail: str) -> None:
    """Each begins anew for each act, as two command lines on two machines do."""
    written: list[Operation] = []
    failures: list[BaseException] = []

    def act() -> None:
        try:
            written.extend(append(kafka, row()) for _ in range(20))
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    acting = [threading.Thread(target=act) for _ in range(2)]
    for each in acting:
        each.start()
    for each in acting:
        each.join(110)
    assert failures == []
    found = rows(kafka, trail)
    assert_chained(found, hash_before(()))
    assert sorted(written, key=lambda each: each.seq) == found
    assert len(found) == 40


def test_who_was_fenced_meanwhile_is_tied_to_the_others_row(kafka: Kafka, trail: str) -> None:
    with Ledger(kafka) as mine, Ledger(kafka) as theirs:
        mine.append(lambda seq: row("1"))
        theirs.append(lambda seq: row("2"))
        seen: list[int] = []
        mine.append(lambda seq: seen.append(seq) or row("3"))  # type: ignore[func-returns-value]
    assert seen == [2, 3], "made again for the number that it gets"
    assert [each.id for each in rows(kafka, trail)] == ["1", "2", "3"]
    assert_chained(rows(kafka, trail), hash_before(()))


class Lost(Transactions):
    """Says of the first commit that nobody answered, whether it was taken or not."""

    def __init__(self, kafka: Kafka, trail: str, took: bool, meanwhile: Callable[[], object]) -> None:
        super().__init__(kafka, trail)
        self.took, self.meanwhile, self.lost = took, meanwhile, False

    def _commit(self, producer: ck.Producer) -> None:
        if self.lost:
            super()._commit(producer)
            return
        self.lost = True
        if self.took:
            super()._commit(producer)
        else:
            producer.flush(10)
        self.close()
        self.meanwhile()
        raise Indefinite("no answer")


@pytest.mark.parametrize("took", [True, False])
@pytest.mark.parametrize("others", [0, 30])
def test_what_nobody_answered_is_looked_for_and_never_written_twice(
    kafka: Kafka, trail: str, took: bool, others: int
) -> None:
    target = topic(kafka)

    def meanwhile() -> None:
        with Ledger(kafka) as other:
            for _ in range(others):
                other.append(lambda seq: row())

    with Ledger(kafka, transactions=Lost(kafka, trail, took, meanwhile)) as ledger:
        done = ledger.append(lambda seq: row("once"), lambda row: [Write(target, b"k", b"act")])
    found = rows(kafka, trail)
    assert [each for each in found if each.id == "once"] == [done]
    assert done.seq == (1 if took else others + 1)
    assert len(found) == others + 1
    assert [record.value for record in read_topic(kafka, target)] == [b"act"]
    assert_chained(found, hash_before(()))


def test_a_row_that_is_to_be_there_once_is_not_written_again(kafka: Kafka, trail: str) -> None:
    target = topic(kafka)
    first, other = append(kafka, row("p/finished"), once=True), append(kafka, row("p/stopped"), once=True)
    again = append(kafka, row("p/finished", "somebody else"), [Write(target, b"k", b"act")], once=True)
    assert again == first
    assert rows(kafka, trail) == [first, other]
    assert read_topic(kafka, target) == []


def test_a_reason_that_is_no_text_is_kept(kafka: Kafka, trail: str) -> None:
    """A shell may hand over bytes in another encoding."""
    append(kafka, row(reason="Abschlu\udcdf \N{SNOWMAN} \n \x85"))
    append(kafka, row())
    assert rows(kafka, trail)[0].reason == "Abschlu\udcdf \N{SNOWMAN} \n \x85"
    assert_chained(rows(kafka, trail), hash_before(()))


def test_a_log_that_is_not_there_and_a_broker_that_is_away_are_said(
    kafka: Kafka, trail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Kafka(f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match=nowhere.bootstrap):
        append(nowhere, row())
    monkeypatch.setattr(room, "TOPIC", "no-such-topic")
    with pytest.raises(Unavailable, match="topics apply"):
        append(kafka, row())


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe",
        (EARLIER % 1).encode() + b" ",
        (EARLIER % 2).encode(),
        (EARLIER % 1).replace('"v":1', '"v":true').encode(),
        (EARLIER % 1).replace('"v":1', '"v":2').encode(),
        (EARLIER % 1).replace('"v":1', '"v":3').encode(),
        (EARLIER % 1).replace('"mara@desk"', "7").encode(),
        (EARLIER % 1).replace('"detail":{', '"detail":{"x":NaN,').encode(),
        (EARLIER % 1).replace('"reason"', '"extra":"","reason"').encode(),
        (EARLIER % 1).replace('"reason":"month end",', "").encode(),
        (EARLIER % 1).replace('"reason"', '"hash":"","prev":"","seq":0,"reason"').encode(),
    ],
)
def test_only_what_a_release_writes_is_a_row(value: bytes | None) -> None:
    assert operations.read_operation(b"act-1", (EARLIER % 1).encode()).who == "mara@desk"
    with pytest.raises(ValueError, match="it "):
        operations.read_operation(b"act-1", value)

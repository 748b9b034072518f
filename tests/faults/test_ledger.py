"""The oracle, given journals that are wrong in one way each."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ledger import Fault, Journal, Ledger, Said, Verdict, judge, p95


def said(id_: str, edition: int = 1, seq: int = 1, amount: str = "10.00", key: str = "k", at: float = 0.0) -> Said:
    return Said(id_, edition, key, seq, "erp", "C-1", "GBP", Decimal(amount), at)


def commit(id_: str, edition: int = 1, seq: int = 1, amount: str = "10.00", **other: Any) -> dict[str, Any]:
    return {
        "at": 1.0, "act": "commit", "company": "erp", "external": id_, "edition": edition, "seq": seq, "key": "k",
        "reference": f"R-{id_}", "client": "C-1", "currency": "GBP", "amount": amount, **other,
    }  # fmt: skip


SOURCE = [said("a", 1, 1), said("b", 1, 2, "20.00"), said("a", 2, 3, "12.50")]
GOOD = [commit("a", 1, 1), commit("b", 1, 2, "20.00"), commit("a", 2, 3, "12.50")]


@pytest.fixture
def verdict(tmp_path: Path) -> Callable[..., Verdict]:
    def judged(lines: list[dict[str, Any]], source: list[Said] = SOURCE, **options: Any) -> Verdict:
        path = tmp_path / "journal"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return judge(Ledger(source), Journal(path), **options)

    return judged


def test_a_true_journal_is_clean(verdict: Callable[..., Verdict]) -> None:
    found = verdict(GOOD)
    assert found.clean, found
    assert (found.said, found.posted, found.redelivered) == (3, 2, 0)


def test_what_never_came_is_lost_and_its_amount_missing(verdict: Callable[..., Verdict]) -> None:
    found = verdict(GOOD[:1] + GOOD[2:])
    assert (found.lost, found.amount_difference) == (1, Decimal("20.00"))


def test_an_older_version_is_not_the_last_one(verdict: Callable[..., Verdict]) -> None:
    found = verdict(GOOD[:2])
    assert (found.lost, found.amount_difference) == (1, Decimal("2.50"))


def test_an_intermediate_version_may_be_passed_over(verdict: Callable[..., Verdict]) -> None:
    assert verdict(GOOD[1:]).clean


def test_two_documents_of_one_entry_are_double(verdict: Callable[..., Verdict]) -> None:
    found = verdict([*GOOD, commit("b", 1, 4, "20.00", reference="R-other")])
    assert (found.doubled, found.lost, found.amount_difference) == (1, 0, Decimal("20.00"))


def test_a_wrong_amount_is_money(verdict: Callable[..., Verdict]) -> None:
    found = verdict([*GOOD[:2], commit("a", 2, 3, "12.49")])
    assert (found.lost, found.amount_difference) == (0, Decimal("0.01"))


def test_differences_of_two_clients_do_not_cancel(verdict: Callable[..., Verdict]) -> None:
    source = [said("a"), Said("b", 1, "k", 2, "erp", "C-2", "GBP", Decimal(5), 0.0)]
    lines = [commit("a", amount="9.00"), commit("b", seq=2, amount="6.00", client="C-2")]
    assert verdict(lines, source).amount_difference == Decimal(2)


def test_an_earlier_state_written_after_a_later_one_is_out_of_order(verdict: Callable[..., Verdict]) -> None:
    assert verdict([GOOD[1], GOOD[0], GOOD[2]]).out_of_order == 1


def test_the_same_state_written_again_is_out_of_order(verdict: Callable[..., Verdict]) -> None:
    assert verdict([*GOOD, GOOD[2]]).out_of_order == 1


@pytest.mark.parametrize("where", ["dead", "held"])
def test_what_lies_elsewhere_counts_for_neither_side(verdict: Callable[..., Verdict], where: str) -> None:
    found = verdict(GOOD[:2], **{where: [("a", 2)]})
    assert found.clean, found


def test_a_bad_record_that_is_nowhere_is_lost_and_one_that_was_posted_too(verdict: Callable[..., Verdict]) -> None:
    bad = Said("x", 1, "x", 1, "erp", "C-1", "GBP", Decimal(1), 0.0, posted=False)
    assert verdict(GOOD, [*SOURCE, bad]).lost == 1
    assert verdict(GOOD, [*SOURCE, bad], dead=[("x", 1)]).clean
    assert verdict([*GOOD, commit("x", 1, 1, "1.00", key="x")], [*SOURCE, bad]).lost >= 1


def test_writes_beyond_the_first_are_redeliveries(verdict: Callable[..., Verdict]) -> None:
    writes = [{"at": 0.0, "act": "write", "company": "erp", "external": "a", "edition": 1}] * 3
    assert verdict([*GOOD, *writes], repeated=4).redelivered == 6


def test_recovery_lasts_until_what_was_said_before_has_come(verdict: Callable[..., Verdict]) -> None:
    source = [said("a", at=1.0), said("b", seq=2, at=2.0), said("c", seq=3, at=9.0)]
    lines = [commit("a", at=4.0), commit("b", seq=2, at=7.5), commit("c", seq=3, at=20.0)]
    assert verdict(lines, source, faults=[Fault("kill", 2.5, 3.0)]).recovery_p95_s == 4.5


def test_a_line_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    text = json.dumps(GOOD[0]) + "\n"
    path.write_text(text + '{"act": "comm')
    journal = Journal(path)
    assert len(journal.read()) == 1
    path.write_text(text + text)
    assert len(journal.read()) == 2


def test_p95_of_few_is_the_highest() -> None:
    assert (p95([]), p95([3.0, 1.0]), p95([float(n) for n in range(100)])) == (0.0, 3.0, 95.0)

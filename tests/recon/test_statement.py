"""The statement finds every lie, and calls nothing a lie that is explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psfabric.adapters import Line
from recon import Books, Row, Statement, state
from tests.recon.books import FIXED, UK, US, Worked, World, amount

CENT = Decimal("0.01")


def world() -> World:
    return World(
        worked=[
            Worked("jira:worklog:1", UK, "Consultant", 5400, "INV-1"),
            Worked("jira:worklog:2", UK, "Consultant", 1201, "INV-1"),
            Worked("jira:worklog:3", UK, "Analyst", 3601, "INV-1"),
            Worked("jira:worklog:4", UK, "Analyst", 59),
            Worked("jira:worklog:5", US, "Consultant", 7200, "INV-2"),
            Worked("jira:worklog:6", FIXED, "Consultant", 900, "INV-3"),
        ],
        milestones=[("a0M1", FIXED, Decimal("12000")), ("a0M2", FIXED, Decimal("800.5"))],
    )


def told(**changes: Any) -> Statement:
    return state(world().books(**changes), amount)


def row(statement: Statement, client: str) -> Row:
    (found,) = [r for r in statement.rows if r.client == client]
    return found


# ------------------------------------------------------------------------------------------------ when both sides agree


def test_equal_sides_balance() -> None:
    statement = told()
    assert statement.differences == ()
    assert statement.balanced
    uk = row(statement, "001A")
    assert (uk.legal_entity, uk.currency, uk.seconds_source, uk.seconds_erp) == ("UK01", "GBP", 10261, 10261)
    # 6,601 s = 1.8336 h at 150; 3,601 s = 1.0003 h at 99.99; 59 s = 0.0164 h at 99.99
    assert (uk.billed, uk.open) == (Decimal("275.04") + Decimal("100.02"), Decimal("1.64"))
    assert uk.money_source == uk.money_erp == Decimal("376.70")
    assert row(statement, "001C").billed == Decimal("12800.50")


def test_money_is_rounded_once_for_a_document_line_not_for_an_entry() -> None:
    """3 s are 0.0008 h, at 150 an hour 0.12; three times 1 s would be 3 × 0.05."""
    entries = [Worked(f"e{n}", UK, "Consultant", 1, "INV-1") for n in range(3)]
    statement = state(World(entries).books(), amount)
    assert statement.balanced
    assert row(statement, "001A").money_source == Decimal("0.12")
    assert 3 * amount("UK01", 1, Decimal(150), "GBP") == Decimal("0.15")


def test_nothing_at_all_balances() -> None:
    statement = state(Books([], [], [], [], []), amount)
    assert statement.balanced
    assert statement.rows == ()


work = st.builds(
    lambda place, seconds, invoice: (place, seconds, invoice),
    st.sampled_from([(UK, "Consultant"), (UK, "Analyst"), (US, "Consultant"), (FIXED, "Consultant")]),
    st.integers(1, 86_400),
    st.sampled_from(["", "INV-1", "INV-2"]),
)


def made(works: list[Any]) -> World:
    return World([Worked(f"e:{n}", c, role, s, i and f"{c.project}/{i}") for n, ((c, role), s, i) in enumerate(works)])


@given(st.lists(work, max_size=12))
@settings(max_examples=60, deadline=None)
def test_whatever_was_worked_balances_when_both_sides_say_so(works: list[Any]) -> None:
    statement = state(made(works).books(), amount)
    assert statement.balanced, statement.differences
    assert sum(r.seconds_source for r in statement.rows) == sum(s for _, s, _ in works)


# ------------------------------------------------------------------------------------------------ lies

Lie = Callable[[Books], Books]


def with_posted(n: int, **changes: Any) -> Lie:
    return lambda b: replace(b, posted=[*b.posted[:n], replace(b.posted[n], **changes), *b.posted[n + 1 :]])


def with_invoiced(n: int, **changes: Any) -> Lie:
    def lie(b: Books) -> Books:
        line = b.invoiced[n]
        cents = changes.get("cents", 0)
        other = {k: v for k, v in changes.items() if k != "cents"}
        changed = replace(line, **{"amount": line.amount + cents * CENT, **other})
        return replace(b, invoiced=[*b.invoiced[:n], changed, *b.invoiced[n + 1 :]])

    return lie


def both(*lies: Lie) -> Lie:
    def lie(b: Books) -> Books:
        for one in lies:
            b = one(b)
        return b

    return lie


STRAY = Line("invoice", "INV-9", "UK01", "GBP", "", "PRJ-1", "Analyst", amount=CENT, number="N-9", state="posted")

LIES: dict[str, tuple[Lie, str]] = {
    "entry missing in the target": (lambda b: replace(b, posted=b.posted[1:]), "jira:worklog:1"),
    "entry missing at source": (lambda b: replace(b, time=b.time[1:]), "jira:worklog:1"),
    "open entry missing in the target": (lambda b: replace(b, posted=[*b.posted[:3], *b.posted[4:]]), "jira:worklog:4"),
    "entry doubled": (lambda b: replace(b, posted=[*b.posted, b.posted[3]]), "jira:worklog:4 is posted twice"),
    "entry doubled in another company": (
        lambda b: replace(b, posted=[*b.posted, replace(b.posted[3], legal_entity="US01", currency="USD")]),
        "jira:worklog:4 is posted twice",
    ),
    "one second more": (with_posted(3, seconds=60), "jira:worklog:4: 59 s"),
    "one second less": (with_posted(3, seconds=58), "jira:worklog:4: 59 s"),
    "one second more where an hour is free": (with_posted(5, seconds=901), "jira:worklog:6"),
    "seconds moved between two entries of a line": (
        both(with_posted(0, seconds=5401), with_posted(1, seconds=1200)),
        "jira:worklog:2: 1201 s",
    ),
    "wrong project": (with_posted(3, project_id="PRJ-2"), "on PRJ-2 in the target"),
    "wrong project of the same client and price": (with_posted(3, project_id="PRJ-1b"), "on PRJ-1b in the target"),
    "wrong role": (with_posted(3, role="Consultant"), "for Consultant on PRJ-1 in the target"),
    "wrong day": (with_posted(3, day=date(2026, 4, 1)), "on 2026-04-01"),
    "wrong company": (with_posted(3, legal_entity="US01"), "is posted in US01"),
    "wrong currency": (with_posted(3, currency="USD"), "in USD"),
    "an entry nobody posted": (
        lambda b: replace(b, posted=[*b.posted, replace(b.posted[3], aggregate_id="")]),
        "that the fabric did not post",
    ),
    "an invoice a cent too high": (with_invoiced(0, cents=1), "invoice INV-1 bills"),
    "an invoice a cent too low": (with_invoiced(2, cents=-1), "invoice INV-2 bills"),
    "a cent moved between two lines": (both(with_invoiced(0, cents=1), with_invoiced(1, cents=-1)), "invoice INV-1"),
    "an invoice in the wrong company": (with_invoiced(0, legal_entity="US01"), "is posted in US01"),
    "an invoice in the wrong currency": (with_invoiced(0, currency="EUR"), "in EUR"),
    "an invoice that was never posted": (with_invoiced(0, state="draft"), "invoice INV-1 bills 0"),
    "an invoice that is gone": (lambda b: replace(b, invoiced=b.invoiced[1:]), "invoice INV-1 bills 0"),
    "an invoice twice": (lambda b: replace(b, invoiced=[*b.invoiced, b.invoiced[0]]), "invoice INV-1 bills"),
    "an invoice without time behind it": (lambda b: replace(b, invoiced=[*b.invoiced, STRAY]), "no time entry stands"),
    "an invoice of the wrong project": (with_invoiced(0, project_id="PRJ-2"), "no time entry stands behind"),
    "an invoice of the wrong role": (with_invoiced(0, role="Partner"), "no time entry stands behind"),
    "time billed where an hour is free": (
        lambda b: replace(b, invoiced=[*b.invoiced, replace(STRAY, project_id="PRJ-3", role="Consultant")]),
        "no time entry stands behind",
    ),
    "a milestone billed twice": (lambda b: replace(b, invoiced=[*b.invoiced, b.invoiced[3]]), "is invoiced twice"),
    "a milestone of another amount": (with_invoiced(3, cents=1), "12000 GBP on PRJ-3 accepted, 12000.01 GBP"),
    "a milestone of another currency": (with_invoiced(3, currency="USD"), "12000 USD on PRJ-3 billed"),
    "a milestone on another project": (with_invoiced(3, project_id="PRJ-1"), "12000 GBP on PRJ-1 billed"),
    "a cent moved between milestones": (both(with_invoiced(3, cents=1), with_invoiced(4, cents=-1)), "a0M2"),
    "a milestone never accepted": (lambda b: replace(b, milestones=b.milestones[1:]), "not accepted at source"),
    "a milestone never billed": (lambda b: replace(b, invoiced=b.invoiced[:-1]), "a0M2: 800.5 GBP on PRJ-3 accepted"),
    "a role without a price": (
        lambda b: replace(b, rates=[r for r in b.rates if r.role != "Analyst"]),
        "Analyst on PRJ-1 has no price",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_every_lie_is_found_and_told(name: str) -> None:
    lie, sentence = LIES[name]
    statement = state(lie(world().books()), amount)
    assert not statement.balanced
    assert any(sentence in difference for difference in statement.differences), statement.differences


@given(st.lists(work, min_size=1, max_size=8), st.integers(0, 7), st.sampled_from([-1, 1, 30]))
@settings(max_examples=60, deadline=None)
def test_a_wrong_second_is_found_wherever_it_is(works: list[Any], which: int, seconds: int) -> None:
    books = made(works).books()
    n = which % len(works)
    wrong = with_posted(n, seconds=books.posted[n].seconds + seconds)(books)
    statement = state(wrong, amount)
    assert not statement.balanced
    assert any(f"e:{n}:" in difference for difference in statement.differences)


@given(st.lists(work, min_size=1, max_size=8), st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_a_lost_entry_is_found_unless_it_is_explained(works: list[Any], which: int) -> None:
    kept = made(works).books()
    n = which % len(works)
    open_works = [(place, s, "") if m == n else (place, s, i) for m, (place, s, i) in enumerate(works)]
    books = made(open_works).books()
    lost = replace(books, posted=[*books.posted[:n], *books.posted[n + 1 :]])
    assert not state(lost, amount).balanced
    for explained in (replace(lost, dead=frozenset({f"e:{n}"})), replace(lost, held=frozenset({f"e:{n}"}))):
        statement = state(explained, amount)
        assert statement.balanced, statement.differences
        assert sum(r.seconds_held + r.seconds_dead for r in statement.rows) == works[n][1]
    assert state(kept, amount).balanced


# ------------------------------------------------------------------------------------------------ dead and held


@pytest.mark.parametrize("name", ["jira:worklog:4", "4"])
def test_a_dead_letter_explains_a_missing_entry_by_its_id_or_its_upstream_id(name: str) -> None:
    posted = [p for p in world().books().posted if p.aggregate_id != "jira:worklog:4"]
    statement = told(posted=posted, dead=frozenset({name}))
    assert statement.balanced, statement.differences
    uk = row(statement, "001A")
    assert (uk.seconds_dead, uk.dead, uk.open) == (59, Decimal("1.64"), Decimal("0.00"))


def test_held_time_has_a_column_of_its_own() -> None:
    posted = [p for p in world().books().posted if p.aggregate_id != "jira:worklog:4"]
    uk = row(told(posted=posted, held=frozenset({"jira:worklog:4"})), "001A")
    assert (uk.seconds_held, uk.held, uk.seconds_dead, uk.dead) == (59, Decimal("1.64"), 0, Decimal("0.00"))


def test_a_removal_that_waits_is_time_the_target_has_too_much() -> None:
    time = [line for line in world().books().time if line.aggregate_id != "jira:worklog:4"]
    statement = told(time=time, held=frozenset({"jira:worklog:4"}))
    assert statement.balanced, statement.differences
    assert (row(statement, "001A").seconds_held, row(statement, "001A").held) == (-59, Decimal("-1.64"))


def test_an_edit_that_waits_is_explained_by_the_difference() -> None:
    books = world().books()
    time = [replace(x, seconds=x.seconds + 100) if x.aggregate_id == "jira:worklog:1" else x for x in books.time]
    statement = told(time=time, dead=frozenset({"jira:worklog:1"}))
    assert statement.balanced, statement.differences
    assert row(statement, "001A").seconds_dead == 100


def test_a_move_to_another_project_that_waits_is_explained_on_both_sides() -> None:
    books = world().books()
    time = [
        replace(x, project_id="PRJ-2", role="Consultant") if x.aggregate_id.endswith(":4") else x for x in books.time
    ]
    statement = told(time=time, held=frozenset({"jira:worklog:4"}))
    assert statement.balanced, statement.differences
    assert row(statement, "001B").seconds_held == 59
    assert row(statement, "001A").seconds_held == -59


def test_a_dead_letter_does_not_explain_the_lie_beside_it() -> None:
    books = world().books()
    statement = state(replace(with_posted(3, seconds=60)(books), dead=frozenset({"jira:worklog:1"})), amount)
    assert not statement.balanced


@pytest.mark.parametrize("column", ["held", "dead"])
@pytest.mark.parametrize("name", ["a0M2", "milestone:a0M2"])
def test_a_milestone_that_waits_or_died_is_explained(column: str, name: str) -> None:
    books = world().books()
    kept: dict[str, Any] = {column: frozenset({name})}
    statement = state(replace(books, invoiced=books.invoiced[:-1], **kept), amount)
    assert statement.balanced, statement.differences
    assert getattr(row(statement, "001C"), column) == Decimal("800.50")


def test_held_time_on_a_project_without_a_contract_is_nobodys_yet() -> None:
    books = world().books()
    early = Line("time", "jira:worklog:7", project_id="PRJ-9", role="Consultant", seconds=60)
    statement = state(replace(books, time=[*books.time, early], held=frozenset({"jira:worklog:7"})), amount)
    assert statement.balanced, statement.differences
    assert row(statement, "").seconds_held == 60


@pytest.mark.parametrize("place", [("PRJ-1", ""), ("", "Consultant"), ("", "")])
def test_dead_time_that_lacks_its_role_or_project_is_explained(place: tuple[str, str]) -> None:
    books = world().books()
    lacking = Line("time", "jira:worklog:7", project_id=place[0], role=place[1], seconds=60)
    statement = state(replace(books, time=[*books.time, lacking], dead=frozenset({"7"})), amount)
    assert statement.balanced, statement.differences
    assert sum(r.seconds_dead for r in statement.rows) == 60


def test_time_on_a_project_without_a_contract_that_nothing_explains_is_a_difference() -> None:
    books = world().books()
    early = Line("time", "jira:worklog:7", project_id="PRJ-9", role="Consultant", seconds=60)
    assert not state(replace(books, time=[*books.time, early]), amount).balanced


# ------------------------------------------------------------------------------------------------ shapes


def test_stages_are_summed_where_the_project_is() -> None:
    stages = {"submitted": {"jira:worklog:1": 5400, "jira:worklog:5": 7200, "gone": 1}, "approved": {}}
    statement = told(stages=stages)
    assert dict(row(statement, "001A").stages) == {"submitted": 5400, "approved": 0}
    assert dict(row(statement, "001B").stages) == {"submitted": 7200, "approved": 0}


def test_json_has_decimals_as_text_and_hours_with_four_places() -> None:
    plain = json.loads(json.dumps(row(told(stages={"approved": {}}), "001A").as_json()))
    assert plain["hours_source"] == plain["hours_erp"] == "2.8503"
    assert (plain["billed"], plain["open"], plain["dead"]) == ("375.06", "1.64", "0.00")
    assert plain["seconds_source"] == 10261
    assert plain["stages"] == {"approved": 0}


def test_a_currency_without_minor_units_has_none_in_the_statement() -> None:
    yen = replace(UK, project="PRJ-J", client="001J", currency="JPY", roles={"Consultant": Decimal(18000)})
    statement = state(World([Worked("e", yen, "Consultant", 1801, "I")], contracts=(yen,)).books(), amount)
    assert statement.balanced
    assert row(statement, "001J").as_json()["billed"] == "9005"


def test_invoices_are_listed_with_their_net_sum() -> None:
    listed = {i["number"]: i for i in told().invoices}
    assert sorted(listed) == ["N-INV-1", "N-INV-2", "N-a0M1", "N-a0M2"]
    assert (listed["N-INV-1"]["net"], listed["N-INV-1"]["date"]) == ("375.06", "2026-03-31")
    assert listed["N-INV-1"]["project"] == "PRJ-1"


def test_rows_and_differences_come_in_one_order_whatever_the_order_of_the_books() -> None:
    books = world().books()
    turned = replace(books, time=books.time[::-1], posted=books.posted[::-1], invoiced=books.invoiced[::-1])
    assert state(turned, amount).rows == state(books, amount).rows

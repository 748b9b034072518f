"""Rules between an event and an object that it names: when they are asked, what they say, what they refuse to be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from schemas import rules, toml
from schemas.rules.book import Book, book
from tests.schemas.rules.examples import look_ups, passing, read

DATE = {"type": "int", "logicalType": "date"}


def record(name: str, **fields: Any) -> dict[str, Any]:
    listed = [{"name": field, "type": type_} for field, type_ in fields.items()]
    return {"type": "record", "name": name, "namespace": "psf.t", "fields": listed}


LINE = record("Line", on=DATE)
SCHEMAS = {
    "work.Done": record(
        "Done", booking_id="string", client_id="string", on=DATE, lines={"type": "array", "items": LINE}
    ),
    "booking.Made": record("Made", first=DATE, last=["null", DATE], who="string"),
    "booking.Ended": record("Ended", first=DATE, last=["null", DATE], who="string", ended_on=DATE),
    "client.New": record("New", since=DATE),
}
NAMES = """
[names.booking]
by = "booking_id"
kept_as = ["booking.Made", "booking.Ended"]
"""
HEAD = 'code = "a-rule"\nevents = ["work.Done"]\nmessage = "It is not so at all."\nbroken_by = { "x" = 1 }\n'
INSIDE = 'inside = { path = "on", first = "@booking.first", last = "@booking.last" }'


def made(predicate: str = INSIDE, names: str = NAMES) -> Book:
    return book({"work": f"{names}\n[[rule]]\n{HEAD}{predicate}"}, SCHEMAS.__getitem__)


def mistakes(predicate: str = INSIDE, names: str = NAMES) -> list[str]:
    with pytest.raises(toml.FileError) as refused:
        made(predicate, names)
    return str(refused.value).splitlines()


def done(on: str = "2026-06-30", booking_id: str = "B1", **more: Any) -> dict[str, Any]:
    return {"booking_id": booking_id, "client_id": "", "on": date.fromisoformat(on), "lines": [], **more}


def booked(first: str = "2026-06-01", last: str | None = "2026-06-30", **more: Any) -> dict[str, Any]:
    return {"first": date.fromisoformat(first), "last": last and date.fromisoformat(last), "who": "", **more}


def asked(rules_: Book, event: Mapping[str, Any], state: str = "booking.Made", **data: Any) -> list[tuple[str, str]]:
    found = {"B1": (state, {**booked(), **data})}
    return [(each.path, each.message) for each in rules_.disagreements("work.Done", event, {"booking": found.get})]


def test_an_event_is_compared_with_the_object_that_it_names() -> None:
    assert asked(made(), done("2026-06-01")) == asked(made(), done("2026-06-30")) == []
    ((path, message),) = asked(made(), done("2026-07-01"))
    assert path == "on"
    assert message == "It is not so at all. At on: 2026-07-01 is outside 2026-06-01 to 2026-06-30."
    assert asked(made(), done("2026-07-01"), last=None) == [], "an end that is none is open"


@pytest.mark.parametrize("state", ["booking.Made", "booking.Ended"])
def test_the_object_may_be_in_each_state_that_its_name_lists(state: str) -> None:
    assert asked(made(), done("2026-07-01"), state) != []


def test_a_name_of_some_states_only_is_asked_in_these() -> None:
    names = '[names.over]\nby = "booking_id"\nkept_as = ["booking.Ended"]\n'
    ended = made('compare = { left = "on", is = "<=", right = "@over.ended_on" }', names)
    late, until = done("2026-06-30"), {"ended_on": date(2026, 6, 15)}
    ((path, message),) = asked(ended, late, "booking.Ended", **until)
    assert (path, message) == (
        "on",
        "It is not so at all. At on: it is 2026-06-30, and must be <= @over.ended_on, 2026-06-15.",
    )
    assert asked(ended, late, "booking.Made") == []


def test_nothing_is_asked_without_an_id_an_object_or_somebody_who_can_look_up() -> None:
    late = done("2026-07-01")
    assert asked(made(), done("2026-07-01", booking_id="")) == []
    assert asked(made(), done("2026-07-01", booking_id="B2")) == []
    assert made().disagreements("work.Done", late, {}) == ()
    assert made().disagreements("work.Done", late, {"client": lambda id_: None}) == ()
    assert made().disagreements("work.Other", late, {}) == ()
    assert made().violations("work.Done", late) == (), "it is no rule of the event alone"


def test_one_object_is_looked_up_once_for_all_rules_of_an_event() -> None:
    again = HEAD.replace("a-rule", "b-rule")
    both = book({"work": f"{NAMES}\n[[rule]]\n{HEAD}{INSIDE}\n[[rule]]\n{again}{INSIDE}"}, SCHEMAS.__getitem__)
    calls = []

    def look_up(id_: str) -> tuple[str, Any]:
        calls.append(id_)
        return "booking.Made", booked()

    assert len(both.disagreements("work.Done", done("2026-07-01"), {"booking": look_up})) == 2
    assert calls == ["B1"]


def test_what_a_look_up_raises_comes_out() -> None:
    def away(id_: str) -> None:
        raise TimeoutError(id_)

    with pytest.raises(TimeoutError, match="B1"):
        made().disagreements("work.Done", done(), {"booking": away})


def test_a_rule_may_ask_each_element_and_two_objects() -> None:
    names = NAMES + '[names.client]\nby = "client_id"\nkept_as = ["client.New"]\n'
    of_lines = made('each = "lines[]"\ncompare = { left = "on", is = ">=", right = "@booking.first" }')
    early = done(lines=[{"on": date(2026, 6, 1)}, {"on": date(2026, 5, 31)}])
    assert [path for path, _ in asked(of_lines, early)] == ["lines[1].on"]
    two = made('compare = { left = "@booking.first", is = ">=", right = "@client.since" }', names)
    client = {"C": ("client.New", {"since": date(2026, 6, 2)})}
    finders = {"booking": {"B1": ("booking.Made", booked())}.get, "client": client.get}
    (found,) = two.disagreements("work.Done", done(client_id="C"), finders)
    assert found.path == "@booking.first"
    assert two.disagreements("work.Done", done(client_id=""), finders) == ()
    assert set(two.across["work.Done"][0].reads("work.Done")) == {
        ("work.Done", "booking_id"),
        ("work.Done", "client_id"),
        ("booking.Made", "first"),
        ("booking.Ended", "first"),
        ("client.New", "since"),
    }


WRONG = [
    (INSIDE, "", "work.toml: a-rule: @booking is no name of this file; write [names.booking] into it (it has none)"),
    (
        INSIDE.replace("@booking.first", "@boking.first"),
        NAMES,
        "work.toml: a-rule: @boking is no name of this file; write [names.boking] into it (it has booking)",
    ),
    ('required = "on"', NAMES, "work.toml: names.booking: no rule speaks of it"),
    (INSIDE.replace(".last", ".lost"), NAMES, "there is no field @booking.lost; did you mean @booking.last?"),
    (
        'same = ["on", "@booking.ended_on"]',
        NAMES,
        "there is no field @booking.ended_on; there are first, last, who",
    ),
    ('same = ["on", "@booking.who"]', NAMES, "@booking.who is a text and on a date"),
    (INSIDE, NAMES.replace("booking_id", "boking_id"), "there is no field boking_id; did you mean booking_id?"),
    (INSIDE, NAMES.replace('"booking_id"', '"on"'), "names.booking: on is no id; write the path of one text"),
    (INSIDE, NAMES.replace("booking.Ended", "booking.Gone"), "booking.Gone"),
    (INSIDE, NAMES.replace("booking.Ended", "client.New"), "these are of several entities: booking.Made, client.New"),
    (INSIDE, NAMES.replace("kept_as", "kept"), "did you mean 'kept_as'?"),
    (INSIDE, NAMES.replace("names.booking", "names.Booking"), "names.Booking"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_does_not_fit_is_told_when_the_rules_are_read(case: int) -> None:
    predicate, names, says = WRONG[case]
    told = mistakes(predicate, names)
    assert says in "\n".join(told)


def test_the_catalogue_says_what_an_object_is() -> None:
    (rule,) = made().rules
    assert rule.words() == (
        "With `@booking` the booking that `booking_id` names: "
        "`on` from `@booking.first` to `@booking.last`, ends included."
    )


def test_the_latest_state_among_events_is_that_of_the_highest_version() -> None:
    head = {"aggregate_id": "B1", "revision": "0"}
    older, newer = {**booked(), **head, "sequence": "1"}, {**booked(), **head, "sequence": "2"}
    for order in ([older, newer], [newer, older]):
        found = made().among([("booking.Made", each) for each in order])
        assert found["booking"]("B1") == ("booking.Made", newer)
        assert found["booking"]("B2") is None
    assert made().among([("work.Done", newer)])["booking"]("B1") is None


def test_no_value_of_a_protected_field_is_told() -> None:
    event = "time.TimeSubmitted"
    entry = read(event, {**passing(event)[1], "resource_id": "5b10ac8d82e05b22cc7d4e02"})
    (found,) = rules.disagreements(event, entry, look_ups())
    assert found.code == "time-of-the-assigned-person"
    assert "(protected)" in found.message
    assert "5b10ac8d" not in found.message

"""What Tryton's answers mean to the engine, and what leaves this machine: no server needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from psfabric.errors import FabricError, Invalid, Transient, Unknown
from psfabric.http import Http, Response
from psfabric.outcomes import Retry
from schemas.models import TimeRemoved
from sinks.tryton import Tryton
from sinks.tryton_erp.books import Names, price
from sinks.tryton_erp.readback import aggregate, days
from sinks.tryton_erp.rpc import (
    Exists,
    NotInThisState,
    OutOfOrder,
    PeriodShut,
    Refused,
    Session,
    Warned,
    decode,
    encode,
)
from tests.sinks.tryton_world import START, World

Answer = Response | FabricError


def result(value: Any) -> Response:
    return Response(200, {}, json.dumps({"id": 1, "result": value}, default=encode).encode())


def error(*given: Any) -> Response:
    return Response(200, {}, json.dumps({"id": 1, "error": given}).encode())


def said(message: str) -> Response:
    """A refusal in Tryton's form: message, description, domain."""
    return error("UserError", [message, "", None])


class Scripted(Http):
    """Answers a login, and then what it is told, in order; keeps what was sent."""

    def __init__(self, *answers: Answer, login: Answer | None = None) -> None:
        self.answers, self.login = list(answers), login or result([7, "token", None])
        self.sent: list[tuple[str, list[Any], str]] = []

    async def request(self, method: str, url: str, **given: Any) -> Response:
        body = json.loads(given["content"])
        assert sorted(body) == ["id", "method", "params"], "with any other key Tryton answers with HTML pages"
        self.sent.append((body["method"], body["params"], given["headers"].get("Authorization", "")))
        answer = self.login if body["method"] == "common.db.login" else self.answers.pop(0)
        if isinstance(answer, FabricError):
            raise answer
        return answer


SETTINGS = {
    "name": "tryton-uk",
    "url": "http://erp",
    "database": "acme",
    "user": "fabric",
    "password": "s3cret-word",
    "company": "UK01",
}


def tryton(http: Http) -> Tryton:
    return Tryton.model_validate(SETTINGS).bind(http)


async def call(*answers: Answer, login: Answer | None = None) -> Any:
    session = Session(Scripted(*answers, login=login), "http://erp", "acme", "fabric", "s3cret-word")
    return await session.call("model.party.party.read", [1], context={"company": 2})


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Response(503, {"retry-after": "7"}), Transient, "503"),
        (Response(504), Transient, "504"),
        (Response(500), Transient, "500"),
        (Response(429), Transient, "429"),
        (Response(404), Transient, "404"),
        (Response(403), Invalid, "access-denied"),
        (Response(400), Invalid, "erp-refused"),
        (Response(200, {}, b"<html>"), Transient, "not JSON"),
        (error("ConcurrencyException", "Records were modified in the meanwhile"), Transient, "changed in between"),
        (said('You are trying to read records "5" of "Invoice" that do not exist.'), Transient, "removed"),
        (said("external_id must be unique."), Exists, "unique"),
        (said("The code on party must be unique."), Transient, "one number"),
        (
            said('To continue, you must reopen the period "2025-05" of company "A".'),
            PeriodShut,
            "To ",
        ),
        (said('To continue, you must create a period for the date "1/1/2031"'), PeriodShut, "To "),
        (
            said('To number the invoice "1", you must set an invoice date after "x"'),
            OutOfOrder,
            "To ",
        ),
        (
            said('Not "x" because it has been invoiced.'),
            Invalid,
            "time-already-billed",
        ),
        (said('You are not allowed to access "Account Period".'), Invalid, "access-denied"),
        (said('You can not call "post" on "1" of "Invoice".'), NotInThisState, "erp-refused"),
        (
            said('You cannot modify invoice "1" because it is posted, paid or cancelled.'),
            NotInThisState,
            "erp-refused",
        ),
        (said("Something else."), Refused, "erp-refused"),
        (error("UserWarning", ["abc.invoice_taxes", "Sure?", ""]), Warned, "Sure?"),
        (error("'foo'", ""), Refused, "did not understand"),
        (Transient("not reached"), Transient, "not reached"),
        (Unknown("no answer"), Unknown, "no answer"),
    ],
)
async def test_an_answer_means_one_thing(answer: Answer, kind: type[FabricError], says: str) -> None:
    with pytest.raises(kind, match=says):
        await call(answer)


async def test_the_wait_that_tryton_asks_for_is_passed_on() -> None:
    with pytest.raises(Transient) as caught:
        await call(Response(503, {"retry-after": "7"}))
    assert caught.value.after == 7.0


@pytest.mark.parametrize("login", [Response(401), Response(404), Response(429), result(None), Transient("not reached")])
async def test_a_login_that_fails_is_tried_again_later_and_tells_no_secret(login: Answer) -> None:
    with pytest.raises(Transient) as caught:
        await call(login=login)
    assert "s3cret-word" not in str(caught.value)


async def test_a_lost_session_is_opened_again_once() -> None:
    http = Scripted(Response(401), result([1]), Response(401), Response(401))
    session = Session(http, "http://erp", "acme", "fabric", "s3cret-word")
    assert await session.call("model.a.search", []) == [1]
    with pytest.raises(Transient):
        await session.call("model.a.search", [])
    methods = [method for method, _, _ in http.sent]
    assert methods.count("common.db.login") == 3
    assert methods.count("model.a.search") == 4


async def test_the_context_is_the_last_parameter_and_the_session_is_named() -> None:
    http = Scripted(result(None))
    await Session(http, "http://erp", "acme", "fabric", "s3cret-word").call(
        "model.a.write", [1], {"b": 2}, context={"c": 3}
    )
    _, (method, params, authorization) = http.sent
    assert (method, params) == ("model.a.write", [[1], {"b": 2}, {"c": 3}])
    assert authorization == "Session ZmFicmljOjc6dG9rZW4="


@pytest.mark.parametrize("value", [Decimal("150.0000"), date(2026, 10, 5), timedelta(seconds=27_001)])
def test_values_survive_the_wire(value: Any) -> None:
    assert json.loads(json.dumps([value], default=encode), object_hook=decode) == [value]


def test_a_float_duration_is_read_as_whole_seconds() -> None:
    assert decode({"__class__": "timedelta", "seconds": Decimal("27000.0")}) == timedelta(seconds=27_000)


def test_what_tryton_cannot_hold_is_not_sent() -> None:
    with pytest.raises(TypeError, match="set"):
        encode({1})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('The value "Ada Lovelace" for field "Employee" in record "Ada" of "Timesheet Line" is not valid', "Employee"),
        ('You cannot modify the duration of timesheet line "Ada Lovelace" because', "duration"),
        ('A value is required for field "Invoice Address" in record "Ada".\nAda Lovelace', "Invoice Address"),
    ],
)
async def test_a_refusal_carries_no_names(text: str, told: str) -> None:
    with pytest.raises(Refused) as caught:
        await call(said(text))
    assert "Ada" not in caught.value.said
    assert told in caught.value.said


@pytest.mark.parametrize("event", [World.requested, World.month_end, lambda world: world.removed("1")])
async def test_an_unreachable_tryton_is_a_retry(event: Callable[[World], Any]) -> None:
    (answer,) = await tryton(Scripted(login=Transient("not reached"))).deliver([event(World())])
    assert answer == Retry("not reached")


async def test_an_event_of_another_kind_is_a_bug() -> None:
    world = World()
    canonical = world.event(TimeRemoved, world.entry("1"), cause="DELETED", removed_at=START)
    for use in (tryton(Scripted()).deliver([canonical]), tryton(Scripted()).find(canonical)):
        with pytest.raises(TypeError, match="not for this sink"):
            await use


def test_a_misspelt_setting_is_refused_and_the_password_is_not_shown() -> None:
    assert "s3cret-word" not in repr(tryton(Scripted()))
    with pytest.raises(ValueError, match="compani"):
        Tryton.model_validate({**SETTINGS, "compani": "UK01"})


@pytest.mark.parametrize("make", [World.requested, World.month_end, lambda world: world.worked("1", 60)])
def test_content_does_not_depend_on_the_version_of_an_event(make: Callable[[World], Any]) -> None:
    target, world = tryton(Scripted()), World()
    first, second = target.document(make(world)), target.document(make(world))
    assert first == second
    assert first.content_hash == second.content_hash


def test_content_changes_with_what_is_posted() -> None:
    target, world = tryton(Scripted()), World()
    events = [
        world.worked("1", 60),
        world.worked("1", 61),
        world.worked("1", 60, role="Partner"),
        world.worked("1", 60, work_date=date(2026, 10, 6)),
        world.worked("1", 60, resource_id="other"),
        world.removed("1"),
    ]
    documents = [target.document(event) for event in events]
    assert len({document.content_hash for document in documents}) == len(events)
    assert {document.key for document in documents} == {f"time/{world.entry('1')}"}


def test_a_role_named_twice_is_refused_before_anything_is_sent() -> None:
    target, world = tryton(Scripted()), World()
    rate = {"role": "Consultant", "hourly_rate": world.money("150"), "billable": True}
    with pytest.raises(Invalid, match="two rates"):
        target.document(world.requested(rates=[rate, rate]))


def test_ids_of_different_tasks_never_meet() -> None:
    names = Names("UK01")
    assert names.task_id("A:B", "C") != names.task_id("A", "B:C")
    assert names.task_id("PRJ-1001", "Senior Consultant") == "UK01:task:PRJ-1001:Senior Consultant"


@pytest.mark.parametrize(
    ("external_id", "expected"),
    [
        ("UK01:time:jira-acme:worklog:10:1", "jira-acme:worklog:10"),
        ("US01:time:jira-acme:worklog:10:1", ""),
        ("UK01:billing:B1:1", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_only_our_own_ids_are_read_back(external_id: str | None, expected: str) -> None:
    assert aggregate(Names("UK01"), "time", external_id) == expected


def test_a_period_is_its_month() -> None:
    assert days("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))
    assert days("") == (date.min, date.max)


def test_a_price_keeps_four_decimals_and_no_more() -> None:
    assert price(Decimal("150.120000")) == Decimal("150.1200")
    with pytest.raises(Invalid, match="field-invalid"):
        price(Decimal("150.12345"))

"""Jira: signatures, what a notice leads to reading, and what the state read means."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from producers.jira import Jira
from psfabric import strict_json
from psfabric.adapters import Notice, Request
from psfabric.errors import Invalid, Refused, Transient
from psfabric.event import Event, Raw
from psfabric.http import Http
from psfabric.intake import app, serve
from schemas.models import TimeRemoved, TimeSubmitted
from tests.contracts.answering import Answering
from tests.contracts.sources import NOW, ThinContract, WebhookContract
from tests.producers.conftest import Vendors

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "webhook_signatures" / "cases.jsonl"
SECRET, BEFORE = "a-secret-of-this-test", "the-secret-before"
AUTHOR = "557058:11111111-2222-4333-8444-555555555555"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {
        "name": "jira-acme",
        "base_url": "https://acme.atlassian.example/",
        "user": "fabric@acme.example",
        "token": "an-api-token",
        "secret": SECRET,
    }


@pytest.fixture
def source(settings: dict[str, Any]) -> Jira:
    return Jira.model_validate(settings)


def worklog(**changes: Any) -> dict[str, Any]:
    return {
        "id": "10066",
        "issueId": "10014",
        "author": {"accountId": AUTHOR, "displayName": "Robin Example", "timeZone": "Europe/London"},
        "started": "2026-10-05T09:00:00.000+0100",
        "updated": "2026-10-05T18:30:00.250+0100",
        "timeSpent": "1d",
        "timeSpentSeconds": 27000,
    } | changes


def issue(**fields: Any) -> dict[str, Any]:
    kept = {
        "project": {"key": "NOVA"},
        "customfield_10107": "PRJ-1001",
        "customfield_10108": {"value": "Consultant", "id": "10200"},
        "updated": "2026-10-05T17:00:00.000+0000",
    }
    return {"id": "10014", "key": "NOVA-7", "fields": kept | fields}


def notice(event: str, **content: Any) -> dict[str, Any]:
    return {"timestamp": 1791221400250, "webhookEvent": event} | content


def record(content: Any) -> Raw:
    body = strict_json.dumps(content)
    return Raw("10066", body, {"fabric-notice-id": "n-1", "content-type": "application/json"})


def state(**changes: Any) -> Raw:
    return record(
        {"notice": notice("worklog_created", worklog=worklog()), "issue": issue(), "worklogs": [worklog()]} | changes
    )


@pytest.fixture
def full() -> Raw:
    return state()


@pytest.fixture
def thin() -> Raw:
    return record(notice("worklog_created", worklog=worklog()))


def sign(secret: str, body: bytes) -> Request:
    hexed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature": f"sha256={hexed}", "x-atlassian-webhook-identifier": "ab-1"}
    return Request("POST", "/in/jira-acme", headers, body)


@pytest.fixture
def signed() -> Callable[[bytes], Request]:
    return lambda body: sign(SECRET, body)


@pytest.fixture
def signed_before() -> Callable[[bytes], Request]:
    return lambda body: sign(BEFORE, body)


@pytest.fixture
def rotating(settings: dict[str, Any]) -> Jira:
    return Jira.model_validate(settings | {"previous_secret": BEFORE})


class TestContract(WebhookContract, ThinContract):
    """Jira keeps what every webhook source and every thin source promises."""


# ------------------------------------------------------------------------------------------------ verify


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        "sha256",
        "=",
        "{hex}",
        "SHA256={hex}",
        "sha256= {hex}",
        "sha256={hex} ",
        "sha256={hex}, sha256={hex}",
        "sha256={HEX}",
        "sha256={short}",
        "sha256=" + "0" * 64,
        "sha1={sha1}",
        "md5={md5}",
        "none=",
        "sha256={hex}é",
    ],
)
def test_only_one_exact_sha256_signature_opens(source: Jira, signature: str) -> None:
    body = b'{"webhookEvent": "worklog_created"}'
    hexed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    forms = {
        "hex": hexed,
        "HEX": hexed.upper(),
        "short": hexed[:-2],
        "sha1": hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest(),
        "md5": hmac.new(SECRET.encode(), body, hashlib.md5).hexdigest(),
    }
    with pytest.raises(Refused) as refusal:
        source.verify(Request("POST", "/", {"x-hub-signature": signature.format(**forms)}, body), NOW)
    assert refusal.value.code == "signature-invalid"
    assert hexed not in str(refusal.value)


def test_the_key_is_the_worklog_or_the_issue(source: Jira) -> None:
    def key(content: Any) -> str:
        return source.verify(sign(SECRET, json.dumps(content).encode()), NOW).key

    assert key(notice("worklog_created", worklog=worklog())) == "10066"
    assert key(notice("jira:issue_updated", issue=issue())) == "issue-10014"
    assert key(notice("comment_created")) == "ab-1"
    assert key(notice("worklog_created", worklog={"id": "../../x"})) == "ab-1"


@pytest.mark.parametrize("identifier", ["", "x" * 129, "zoë", "a\x00b"])
def test_an_odd_identifier_is_replaced_by_one_of_the_body(source: Jira, identifier: str) -> None:
    """The signature does not cover that header, so it must not bring anything in."""
    request = sign(SECRET, b"{}")
    odd = replace(request, headers={**request.headers, "x-atlassian-webhook-identifier": identifier})
    assert source.verify(odd, NOW).id == hashlib.blake2b(b"{}", digest_size=16).hexdigest()


def _cases() -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in CASES.read_text().splitlines()] if CASES.exists() else []
    return [row for row in rows if row["scheme"] in ("github", "jira")]


@pytest.mark.skipif(not CASES.exists(), reason=f"the public webhook cases are not here ({CASES})")
@pytest.mark.parametrize("case", _cases(), ids=lambda case: f"{case['id']}-{case['name']}")
def test_the_public_signature_cases(settings: dict[str, Any], case: dict[str, Any]) -> None:
    """GitHub signs as Jira does and sends it as X-Hub-Signature-256, so its vectors apply under our header's name."""
    headers = {name.lower().removesuffix("-256"): value for name, value in case["headers"].items()}
    request = Request("POST", "/", headers, base64.b64decode(case["body_b64"]))
    source = Jira.model_validate(settings | {"secret": case["secret"]})
    if case["expected"] == "accept":
        source.verify(request, NOW)
    else:
        with pytest.raises(Refused):
            source.verify(request, NOW)


# ------------------------------------------------------------------------------------------------ translate


def submitted(source: Jira, full: Raw) -> TimeSubmitted:
    (event,) = source.translate(full)
    assert isinstance(event.data, TimeSubmitted)
    return event.data


def test_a_worklog_is_submitted_time(source: Jira, full: Raw) -> None:
    (event,) = source.translate(full)
    data = submitted(source, full)
    assert data.aggregate_id == data.partition_key == "jira-acme:worklog:10066"
    assert (data.project_id, data.role, data.task, data.resource_id) == ("PRJ-1001", "Consultant", "NOVA-7", AUTHOR)
    assert (data.work_date, data.zone, data.worked_seconds) == (date(2026, 10, 5), "Europe/London", 27000)
    assert data.started_at == datetime(2026, 10, 5, 8, tzinfo=UTC)
    assert data.submitted_at == event.time == datetime(2026, 10, 5, 17, 30, 0, 250_000, tzinfo=UTC)
    assert data.sequence == "2026-10-05T17:30:00.250000Z/" + "0" * 20
    assert data.revision == "0" * 20


def test_a_move_of_the_issue_is_a_higher_version_of_the_same_entry(source: Jira, full: Raw) -> None:
    moved = state(issue=issue(customfield_10107="PRJ-2002", updated="2026-10-06T10:00:00.000+0000"))
    before, after = submitted(source, full), submitted(source, moved)
    assert after.aggregate_id == before.aggregate_id
    assert (after.sequence, after.revision) > (before.sequence, before.revision)
    assert after.project_id == "PRJ-2002"
    assert after.submitted_at == before.submitted_at


def test_an_issue_with_many_worklogs_gives_all_of_them(source: Jira) -> None:
    full = state(worklogs=[worklog(id=str(n)) for n in range(1, 4)])
    assert [event.aggregate_id for event in source.translate(full)] == [f"jira-acme:worklog:{n}" for n in (1, 2, 3)]


def test_a_deletion_beats_a_live_state_of_the_same_instant(source: Jira) -> None:
    deleted = record({"notice": notice("worklog_deleted", worklog=worklog()), "issue": None, "worklogs": []})
    (event,) = source.translate(deleted)
    assert isinstance(event.data, TimeRemoved)
    assert event.data.cause == "DELETED"
    assert event.data.removed_at == event.time == datetime(2026, 10, 5, 17, 30, 0, 250_000, tzinfo=UTC)
    live = submitted(source, state())
    assert event.aggregate_id == live.aggregate_id
    assert event.data.sequence > live.sequence


@pytest.mark.parametrize(
    ("started", "author_zone", "day", "zone"),
    [
        ("2026-10-05T23:30:00.000+0100", "Europe/London", date(2026, 10, 5), "Europe/London"),
        ("2026-10-05T22:30:00.000+0000", "Asia/Kolkata", date(2026, 10, 6), "Asia/Kolkata"),
        ("2026-10-05T23:30:00.000+0530", "", date(2026, 10, 5), "+05:30"),
        ("2026-10-05T23:30:00.000-0330", "Mars/Olympus", date(2026, 10, 5), "-03:30"),
        ("2026-10-05T23:30:00.000+0000", "../../etc/passwd", date(2026, 10, 5), "+00:00"),
        ("2026-10-25T00:30:00.000+0000", "Europe/London", date(2026, 10, 25), "Europe/London"),
    ],
)
def test_the_day_of_work_is_the_authors(source: Jira, started: str, author_zone: str, day: date, zone: str) -> None:
    """Jira shows times in the zone of the account that reads, which need not be the author's."""
    author = {"accountId": AUTHOR, "timeZone": author_zone}
    data = submitted(source, state(worklogs=[worklog(started=started, author=author)]))
    assert (data.work_date, data.zone) == (day, zone)


def test_a_role_may_be_plain_text(source: Jira) -> None:
    assert submitted(source, state(issue=issue(customfield_10108=" Partner "))).role == "Partner"


def test_fields_are_settings(settings: dict[str, Any]) -> None:
    other = Jira.model_validate(settings | {"project_field": "customfield_1", "role_field": "customfield_2"})
    data = submitted(other, state(issue=issue(customfield_1="PRJ-9", customfield_2={"value": "Analyst"})))
    assert (data.project_id, data.role) == ("PRJ-9", "Analyst")


@pytest.mark.parametrize("seconds", [0, 1, 86_400, 10**9])
def test_how_much_time_is_plausible_is_not_decided_here(source: Jira, seconds: int) -> None:
    assert submitted(source, state(worklogs=[worklog(timeSpentSeconds=seconds)])).worked_seconds == seconds


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("project-code-missing", {"issue": issue(customfield_10107=None)}),
        ("project-code-missing", {"issue": issue(customfield_10107="  ")}),
        ("project-code-missing", {"issue": issue(customfield_10107={"value": "PRJ-1"})}),
        ("role-missing", {"issue": issue(customfield_10108=None)}),
        ("role-missing", {"issue": issue(customfield_10108={"id": "1"})}),
        ("field-invalid", {"worklogs": [worklog(timeSpentSeconds="3600")]}),
        ("field-invalid", {"worklogs": [worklog(timeSpentSeconds=True)]}),
        ("field-invalid", {"worklogs": [worklog(timeSpentSeconds=None)]}),
        ("field-invalid", {"worklogs": [worklog(timeSpentSeconds=10**30)]}),
        ("time-out-of-bounds", {"worklogs": [worklog(timeSpentSeconds=-60)]}),
        ("field-invalid", {"worklogs": [worklog(started="yesterday")]}),
        ("field-invalid", {"worklogs": [worklog(started="2026-10-05T09:00:00.000")]}),
        ("field-invalid", {"worklogs": [worklog(updated="0001-01-01T00:00:00.000+1400")]}),
        ("field-missing", {"worklogs": [worklog(updated=None)]}),
        ("field-missing", {"worklogs": [worklog(author=None)]}),
        ("malformed-json", {"worklogs": [worklog(id="../1")]}),
        ("field-missing", {"worklogs": ["10066"]}),
        ("field-missing", {"issue": None}),
        ("field-invalid", {"notice": notice("worklog_deleted", worklog=worklog()) | {"timestamp": "now"}}),
        ("field-invalid", {"notice": notice("worklog_deleted", worklog=worklog()) | {"timestamp": 10**30}}),
        ("malformed-json", {"notice": notice("worklog_deleted")}),
    ],
)
def test_what_cannot_be_translated_is_refused_by_code(source: Jira, code: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        source.translate(state(**changes))
    assert refusal.value.code == code


def test_a_reason_quotes_no_personal_data(source: Jira) -> None:
    with pytest.raises(Invalid) as refusal:
        source.translate(state(worklogs=[worklog(started="Robin Example")]))
    assert "Robin" not in str(refusal.value)


# ------------------------------------------------------------------------------------------------ hydrate


@pytest.fixture
async def live(vendors: Vendors) -> AsyncIterator[Jira]:
    http = Http()
    made = Jira.model_validate(
        {"name": "jira-acme", "base_url": vendors.jira, "user": vendors.user, "token": vendors.token, "secret": SECRET}
    )
    made.bind(http)
    yield made
    await http.close()


@pytest.fixture(scope="module")
def issues(vendors: Vendors) -> Callable[..., dict[str, Any]]:
    """Makes an issue with worklogs in the simulated Jira."""
    vendors.steer_jira(
        "actions",
        actions=[
            {"do": "create_project", "key": "NOVA"},
            {"do": "create_project", "key": "ORION"},
            {"do": "create_user", "account_id": AUTHOR, "name": "Robin Example", "zone": "Europe/London"},
        ],
    )

    def make(worklogs: int = 1, **fields: Any) -> dict[str, Any]:
        wanted = {"project": "NOVA", "project_code": "PRJ-1001", "role": "Consultant"} | fields
        made = act(vendors, {"do": "create_issue", **wanted})
        logged = [
            act(
                vendors,
                {
                    "do": "log_work",
                    "issue": made,
                    "author": AUTHOR,
                    "started": "2026-10-05T09:00:00+01:00",
                    "seconds": 3600 + n,
                },
            )
            for n in range(worklogs)
        ]
        return {"issue": str(made), "worklogs": [str(id) for id in logged]}

    return make


def act(vendors: Vendors, action: dict[str, Any]) -> Any:
    return vendors.steer_jira("actions", actions=[action])["ids"][0]


def told(event: str, issue_id: str, worklog_id: str) -> Raw:
    return record(notice(event, worklog={"id": worklog_id, "issueId": issue_id}))


def moved(issue_id: str, *items: dict[str, Any]) -> Raw:
    return record(notice("jira:issue_updated", issue={"id": issue_id}, changelog={"items": list(items)}))


async def test_a_thin_notice_becomes_the_state_it_is_about(live: Jira, issues: Callable[..., dict[str, Any]]) -> None:
    made = issues()
    full = await live.hydrate(told("worklog_created", made["issue"], made["worklogs"][0]))
    assert full.key == "10066"
    assert full.headers["fabric-notice-id"] == "n-1"
    data = submitted(live, full)
    assert (data.project_id, data.role, data.worked_seconds) == ("PRJ-1001", "Consultant", 3600)
    assert data.work_date == date(2026, 10, 5)


async def test_asking_twice_gives_the_same_bytes(live: Jira, issues: Callable[..., dict[str, Any]]) -> None:
    made = issues()
    raw = told("worklog_updated", made["issue"], made["worklogs"][0])
    assert await live.hydrate(raw) == await live.hydrate(raw)


async def test_a_moved_issue_brings_all_its_worklogs(
    live: Jira, issues: Callable[..., dict[str, Any]], vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.jira.PAGE", 2)
    made = issues(worklogs=5)
    before = submitted(live, await live.hydrate(told("worklog_created", made["issue"], made["worklogs"][0])))
    act(vendors, {"do": "move_issue", "issue": made["issue"], "project": "ORION", "project_code": "PRJ-2002"})
    full = await live.hydrate(moved(made["issue"], {"field": "project", "fieldId": "project"}))
    events = list(live.translate(full))
    assert [event.aggregate_id for event in events] == [f"jira-acme:worklog:{id}" for id in made["worklogs"]]
    assert {event.data.project_id for event in events} == {"PRJ-2002"}
    assert events[0].data.sequence > before.sequence


async def test_a_changed_project_code_or_role_brings_the_worklogs_too(
    live: Jira, issues: Callable[..., dict[str, Any]]
) -> None:
    made = issues(worklogs=2)
    for field in ("customfield_10107", "customfield_10108"):
        full = await live.hydrate(moved(made["issue"], {"field": "Some name", "fieldId": field}))
        assert len(list(live.translate(full))) == 2


@pytest.mark.parametrize(
    "content",
    [
        notice(
            "jira:issue_updated", issue={"id": "1"}, changelog={"items": [{"field": "summary", "fieldId": "summary"}]}
        ),
        notice("jira:issue_updated", issue={"id": "1"}),
        notice("jira:issue_updated", changelog={"items": "none"}),
        notice("jira:issue_created", issue={"id": "1"}),
        notice("comment_created"),
    ],
)
async def test_what_does_not_touch_worklogs_is_not_read(source: Jira, content: dict[str, Any]) -> None:
    """The adapter has no client here."""
    assert list(source.translate(await source.hydrate(record(content)))) == []


async def test_a_deletion_needs_no_read(source: Jira) -> None:
    full = await source.hydrate(record(notice("worklog_deleted", worklog=worklog())))
    assert [event.type for event in source.translate(full)] == ["time.TimeRemoved"]


async def test_what_is_gone_is_absent(live: Jira, issues: Callable[..., dict[str, Any]], vendors: Vendors) -> None:
    made = issues()
    act(vendors, {"do": "delete_work", "worklog": made["worklogs"][0]})
    full = await live.hydrate(told("worklog_created", made["issue"], made["worklogs"][0]))
    assert full.absent
    assert list(live.translate(full)) == []
    assert (await live.hydrate(told("worklog_created", "999999", "1"))).absent
    assert (await live.hydrate(moved("999999", {"field": "project"}))).absent


async def test_a_throttled_read_waits_as_told(
    live: Jira, issues: Callable[..., dict[str, Any]], vendors: Vendors
) -> None:
    made = issues()
    vendors.steer_jira("faults", throttle=1, retry_after=7)
    with pytest.raises(Transient) as trouble:
        await live.hydrate(told("worklog_created", made["issue"], made["worklogs"][0]))
    assert trouble.value.after == 7


async def test_a_wrong_token_is_for_people_and_kills_no_record(
    vendors: Vendors, live: Jira, issues: Callable[..., dict[str, Any]]
) -> None:
    made = issues()
    locked = Jira(name="jira-acme", base_url=vendors.jira, user="x", token="wrong", secret=SECRET).bind(live.http)
    with pytest.raises(Transient) as trouble:
        await locked.hydrate(told("worklog_created", made["issue"], made["worklogs"][0]))
    assert "wrong" not in str(trouble.value)


@pytest.mark.parametrize(
    "broken",
    [
        notice("worklog_created", worklog={"id": "1"}),
        notice("worklog_created", worklog={"id": "../../myself", "issueId": "1"}),
        notice("worklog_created", worklog={"id": "1?x=", "issueId": "1"}),
        notice("worklog_created", worklog=[]),
        notice("worklog_created"),
        notice("jira:issue_updated", issue={"id": "a/b"}, changelog={"items": [{"field": "project"}]}),
        {"worklog": worklog()},
        {"webhookEvent": 7},
    ],
)
async def test_a_notice_without_usable_ids_is_malformed(source: Jira, broken: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        await source.hydrate(record(broken))
    assert refusal.value.code == "malformed-json"


class Site:
    """A Jira whose state changes between two reads: each read takes the next state, the last one stays."""

    def __init__(self, issues: list[dict[str, Any]], worklogs: list[dict[str, Any]]) -> None:
        self._issues, self._worklogs = issues, worklogs

    def __call__(self, request: httpx.Request) -> httpx.Response:
        queue = self._worklogs if "/worklog" in request.url.path else self._issues
        return httpx.Response(200, content=strict_json.dumps(queue.pop(0) if len(queue) > 1 else queue[0]))


async def test_an_old_project_never_travels_under_a_new_version(source: Jira) -> None:
    """The issue moved and the worklog changed between our two reads: that mix must not be taken for one state."""
    old, new = issue(updated="2026-10-05T10:00:00.000+0000"), issue(customfield_10107="PRJ-2002", updated=later(2))
    source.bind(Answering(Site([old, new], [worklog(updated=later(3))])))
    data = submitted(source, await source.hydrate(told("worklog_updated", "10014", "10066")))
    assert data.project_id == "PRJ-2002"


async def test_a_worklog_changed_while_read_is_taken_with_its_own_version(source: Jira) -> None:
    source.bind(Answering(Site([issue(updated=later(1))], [worklog(updated=later(3), timeSpentSeconds=60)])))
    data = submitted(source, await source.hydrate(told("worklog_updated", "10014", "10066")))
    assert (data.worked_seconds, data.sequence[:19]) == (60, "2026-10-06T03:00:00")


async def test_an_issue_that_does_not_rest_is_tried_again_later(source: Jira) -> None:
    source.bind(Answering(Site([issue(updated=later(n)) for n in range(9)], [worklog(updated=later(20))])))
    with pytest.raises(Transient):
        await source.hydrate(told("worklog_updated", "10014", "10066"))


def later(hour: int) -> str:
    return f"2026-10-06T{hour:02}:00:00.000+0000"


async def test_numbers_are_stored_as_they_came(source: Jira) -> None:
    body = json.dumps(issue())[:-1] + ', "progress": 0.10, "big": 12345678901234567890123, "exp": 1E+2}'
    pages = {"issue": body.encode(), "worklog": strict_json.dumps(worklog(updated=later(0)))}
    source.bind(
        Answering(lambda r: httpx.Response(200, content=pages["worklog" if "/worklog" in r.url.path else "issue"]))
    )
    full = await source.hydrate(told("worklog_created", "10014", "10066"))
    for text in (b'"progress":0.10', b'"big":12345678901234567890123', b'"exp":1E+2'):
        assert text in full.body


def test_events_of_one_version_are_equal_whoever_told_them(source: Jira, full: Raw) -> None:
    other = replace(state(notice=notice("worklog_updated", worklog=worklog())), headers={"fabric-notice-id": "n-2"})

    def ids(raw: Raw) -> list[Event]:
        return list(source.translate(raw))

    assert ids(full) == ids(other)


@pytest.fixture
async def posted(vendors: Vendors, live: Jira) -> AsyncIterator[tuple[Jira, asyncio.Queue[Raw]]]:
    """An adapter with the site's own secret behind a real intake to which the simulated Jira posts."""
    source = live.model_copy(update={"secret": SecretStr(vendors.webhook_secret)})
    source.bind(live.http)
    stored: asyncio.Queue[Raw] = asyncio.Queue()

    async def store(name: str, raw: Raw, notice: Notice) -> None:
        stored.put_nowait(raw)

    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    made = app({"jira-acme": source}, store)
    serving = asyncio.create_task(serve(made, "127.0.0.1", 0, stop=stop, started=port.set_result))
    await steer(vendors, "intake", url=f"http://127.0.0.1:{await port}")
    yield source, stored
    await steer(vendors, "intake", url="")
    stop.set()
    await serving


async def steer(vendors: Vendors, path: str, **body: Any) -> Any:
    return await asyncio.to_thread(vendors.steer_jira, path, **body)


async def test_what_jira_really_posts_goes_all_the_way(
    posted: tuple[Jira, asyncio.Queue[Raw]], vendors: Vendors, issues: Callable[..., dict[str, Any]]
) -> None:
    """A worklog is logged, edited, moved with its issue and deleted; each step is told before the next is taken."""
    source, stored = posted
    issue_id = (await asyncio.to_thread(issues, worklogs=0))["issue"]
    work = {"issue": issue_id, "author": AUTHOR, "started": "2026-10-05T09:00:00+01:00", "seconds": 3600}
    id = (await steer(vendors, "actions", actions=[{"do": "log_work", **work}]))["ids"][0]

    async def told_of() -> Any:
        async with asyncio.timeout(20):
            while True:  # other tests left notices of other worklogs
                for event in source.translate(await source.hydrate(await stored.get())):
                    if event.aggregate_id == f"jira-acme:worklog:{id}":
                        return event.data

    logged = await told_of()
    await steer(vendors, "actions", actions=[{"do": "edit_work", "worklog": id, "seconds": 5400}])
    edited = await told_of()
    move = {"do": "move_issue", "issue": issue_id, "project": "ORION", "project_code": "PRJ-2002"}
    await steer(vendors, "actions", actions=[move])
    there = await told_of()
    await steer(vendors, "actions", actions=[{"do": "delete_work", "worklog": id}])
    gone = await told_of()
    assert [step.worked_seconds for step in (logged, edited, there)] == [3600, 5400, 5400]
    assert [step.project_id for step in (logged, edited, there)] == ["PRJ-1001", "PRJ-1001", "PRJ-2002"]
    assert isinstance(gone, TimeRemoved)
    assert logged.sequence < edited.sequence < there.sequence < gone.sequence

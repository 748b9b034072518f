"""The simulated Jira, driven over REST by an independent client and steered through its control endpoints."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import jira
import pytest

from sandbox.control import Control, ControlError
from tests.sandbox.conftest import SECRETS, Receiver, Running
from tests.waiting import eventually

AUTHOR = "712020:5eed0000-0000-4000-8000-000000000099"
_numbers = count(50_000, 5_000)
AT = "2026-10-05T17:00:00.250+00:00"


@pytest.fixture
def issue(control: Control) -> dict[str, Any]:
    number = next(_numbers)
    control.act(
        [
            {"do": "create_user", "account_id": AUTHOR, "name": "Test Person", "zone": "Europe/London"},
            {
                "do": "create_issue",
                "id": number,
                "key": f"TST-{number}",
                "project": "TST",
                "project_code": "PRJ-9001",
                "role": "Consultant",
                "summary": "Work package",
                "at": AT,
            },
        ]
    )
    return {"id": number, "key": f"TST-{number}"}


def log(control: Control, issue: dict[str, Any], **more: Any) -> int:
    id = next(_numbers)
    action = {"do": "log_work", "id": id, "issue": issue["id"], "author": AUTHOR, "at": AT}
    control.act([action | {"started": "2026-10-05T09:00:00+01:00", "seconds": 5400} | more])
    return id


def test_the_independent_client_logs_edits_reads_and_deletes_work(
    running: Running, control: Control, receiver: Receiver, issue: dict[str, Any]
) -> None:
    client = jira.JIRA(running.jira, basic_auth=(SECRETS["PSF_JIRA_USER"], SECRETS["PSF_JIRA_TOKEN"]))
    started = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
    made = client.add_worklog(issue["key"], timeSpentSeconds=5400, started=started, comment="as agreed")
    made.update(timeSpentSeconds=3661)
    assert client.worklog(issue["key"], made.id).timeSpentSeconds == 3661
    assert [(work.id, work.comment) for work in client.worklogs(issue["key"])] == [(made.id, "as agreed")]
    shown = client.issue(issue["key"])
    assert (shown.fields.customfield_10107, shown.fields.customfield_10108.value) == ("PRJ-9001", "Consultant")
    made.delete()
    with pytest.raises(jira.JIRAError, match="Cannot find worklog"):
        client.worklog(issue["key"], made.id)
    control.settle()
    told = sorted(json.loads(hook.body)["webhookEvent"] for hook in receiver.about(int(made.id)))
    assert told == ["worklog_created", "worklog_deleted", "worklog_updated"]


def test_a_worklog_reads_as_in_jira(control: Control, rest: httpx.Client, issue: dict[str, Any]) -> None:
    id = log(control, issue, comment="first line")
    shown = rest.get(f"/issue/{issue['id']}/worklog/{id}").json()
    assert shown["started"] == "2026-10-05T09:00:00.000+0100"
    assert shown["updated"] == "2026-10-05T18:00:00.250+0100"
    assert (shown["timeSpentSeconds"], shown["timeSpent"]) == (5400, "1h 30m")
    assert shown["author"]["accountId"] == AUTHOR
    assert shown["comment"]["content"][0]["content"] == [{"type": "text", "text": "first line"}]
    assert (shown["id"], shown["issueId"]) == (str(id), str(issue["id"]))


def test_a_worklog_notice_holds_only_the_worklog_and_is_signed(
    control: Control, receiver: Receiver, issue: dict[str, Any]
) -> None:
    id = log(control, issue)
    control.settle()
    (hook,) = receiver.about(id)
    secret = SECRETS["PSF_JIRA_WEBHOOK_SECRET"].encode()
    assert hook.headers["x-hub-signature"] == "sha256=" + hmac.new(secret, hook.body, hashlib.sha256).hexdigest()
    assert hook.path == "/in/jira-acme"
    assert (hook.headers["x-atlassian-webhook-retry"], hook.headers["x-atlassian-webhook-flow"]) == ("0", "Primary")
    body = json.loads(hook.body)
    assert set(body) == {"timestamp", "webhookEvent", "worklog"}
    assert body["timestamp"] == 1791219600250
    assert issue["key"] not in hook.body.decode()
    assert "PRJ-9001" not in hook.body.decode()


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_a_notice_is_retried_under_the_same_identifier(
    control: Control, receiver: Receiver, issue: dict[str, Any], status: int
) -> None:
    receiver.answers[:] = [status, status]
    id = log(control, issue)
    control.settle()
    hooks = receiver.about(id)
    assert len({hook.id for hook in hooks}) == 1
    assert [hook.headers["x-atlassian-webhook-retry"] for hook in hooks] == ["0", "1", "2"]


@pytest.mark.parametrize("status", [400, 401, 404, 413])
def test_a_refused_notice_is_not_retried(
    control: Control, receiver: Receiver, issue: dict[str, Any], status: int
) -> None:
    receiver.answers[:] = [status]
    id = log(control, issue)
    control.settle()
    assert len(receiver.about(id)) == 1
    (delivery,) = [row for row in control.deliveries("refused") if row["about"] == f"worklog:{id}"]
    assert (delivery["answer"], delivery["attempts"]) == (status, 1)


def test_a_closed_door_is_tried_until_it_opens(control: Control, receiver: Receiver, issue: dict[str, Any]) -> None:
    control.set_intake("http://127.0.0.1:1")
    id = log(control, issue)
    eventually(lambda: any(row["attempts"] >= 2 for row in control.deliveries("pending")), 10.0)
    control.set_intake(receiver.url)
    control.settle()
    assert len(receiver.about(id)) == 1


def test_notices_are_held_repeated_and_kept_silent_as_told(
    control: Control, receiver: Receiver, issue: dict[str, Any]
) -> None:
    held = log(control, issue, emit={"hold": "later", "flow": "Secondary"})
    thrice = log(control, issue, emit={"times": 3})
    silent = log(control, issue, emit={"times": 0})
    control.settle()
    assert [len(receiver.about(id)) for id in (held, thrice, silent)] == [0, 3, 0]
    assert len({hook.id for hook in receiver.about(thrice)}) == 1
    assert control.release(["another"]) == 0
    assert control.release(["later"]) == 1
    control.settle()
    (hook,) = receiver.about(held)
    assert hook.headers["x-atlassian-webhook-flow"] == "Secondary"
    assert not receiver.about(silent)


def test_everything_is_delivered_again_on_request(control: Control, receiver: Receiver, issue: dict[str, Any]) -> None:
    told, silent = log(control, issue), log(control, issue, emit={"times": 0})
    control.settle()
    before = len(control.deliveries("delivered"))
    assert control.redeliver() >= before
    control.settle()
    first, again = receiver.about(told)
    assert (first.id, first.body) == (again.id, again.body)
    assert not receiver.about(silent)


def test_a_moved_issue_is_told_with_its_changelog_and_keeps_its_old_key(
    control: Control, receiver: Receiver, rest: httpx.Client, issue: dict[str, Any]
) -> None:
    id = log(control, issue)
    move = {"do": "move_issue", "issue": issue["id"], "project": "OTH", "project_code": "PRJ-9002"}
    control.act([move | {"at": "2026-10-20T12:00:00+00:00"}])
    control.settle()
    (hook,) = [hook for hook in receiver.hooks if b'"jira:issue_updated"' in hook.body]
    items = {item["fieldId"]: item for item in json.loads(hook.body)["changelog"]["items"]}
    assert set(items) == {"key", "project", "customfield_10107"}
    assert (items["project"]["fromString"], items["project"]["toString"]) == ("TST", "OTH")
    shown = rest.get(f"/issue/{issue['key']}", params={"fields": "project,customfield_10107,updated"}).json()
    assert shown["key"].startswith("OTH-")
    assert rest.get(f"/issue/{shown['key']}").json()["id"] == shown["id"] == str(issue["id"])
    assert shown["fields"]["customfield_10107"] == "PRJ-9002"
    assert shown["fields"]["updated"] == "2026-10-20T12:00:00.000+0000"
    worklog = rest.get(f"/issue/{issue['id']}/worklog/{id}").json()
    assert worklog["updated"] == "2026-10-05T18:00:00.250+0100", "a move does not touch the worklogs"


def test_a_notice_of_deleted_work_can_no_longer_be_followed(
    control: Control, receiver: Receiver, rest: httpx.Client, issue: dict[str, Any]
) -> None:
    id = log(control, issue)
    control.act([{"do": "delete_work", "worklog": id, "at": "2026-10-06T10:00:00+00:00"}])
    assert rest.get(f"/issue/{issue['id']}/worklog/{id}").status_code == 404
    control.act([{"do": "delete_issue", "issue": issue["id"]}])
    assert rest.get(f"/issue/{issue['id']}").status_code == 404
    control.settle()
    deleted = next(json.loads(hook.body) for hook in receiver.about(id) if b"worklog_deleted" in hook.body)
    assert deleted["worklog"]["timeSpentSeconds"] == 5400


def test_the_feed_of_updated_worklogs_is_paged_and_leaves_the_last_minute_out(
    control: Control, rest: httpx.Client, issue: dict[str, Any]
) -> None:
    silent = {"times": 0}
    since = 1_793_500_000_000
    base = since // 1000
    made = [
        log(control, issue, emit=silent, at=datetime.fromtimestamp(base + 1 + n, UTC).isoformat()) for n in range(3)
    ]
    bulk = [
        {
            "do": "log_work",
            "issue": issue["id"],
            "author": AUTHOR,
            "started": "2026-10-05T09:00:00+01:00",
            "seconds": 60,
            "emit": silent,
            "at": datetime.fromtimestamp(base + 10 + n, UTC).isoformat(),
        }
        for n in range(1000)
    ]
    ids = [*made, *control.act(bulk)]
    control.hold_clock(datetime.fromtimestamp(base + 10 + 999 + 59, UTC))
    first = rest.get("/worklog/updated", params={"since": since}).json()
    assert (len(first["values"]), first["lastPage"]) == (1000, False)
    second = rest.get(first["nextPage"]).json()
    assert (second["since"], second["lastPage"]) == (first["until"], True)
    seen = [value["worklogId"] for value in first["values"] + second["values"]]
    assert seen == ids[:-1], "the newest is younger than a minute"
    listed = rest.post("/worklog/list", json={"ids": seen[:2]}).json()
    assert [int(worklog["id"]) for worklog in listed] == seen[:2]


def test_deleted_worklogs_are_in_their_own_feed(control: Control, rest: httpx.Client, issue: dict[str, Any]) -> None:
    id = log(control, issue)
    control.act([{"do": "delete_work", "worklog": id, "at": "2026-10-06T10:00:00+00:00"}])
    values = rest.get("/worklog/deleted", params={"since": 0}).json()["values"]
    assert {"worklogId": id, "updatedTime": 1791280800000, "properties": []} in values


def test_the_worklogs_of_an_issue_are_paged(control: Control, rest: httpx.Client, issue: dict[str, Any]) -> None:
    ids = [log(control, issue) for _ in range(5)]
    page = rest.get(f"/issue/{issue['id']}/worklog", params={"startAt": 3, "maxResults": 10}).json()
    assert (page["startAt"], page["maxResults"], page["total"]) == (3, 10, 5)
    assert [int(worklog["id"]) for worklog in page["worklogs"]] == ids[3:]


def test_a_throttle_says_why_and_for_how_long(control: Control, rest: httpx.Client, issue: dict[str, Any]) -> None:
    control.jira_faults(throttle=1, retry_after=7, reason="jira-quota-tenant-based")
    refused = rest.get("/myself")
    assert refused.status_code == 429
    assert (refused.headers["retry-after"], refused.headers["ratelimit-reason"]) == ("7", "jira-quota-tenant-based")
    assert rest.get("/myself").status_code == 200


def test_a_server_error_passes(control: Control, rest: httpx.Client) -> None:
    control.jira_faults(server_error=1)
    assert [rest.get("/myself").status_code for _ in range(2)] == [503, 200]


@pytest.mark.parametrize("auth", [None, ("fabric@acme.example", "wrong"), ("other", SECRETS["PSF_JIRA_TOKEN"])])
def test_wrong_credentials_are_refused(running: Running, auth: tuple[str, str] | None) -> None:
    assert httpx.get(f"{running.jira}/rest/api/3/myself", auth=auth).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"started": "2026-10-05T09:00:00.000+0000"},
        {"timeSpentSeconds": 0},
        {"timeSpentSeconds": "90"},
        {"timeSpentSeconds": True},
        {"timeSpent": "soon"},
        {"timeSpentSeconds": 60, "started": "2026-10-05"},
        {"timeSpentSeconds": 60, "comment": "plain text is for version 2"},
    ],
)
def test_a_wrong_worklog_is_refused(rest: httpx.Client, issue: dict[str, Any], body: dict[str, Any]) -> None:
    assert rest.post(f"/issue/{issue['id']}/worklog", json=body).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"timeSpentSeconds": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(rest: httpx.Client, issue: dict[str, Any], body: bytes) -> None:
    assert rest.post(f"/issue/{issue['id']}/worklog", content=body).status_code == 400
    assert rest.put(f"/issue/{issue['id']}", content=body).status_code == 400
    assert rest.post("/worklog/list", content=body).status_code == 400


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"do": "fly"}, "cannot do 'fly'"),
        ({"do": "log_work", "issue": "NO-1"}, "does not exist"),
        ({"do": "edit_work", "worklog": 1}, "no worklog 1"),
        ({"do": "create_project"}, "'key' is missing"),
        ({"do": "create_issue", "project": "TST", "at": "2026-10-05T09:00:00"}, "names no offset"),
    ],
)
def test_a_wrong_action_is_refused_with_a_sentence(control: Control, action: dict[str, Any], said: str) -> None:
    with pytest.raises(ControlError, match=said):
        control.act([action])


def test_an_id_is_used_once(control: Control, issue: dict[str, Any]) -> None:
    id = log(control, issue)
    control.act([{"do": "delete_work", "worklog": id}])
    with pytest.raises(ControlError, match="made before"):
        log(control, issue, id=id)


def test_a_forged_and_a_malformed_webhook_can_be_sent(control: Control, receiver: Receiver) -> None:
    control.deliver_raw('{"webhookEvent": ', "valid")
    control.deliver_raw("{}", "forged")
    control.settle()
    hooks = {hook.body: hook.headers["x-hub-signature"] for hook in receiver.hooks}
    secret = SECRETS["PSF_JIRA_WEBHOOK_SECRET"].encode()
    malformed = b'{"webhookEvent": '
    assert hooks[malformed] == "sha256=" + hmac.new(secret, malformed, hashlib.sha256).hexdigest()
    assert hooks[b"{}"] == "sha256=" + "0" * 64

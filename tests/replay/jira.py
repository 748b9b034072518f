"""A mapping of Jira that was wrong, and records to try it on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from producers.jira import Jira
from psfabric.event import Event, Raw


class Rounding(Jira):
    """The mapping as it was: every entry rounded down to a whole hour."""

    def translate(self, full: Raw) -> Iterable[Event]:
        for event in super().translate(full):
            seconds = getattr(event.data, "worked_seconds", 0) // 3600 * 3600
            yield event.changed(data=event.data.model_copy(update={"worked_seconds": seconds}))


def mapping_of(kind: type[Jira], name: str) -> Jira:
    settings: dict[str, Any] = {"base_url": "http://127.0.0.1:1", "user": "u", "token": "t", "secret": "s"}
    return kind(name=name, **settings)


def full(number: int, seconds: int, **issue: Any) -> bytes:
    at = "2026-10-05T17:00:00.000+0000"
    worklog = {
        "id": str(number),
        "author": {"accountId": "712020:5eed", "timeZone": "Europe/London"},
        "started": "2026-10-05T08:00:00.000+0000",
        "updated": at,
        "timeSpentSeconds": seconds,
    }
    fields = {"customfield_10107": "PRJ-1001", "customfield_10108": "Consultant", "updated": at, **issue}
    state = {"notice": {"webhookEvent": "worklog_created"}, "issue": {"id": "1", "key": "A-1", "fields": fields}}
    return json.dumps({**state, "worklogs": [worklog]}).encode()

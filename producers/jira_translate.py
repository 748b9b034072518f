"""What a Jira worklog means in the canonical contract: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from psfabric import upstream
from psfabric.errors import Invalid
from psfabric.event import Event, Raw, sequence
from psfabric.upstream import at, text
from schemas.models import TimeRemoved, TimeSubmitted

LIVE, DELETION = 0, 1
"""Tie-breaks of one instant: a deletion wins over a live state of the same millisecond."""

ID_LIMIT = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

State = dict[str, Any]


class Reading:
    """One full record of the source `name`, whose issues say project code and role in these fields."""

    def __init__(self, name: str, project_field: str, role_field: str, full: Raw) -> None:
        self._name, self._full = name, full
        self._project_field, self._role_field = project_field, role_field

    def submitted(self, issue: Any, worklog: Any) -> Event:
        """A worklog as it is now, under the later of its own and its issue's last change."""
        updated = upstream.instant(worklog, "updated")
        version = max(updated, upstream.instant(issue, "fields", "updated"))
        started = upstream.instant(worklog, "started")
        zone, local = _local(started, text(worklog, "author", "timeZone"))
        return upstream.canonical(
            TimeSubmitted,
            self._full,
            **self._identity(worklog, version, LIVE),
            project_id=self._project_code(issue),
            resource_id=_required(worklog, "author", "accountId"),
            work_date=local.date(),
            zone=zone,
            started_at=started,
            worked_seconds=_seconds(worklog),
            role=self._role(issue),
            task=_required(issue, "key"),
            submitted_at=updated,
        )

    def removed(self, notice: Any) -> Event:
        """A deletion is known by its notice alone; its version is the notice's own instant."""
        removed = _epoch_instant(at(notice, "timestamp"))
        identity = self._identity(at(notice, "worklog"), removed, DELETION)
        return upstream.canonical(TimeRemoved, self._full, **identity, cause="DELETED", removed_at=removed)

    def _identity(self, worklog: Any, version: datetime, tie_break: int) -> State:
        id = required_id(worklog, "id")
        return {
            "source": self._name,
            "native_id": id,
            "aggregate_id": f"{self._name}:worklog:{id}",
            "sequence": sequence(version, tie_break),
            "time": version.astimezone(UTC),
        }

    def place(self, issue: Any) -> tuple[str, str]:
        """Project code and role of an issue, each "" while it has none."""
        role = text(issue, "fields", self._role_field, "value") or text(issue, "fields", self._role_field)
        return text(issue, "fields", self._project_field), role

    def _project_code(self, issue: Any) -> str:
        code, _ = self.place(issue)
        if not code:
            raise Invalid("project-code-missing", f"{self._project_field} of issue {text(issue, 'key')} is empty")
        return code

    def _role(self, issue: Any) -> str:
        _, role = self.place(issue)
        if not role:
            raise Invalid("role-missing", f"{self._role_field} of issue {text(issue, 'key')} is empty")
        return role


def bounded_id(value: Any) -> str:
    """An id that is safe in an address and as a key; "" for anything else."""
    id = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return id if 0 < len(id) <= ID_LIMIT and id.isascii() and id.isalnum() else ""


def required_id(node: Any, *path: str) -> str:
    """The id under these names. Raises Invalid(malformed-json)."""
    id = bounded_id(at(node, *path))
    if not id:
        raise Invalid("malformed-json", f"{'.'.join(path)} is not an id")
    return id


def _required(node: Mapping[str, Any], *path: str) -> str:
    found = text(node, *path)
    if not found:
        raise Invalid("field-missing", f"{'.'.join(path)} is missing")
    return found


def _epoch_instant(milliseconds: Any) -> datetime:
    try:
        if isinstance(milliseconds, int) and not isinstance(milliseconds, bool):
            return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        pass
    raise Invalid("field-invalid", "timestamp is not a number of milliseconds since 1970")


def _seconds(worklog: Any) -> int:
    """Whole seconds. How many are plausible is for the approval policy, but time never runs backwards."""
    seconds = at(worklog, "timeSpentSeconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise Invalid("field-invalid", "timeSpentSeconds is not a whole number")
    if seconds < 0:
        raise Invalid("time-out-of-bounds", "timeSpentSeconds is negative")
    return seconds


def _local(started: datetime, zone: str) -> tuple[str, datetime]:
    """The zone in which the day of work is meant, and `started` there.

    Jira shows times in the zone of whoever reads them, so the author's zone decides where it is known.
    """
    try:
        return zone, started.astimezone(ZoneInfo(zone))
    except (ValueError, KeyError, OSError, OverflowError):
        return str(timezone(started.utcoffset() or timedelta()))[3:] or "+00:00", started

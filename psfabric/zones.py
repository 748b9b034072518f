"""Local dates need a zone: an IANA name, or the fixed offset that some systems give instead."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from psfabric.errors import Invalid

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([01]\d|2[0-3]):?([0-5]\d)")


def zone(name: str) -> tzinfo:
    """The zone called `name`: `Europe/London`, `UTC`, `Z`, `+01:00`, `+0100` or `UTC+01:00`.

    Raises Invalid(field-invalid).
    """
    if name in ("Z", "UTC", "GMT"):
        return UTC
    offset = _OFFSET.fullmatch(name)
    if offset:
        sign, hours, minutes = offset.groups()
        span = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(span if sign == "+" else -span)
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        # Besides unknown names: paths that leave the database, folders in it, empty and over-long names.
        raise Invalid("field-invalid", f"zone {name[:64]!r} is neither an IANA zone nor a fixed offset") from None


def local_date(instant: datetime, name: str) -> date:
    """The calendar date at `instant` (aware) in zone `name`."""
    try:
        return instant.astimezone(zone(name)).date()
    except OverflowError:
        raise Invalid("field-invalid", f"{instant} has no calendar date in {name}") from None

"""Zones of local dates: an IANA name, or the fixed offset that some systems give instead."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([01]\d|2[0-3]):?([0-5]\d)")


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo | None:
    """The zone called `name`: `Europe/London`, `UTC`, `Z`, `+01:00`, `+0100`, `UTC+01:00`; None when there is none."""
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
        return None

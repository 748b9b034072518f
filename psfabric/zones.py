"""Local dates need a zone: an IANA name, or the fixed offset that some systems give instead."""

from __future__ import annotations

from datetime import date, datetime, tzinfo

from psfabric.errors import Invalid
from schemas.zones import zone_of


def zone(name: str) -> tzinfo:
    """The zone called `name`: `Europe/London`, `UTC`, `Z`, `+01:00`, `+0100` or `UTC+01:00`.

    Raises Invalid(field-invalid).
    """
    found = zone_of(name)
    if found is None:
        raise Invalid("field-invalid", f"zone {name[:64]!r} is neither an IANA zone nor a fixed offset")
    return found


def local_date(instant: datetime, name: str) -> date:
    """The calendar date at `instant` (aware) in zone `name`."""
    try:
        return instant.astimezone(zone(name)).date()
    except OverflowError:
        raise Invalid("field-invalid", f"{instant} has no calendar date in {name}") from None

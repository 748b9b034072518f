"""Ids and upstream versions: functions of what the source said, never of our code or our clock (DESIGN section 3)."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b

SOURCE = r"[a-z][a-z0-9-]{1,60}"
"""Names of sources and systems, on which ids rest: small letters, digits and -, a letter first."""


def digest(*parts: str) -> str:
    """Hex of BLAKE2b-128 over the parts, each preceded by its length, so that no two lists of parts collide."""
    h = blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode()
        h.update(len(encoded).to_bytes(4, "big"))
        h.update(encoded)
    return h.hexdigest()


def derived_id(cause_id: str, component: str, event: str, discriminator: str) -> str:
    return digest("derived", cause_id, component, event, discriminator)


def revised_id(event_id: str, revision: str) -> str:
    """The id of what a replay through a changed mapping says instead of the live event `event_id`.

    The live id is over (source, native id, event type, upstream version), so this one rests on these and the revision.
    """
    return digest("revised", event_id, revision)


def sequence(instant: datetime, tie_break: int = 0) -> str:
    """An upstream version as text that sorts: UTC instant to the microsecond, then a 20-digit tie-break."""
    if instant.tzinfo is None:
        raise ValueError("a version needs an aware instant: the source must say its zone")
    if not 0 <= tie_break < 10**20:
        raise ValueError(f"a tie-break has at most 20 digits and no sign: {tie_break}")
    return f"{utc_text(instant)}/{tie_break:020d}"


def utc_text(instant: datetime) -> str:
    """`YYYY-MM-DDThh:mm:ss.ffffffZ`, always of that length (strftime would write year 999 with three digits)."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26] + "Z"

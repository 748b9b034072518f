"""`applied.<target>`: what is in the target, per business object; the only answer to "was this posted?".

The format persists (version 1). Key: `<kind>/<aggregate id>`; value: JSON with sorted keys. Redis is never asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from psfabric.event import Version

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Applied:
    """The highest version applied to one business object, and what the target said."""

    version: Version
    event_id: str
    content_hash: str
    reference: str
    number: str = ""
    document_version: int = 1
    removed: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        body = {
            "v": FORMAT,
            "sequence": self.version.sequence,
            "revision": self.version.revision,
            "event_id": self.event_id,
            "content_hash": self.content_hash,
            "reference": self.reference,
            "number": self.number,
            "document_version": self.document_version,
            "removed": self.removed,
            "facts": dict(self.facts),
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Applied:
        """Raises ValueError for a format newer than this release reads."""
        body = json.loads(value)
        if body["v"] != FORMAT:
            raise ValueError(f"applied record of format {body['v']}; this release reads {FORMAT}")
        return cls(
            version=Version(body["sequence"], body["revision"]),
            event_id=body["event_id"],
            content_hash=body["content_hash"],
            reference=body["reference"],
            number=body["number"],
            document_version=body["document_version"],
            removed=body["removed"],
            facts=body["facts"],
        )


class Decision(Enum):
    """What a version means against what is applied (DESIGN section 3)."""

    NEW = "new"
    CORRECTION = "correction"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"
    UNCHANGED = "unchanged"
    """A higher version with equal content: nothing to do in the target, the stored version rises."""


def decide(stored: Applied | None, version: Version, content_hash: str) -> Decision:
    """Compare the pair (sequence, revision), then the content."""
    if stored is None:
        return Decision.NEW
    if version < stored.version:
        return Decision.SUPERSEDED
    if version == stored.version:
        return Decision.DUPLICATE
    return Decision.UNCHANGED if content_hash == stored.content_hash else Decision.CORRECTION

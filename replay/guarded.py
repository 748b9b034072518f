"""Fields that an amendment may not touch, and why: identity, order and routing rest on them.

A record that is wrong in one of these is not amended. It is corrected where it comes from, or the mapping is mended and
the source record is replayed; the dead letter is discarded then, or superseded by what comes.
"""

from __future__ import annotations

from collections.abc import Mapping

from replay.patch import within

_ROUTED = "the target was chosen by it"

GUARDED: Mapping[str, str] = {
    "event_id": "receipts and dead letters are filed under it; what is amended gets an id of its own",
    "aggregate_id": "it is the business identity that versions are compared under and that targets are given",
    "partition_key": "it is the Kafka key, which partition and order rest on",
    "sequence": "it is the version that upstream gave, which decides what is newer",
    "revision": "it is the number of the amendment itself",
    "legal_entity": f"{_ROUTED}, and it is part of the identity that the target is given",
    "client_id": "it says whose work it is: a field of the head, by which records are routed and counted",
    "project_id": "it says to which project it belongs: a field of the head, by which records are routed and priced",
    "milestone_id": "the id of the billing request is made of it",
    "billing_id": "it names the billing request that the invoice answers",
    "posting": "it is what the target said that it did",
    "references": "they say where an object lives in targets, and the ids of cross-references are made of them",
    "system": "the id of the cross-reference is made of it",
    "entity": "the id of the cross-reference is made of it",
    "entity_id": "the id of the cross-reference is made of it",
    "enrichment.target": "the record was routed by it and lies in the topic of that target",
    "enrichment.legal_entity": _ROUTED,
    "enrichment.client_id": "it is the client of the project, which the head is not amended in either",
}
"""By path, whatever the event; everything within a guarded record is guarded too."""

RECEIPTS = "delivery."
"""Events that say what a target did. Nobody but the target can amend that."""


def why_guarded(field: str) -> str:
    """Why not, in a sentence; "" for a field that may be amended. `field` is a path without places in lists."""
    for path, why in GUARDED.items():
        if within(field, path) or within(path, field):
            return f"{path} cannot be amended: {why}"
    return ""

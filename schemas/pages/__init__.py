"""What is generated for people and programs from the contract: docs/events.md and docs/asyncapi.json.

tables      pieces of a page: fields of an event, its rules, an example, a type
events      the catalogue;  picture the diagram in it
asyncapi    the AsyncAPI 3.0 document
parties     who makes and who reads each event, as adapters declare it
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.pages import asyncapi, events
from schemas.pages.parties import ROOT, Parties, Party

DOCS = ROOT / "docs"


def written(parties: Parties) -> Mapping[str, str]:
    """What the generator writes into `docs/`: file name -> content."""
    return {"asyncapi.json": asyncapi.text(), "events.md": events.catalogue(parties)}


__all__ = ["DOCS", "Parties", "Party", "written"]

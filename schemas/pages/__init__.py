"""What is generated for people and programs from the contract: docs/events.md, docs/topics.md, docs/asyncapi.json.

tables      pieces of a page: fields of an event, its rules, an example, a type
events      the catalogue;  picture the diagram in it
contracts   a contract for each topic
asyncapi    the AsyncAPI 3.0 document
parties     who makes and who reads each event, as adapters declare it
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.pages import asyncapi, contracts, events
from schemas.pages.parties import ROOT, Parties, Party

DOCS = ROOT / "docs"


def written(parties: Parties) -> Mapping[str, str]:
    """What the generator writes into `docs/`: file name -> content."""
    pages = {"events.md": events.catalogue(parties), "topics.md": contracts.page(parties)}
    return {"asyncapi.json": asyncapi.text(), **pages}


__all__ = ["DOCS", "Parties", "Party", "written"]

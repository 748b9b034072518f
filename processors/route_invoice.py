"""Sends a posted invoice back to the CRM, under the engagement it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from psfabric.adapters import Entities, Fields, Known, Processor, Route, Types
from psfabric.event import Event
from schemas.models import EnrichedInvoicePosted, InvoicePosted


class RouteInvoice(Processor):
    """Every invoice goes to one CRM, whatever its legal entity."""

    accepts: ClassVar[Types] = (InvoicePosted.EVENT,)
    emits: ClassVar[Types] = (EnrichedInvoicePosted.EVENT,)
    reads: ClassVar[Fields] = {"project.ProjectCreated": ("engagement_id",)}
    needs: ClassVar[Entities] = ("project",)

    target: str = Field(default="salesforce-status", description="Target instance that shows invoices to sales.")

    def targets(self) -> Iterable[str]:
        return (self.target,)

    def process(self, event: Event, known: Known) -> Iterable[Route]:
        """One enriched invoice. Raises Held for the project."""
        if not isinstance(event.data, InvoicePosted):
            raise TypeError(f"{self.name} was given {event.type}")
        project = known.project(event.data.project_id)
        enrichment = {"target": self.target, "engagement_id": project.engagement_id}
        yield Route(self.target, event.enrich(EnrichedInvoicePosted, enrichment))

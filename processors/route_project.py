"""Sends a project request, with its client's name and address, to the ERP of its legal entity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from psfabric.adapters import Entities, Fields, Known, Processor, Route, Types
from psfabric.event import Event
from psfabric.routing import target_of
from schemas.models import EnrichedProjectRequested, ProjectRequested


class RouteProject(Processor):
    """A project stays with the legal entity that contracted it, so no other target is told of it."""

    accepts: ClassVar[Types] = (ProjectRequested.EVENT,)
    emits: ClassVar[Types] = (EnrichedProjectRequested.EVENT,)
    reads: ClassVar[Fields] = {
        "client.ClientOnboarded": (
            "address.city",
            "address.country_code",
            "address.postal_code",
            "address.region",
            "address.street",
            "client_number",
            "name",
        ),
    }
    needs: ClassVar[Entities] = ("client",)
    compares: ClassVar[Entities] = ("engagement",)

    routes: dict[str, str] = Field(description='Legal entity -> target instance, e.g. `{ UK01 = "tryton-uk" }`.')

    engagements: bool = Field(
        default=True,
        description="Whether a project that names an engagement waits until it is known, and is refused when it does "
        "not agree with it. Without a system that publishes engagements, turn it off.",
    )

    def comparing(self) -> Entities:
        return self.compares if self.engagements else ()

    def targets(self) -> Iterable[str]:
        return self.routes.values()

    def process(self, event: Event, known: Known) -> Iterable[Route]:
        """One enriched request. Raises Invalid(no-route), Held for the client."""
        if not isinstance(event.data, ProjectRequested):
            raise TypeError(f"{self.name} was given {event.type}")
        target = target_of(self.routes, event.data.legal_entity)
        client = known.client(event.data.client_id)
        enrichment = {
            "target": target,
            "client_name": client.name,
            "client_number": client.client_number,
            **client.address.model_dump(include={"street", "city", "postal_code", "region", "country_code"}),
        }
        yield Route(target, event.enrich(EnrichedProjectRequested, enrichment))

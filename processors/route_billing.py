"""Sends a billing request, with what the invoice needs from project and client, to the ERP of the legal entity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from psfabric.adapters import Entities, Fields, Known, Processor, Route, Types
from psfabric.errors import Invalid
from psfabric.event import Event
from psfabric.routing import target_of
from schemas.models import BillingKind, BillingModel, BillingRequested, EnrichedBillingRequested, ProjectCreated

BILLS = {
    BillingKind.TIME_AND_MATERIALS: BillingModel.TIME_AND_MATERIALS,
    BillingKind.MILESTONE: BillingModel.FIXED_FEE_MILESTONE,
}
"""The billing model that each kind of request goes with."""


class RouteBilling(Processor):
    """A request waits until its project exists in the ERP."""

    accepts: ClassVar[Types] = (BillingRequested.EVENT,)
    emits: ClassVar[Types] = (EnrichedBillingRequested.EVENT,)
    reads: ClassVar[Fields] = {
        BillingRequested.EVENT: ("amount", "kind", "milestone_id"),
        ProjectCreated.EVENT: (
            "billing_model",
            "currency",
            "purchase_order",
            "references.reference",
            "references.system",
            "tax_code",
        ),
    }
    needs: ClassVar[Entities] = ("project", "client")
    compares: ClassVar[Entities] = ("project",)

    routes: dict[str, str] = Field(description='Legal entity -> target instance, e.g. `{ UK01 = "tryton-uk" }`.')

    def targets(self) -> Iterable[str]:
        return self.routes.values()

    def process(self, event: Event, known: Known) -> Iterable[Route]:
        """One enriched request.

        Raises Invalid(billing-model-mismatch, field-missing, no-route), Held for project and client.
        """
        request = event.data
        if not isinstance(request, BillingRequested):
            raise TypeError(f"{self.name} was given {event.type}")
        project = known.project(request.project_id)
        known.client(project.client_id)
        _check(request, project)
        target = target_of(self.routes, project.legal_entity)
        enrichment = {
            "target": target,
            "legal_entity": project.legal_entity,
            "client_id": project.client_id,
            "currency": project.currency,
            "tax_code": project.tax_code,
            "purchase_order": project.purchase_order,
            "project_reference": next((r.reference for r in project.references if r.system == target), ""),
            # Found by its id in every target of today; one that cannot look up by our id would need it here.
            "client_reference": "",
        }
        yield Route(target, event.enrich(EnrichedBillingRequested, enrichment))


def _check(request: BillingRequested, project: ProjectCreated) -> None:
    id_ = request.aggregate_id
    if project.billing_model is not BILLS[request.kind]:
        why = f"billing {id_} is of kind {request.kind}, project {project.project_id} is {project.billing_model}"
        raise Invalid("billing-model-mismatch", why)
    if request.kind is BillingKind.TIME_AND_MATERIALS:
        return
    if request.amount is None or not request.milestone_id:
        raise Invalid("field-missing", f"billing {id_} of a milestone has no amount or no milestone")

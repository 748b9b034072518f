"""An accepted milestone asks for its invoice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from psfabric.adapters import Fields, Known, Processor, Types
from psfabric.errors import Invalid
from psfabric.event import Event
from schemas.models import BillingKind, BillingRequested, MilestoneAccepted


class RequestBilling(Processor):
    """No settings. The request is its own aggregate, `milestone:<id>`, and travels under its project, so that
    billing one project is serial. Invoice date and limit are the date of acceptance."""

    accepts: ClassVar[Types] = (MilestoneAccepted.EVENT,)
    emits: ClassVar[Types] = (BillingRequested.EVENT,)
    reads: ClassVar[Fields] = {MilestoneAccepted.EVENT: ("accepted_on", "amount.amount", "milestone_name")}
    hands_on: ClassVar[Fields] = {MilestoneAccepted.EVENT: (BillingRequested.EVENT,)}

    def process(self, event: Event, known: Known) -> Iterable[Event]:
        """One BillingRequested. Raises Invalid(field-missing, field-invalid)."""
        milestone = event.data
        if not isinstance(milestone, MilestoneAccepted):
            raise TypeError(f"{self.name} was given {event.type}")
        if not milestone.project_id:
            raise Invalid("field-missing", f"milestone {event.aggregate_id} names no project")
        if milestone.amount.amount <= 0:
            raise Invalid("field-invalid", f"milestone {event.aggregate_id} has no amount above zero to bill")
        yield event.derive(
            BillingRequested,
            component=self.name,
            aggregate_id=f"milestone:{event.aggregate_id}",
            partition_key=milestone.project_id,
            kind=BillingKind.MILESTONE,
            bill_up_to=milestone.accepted_on,
            invoice_date=milestone.accepted_on,
            milestone_id=event.aggregate_id,
            description=milestone.milestone_name,
        )

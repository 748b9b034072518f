"""Prices approved time by its project's price list and sends it to the ERP of the project's legal entity.

Every version of an entry is said to every target of the routing table: the entry itself to the one that shall have
it, a removal of the same version to all others. So an entry that moved is gone from its old ERP whatever the order
of arrival, because each target compares versions on its own: what it has of a lower version goes, and a removal of
something it never had is only recorded.

A removal of *equal* version never takes away what a target was given: for one version one target is chosen, by the
project that the version names. Only a change of `routes` could choose another for the same version; then the target
that has it sees a removal of equal version (a duplicate, nothing is done) and the newly chosen one sees an entry of
the version whose removal it recorded (a duplicate too). The entry stays where it is until it gets a higher version,
that is a change upstream or a replay with a revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from pydantic import Field

from psfabric.adapters import Entities, Fields, Known, Processor, Route, Types
from psfabric.errors import Invalid
from psfabric.event import Event
from psfabric.routing import others, target_of, targets
from schemas.models import (
    EnrichedTimeApproved,
    EnrichedTimeRemoved,
    ProjectCreated,
    RemovalCause,
    RoleRate,
    TimeApproved,
    TimeRejected,
    TimeRemoved,
)


class PriceTime(Processor):
    """Time waits until its project exists; a removal needs no project."""

    accepts: ClassVar[Types] = (TimeApproved.EVENT, TimeRejected.EVENT, TimeRemoved.EVENT)
    emits: ClassVar[Types] = (EnrichedTimeApproved.EVENT, EnrichedTimeRemoved.EVENT)
    reads: ClassVar[Fields] = {
        TimeApproved.EVENT: ("role",),
        ProjectCreated.EVENT: (
            "billing_model",
            "currency",
            "rates.billable",
            "rates.hourly_rate.amount",
            "rates.hourly_rate.currency",
            "rates.role",
            "references.reference",
            "references.system",
        ),
    }
    needs: ClassVar[Entities] = ("project",)

    routes: dict[str, str] = Field(description='Legal entity -> target instance, e.g. `{ UK01 = "tryton-uk" }`.')

    def targets(self) -> Iterable[str]:
        return self.routes.values()

    def process(self, event: Event, known: Known) -> Iterable[Route]:
        """One Route for each target of the table. Raises Invalid(no-route, role-unknown, currency-mismatch), Held."""
        match event.data:
            case TimeApproved():
                yield from self._priced(event, event.data, known.project(event.data.project_id))
            case TimeRejected():
                yield from (self._removal(event, RemovalCause.REJECTED, t) for t in targets(self.routes))
            case TimeRemoved():
                yield from (_removed_at(event, target) for target in targets(self.routes))
            case _:
                raise TypeError(f"{self.name} was given {event.type}")

    def _priced(self, event: Event, entry: TimeApproved, project: ProjectCreated) -> Iterator[Route]:
        target = target_of(self.routes, project.legal_entity)
        rate = _rate(entry.role, project)
        enrichment = {
            "target": target,
            "legal_entity": project.legal_entity,
            "client_id": project.client_id,
            "billing_model": project.billing_model.value,
            "currency": project.currency,
            "hourly_rate": rate.hourly_rate.amount,
            "billable": rate.billable,
            "project_reference": next((r.reference for r in project.references if r.system == target), ""),
        }
        yield Route(target, event.enrich(EnrichedTimeApproved, enrichment))
        for other in others(self.routes, target):
            yield self._removal(event, RemovalCause.ROUTED_ELSEWHERE, other)

    def _removal(self, event: Event, cause: RemovalCause, target: str) -> Route:
        removal = event.derive(
            TimeRemoved,
            component=self.name,
            discriminator=target,
            carry=False,
            cause=cause,
            removed_at=event.time,
        )
        return _removed_at(removal, target)


def _removed_at(removal: Event, target: str) -> Route:
    return Route(target, removal.enrich(EnrichedTimeRemoved, {"target": target}))


def _rate(role: str, project: ProjectCreated) -> RoleRate:
    rate = next((rate for rate in project.rates if rate.role == role), None)
    if rate is None:
        known = ", ".join(sorted(rate.role for rate in project.rates)) or "none"
        raise Invalid("role-unknown", f"project {project.project_id} has no rate for role {role!r}; it has: {known}")
    if rate.hourly_rate.currency != project.currency:
        found = rate.hourly_rate.currency
        raise Invalid("currency-mismatch", f"role {role!r} is priced in {found}, the project is in {project.currency}")
    return rate

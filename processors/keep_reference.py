"""Keeps the latest client, engagement, project and assignment, and where each project lives in other systems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from psfabric.adapters import Entities, Fields, Known, Processor, Reference, Types
from psfabric.event import Event
from schemas.models import CrossReferenceUpdated, ProjectCreated, SystemReference


class KeepReference(Processor):
    """No settings. Writes `ref.<entity>` under the aggregate's id and `ref.xref` under `<system>:project:<id>`."""

    accepts: ClassVar[Types] = (
        "client.ClientOnboarded",
        "engagement.EngagementContracted",
        "project.ProjectCreated",
        "assignment.ResourceAssigned",
        "assignment.AssignmentChanged",
        "assignment.AssignmentEnded",
    )
    emits: ClassVar[Types] = (*accepts, CrossReferenceUpdated.EVENT)
    reads: ClassVar[Fields] = {
        ProjectCreated.EVENT: ("references.number", "references.reference", "references.system"),
    }
    keeps: ClassVar[Entities] = ("client", "engagement", "project", "assignment", "xref")

    def process(self, event: Event, known: Known) -> Iterable[Reference]:
        """The event itself as the latest state, and one cross-reference for each system that has the project."""
        if event.type not in self.accepts:
            raise TypeError(f"{self.name} was given {event.type}")
        entity = event.type.partition(".")[0]
        yield Reference(entity, event.aggregate_id, event)
        if isinstance(event.data, ProjectCreated):
            for place in event.data.references:
                yield self._cross_reference(event, place)

    def _cross_reference(self, project: Event, place: SystemReference) -> Reference:
        id_ = f"{place.system}:project:{project.aggregate_id}"
        event = project.derive(
            CrossReferenceUpdated,
            component=self.name,
            discriminator=place.system,
            carry=False,
            aggregate_id=id_,
            partition_key=f"xref:{id_}",
            system=place.system,
            entity="project",
            entity_id=project.aggregate_id,
            reference=place.reference,
            number=place.number,
        )
        return Reference("xref", id_, event)

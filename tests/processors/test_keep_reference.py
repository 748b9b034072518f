from __future__ import annotations

from processors.keep_reference import KeepReference
from psfabric.adapters import Reference
from psfabric.reference import Memory
from schemas.models import CrossReferenceUpdated, SystemReference
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

CLIENT, ENGAGEMENT, PROJECT = (
    example("client.ClientOnboarded"),
    example("engagement.EngagementContracted"),
    example("project.ProjectCreated"),
)
ASSIGNMENTS = (
    example("assignment.ResourceAssigned", "three-days-a-week"),
    example("assignment.AssignmentChanged", "subcontractor-extended"),
    example("assignment.AssignmentEnded", "replaced-early"),
)


class TestKeepReference(ProcessorContract):
    processor = KeepReference(name="keep-reference")
    cases = (
        Case("client", CLIENT),
        Case("engagement", ENGAGEMENT),
        Case("project", PROJECT),
        *(Case(event.type, event) for event in ASSIGNMENTS),
    )

    def test_the_event_itself_is_the_latest_state(self) -> None:
        assert list(self.processor.process(CLIENT, Memory())) == [Reference("client", CLIENT.aggregate_id, CLIENT)]
        kept = list(self.processor.process(ENGAGEMENT, Memory()))
        assert kept == [Reference("engagement", ENGAGEMENT.aggregate_id, ENGAGEMENT)]

    def test_an_assignment_is_kept_in_whichever_state_it_is(self) -> None:
        for event in ASSIGNMENTS:
            (kept,) = self.processor.process(event, Memory())
            assert kept == Reference("assignment", event.aggregate_id, event)

    def test_each_system_that_has_the_project_gets_its_cross_reference(self) -> None:
        places = (
            SystemReference(system="tryton-uk", reference="31", number="PRJ-1001"),
            SystemReference(system="tryton-us", reference="7", number=""),
        )
        project = example("project.ProjectCreated", references=places)
        first, *crosses = list(self.processor.process(project, Memory()))
        assert first == Reference("project", "PRJ-1001", project)
        assert [(c.entity, c.id) for c in crosses if isinstance(c, Reference)] == [
            ("xref", "tryton-uk:project:PRJ-1001"),
            ("xref", "tryton-us:project:PRJ-1001"),
        ]
        told = crosses[1].event.data
        assert isinstance(told, CrossReferenceUpdated)
        assert (told.system, told.entity, told.entity_id, told.reference) == ("tryton-us", "project", "PRJ-1001", "7")
        assert told.aggregate_id == "tryton-us:project:PRJ-1001"

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from processors.approve_time import ApproveTime
from psfabric.errors import Invalid
from psfabric.event import Event
from psfabric.reference import Memory
from schemas.models import TimeApproved, TimeRejected
from schemas.rules import Violation
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

ENTRY = example("time.TimeSubmitted")


def submitted(**changes: Any) -> Event:
    return example("time.TimeSubmitted", **changes)


class TestApproveTime(ProcessorContract):
    processor = ApproveTime(name="approve-time")
    cases = (Case("plausible", ENTRY), Case("too long", submitted(worked_seconds=57601)))

    def verdict(self, **changes: Any) -> TimeApproved | TimeRejected:
        (event,) = self.processor.process(submitted(**changes), Memory())
        data = event.data
        assert isinstance(data, TimeApproved | TimeRejected)
        return data

    def test_an_approval_states_its_policy(self) -> None:
        approved = self.verdict()
        assert isinstance(approved, TimeApproved)
        assert approved.approval_policy == "auto-v1"
        assert approved.approval_rule == (
            "1 s to 57600 s per entry; work at most 1 d after the local date of submission"
        )
        assert approved.worked_seconds == ENTRY.data.worked_seconds  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("seconds", "passes"), [(0, False), (1, True), (57600, True), (57601, False), (2**62, False)]
    )
    def test_the_length_of_an_entry_has_bounds(self, seconds: int, passes: bool) -> None:
        verdict = self.verdict(worked_seconds=seconds)
        assert isinstance(verdict, TimeApproved) == passes
        if isinstance(verdict, TimeRejected):
            assert verdict.code == "time-out-of-bounds"
            assert str(seconds) in verdict.reason

    @pytest.mark.parametrize(
        ("zone", "work_date", "passes"),
        [
            # Submitted 2026-03-31 23:30 UTC, which is April 1st in Auckland and in London (summer time), not in Lima.
            ("UTC", date(2026, 4, 1), True),
            ("UTC", date(2026, 4, 2), False),
            ("Pacific/Auckland", date(2026, 4, 2), True),
            ("Europe/London", date(2026, 4, 2), True),
            ("America/Lima", date(2026, 4, 2), False),
            ("+13:00", date(2026, 4, 2), True),
            ("-05:00", date(2026, 4, 2), False),
            ("UTC", date(1990, 1, 1), True),
            ("UTC", date(9999, 12, 31), False),
        ],
    )
    def test_work_may_lie_one_day_after_the_local_date_of_submission(
        self, zone: str, work_date: date, passes: bool
    ) -> None:
        at = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
        verdict = self.verdict(submitted_at=at, zone=zone, work_date=work_date)
        assert isinstance(verdict, TimeApproved) == passes

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "Europe", "+25:00", "x" * 5000, "\0"])
    def test_a_zone_that_nobody_knows_is_invalid(self, zone: str) -> None:
        with pytest.raises(Invalid) as caught:
            self.verdict(zone=zone)
        assert caught.value.code == "field-invalid"

    def test_the_last_day_of_the_calendar_is_no_trap(self) -> None:
        at = datetime(9999, 12, 31, 23, 0, tzinfo=UTC)
        assert isinstance(self.verdict(submitted_at=at, zone="UTC", work_date=date(9999, 12, 31)), TimeApproved)
        with pytest.raises(Invalid):
            self.verdict(submitted_at=at, zone="+05:00")

    def test_limits_are_settings(self) -> None:
        strict = ApproveTime(name="approve-time", policy="short-v1", max_seconds=3600)
        (event,) = strict.process(ENTRY, Memory())
        assert isinstance(event.data, TimeRejected)
        with pytest.raises(ValidationError, match="maximum"):
            ApproveTime(name="approve-time", maximum=1)  # type: ignore[call-arg]

    def test_what_does_not_agree_with_its_assignment_is_rejected_in_the_words_of_the_rules(self) -> None:
        broken = (Violation("a-rule", "work_date", "It is late."), Violation("b-rule", "project_id", "It is another."))
        (event,) = self.processor.refuse(ENTRY, broken)
        data = event.data
        assert isinstance(data, TimeRejected)
        assert (data.code, data.reason) == ("assignment-mismatch", "It is late. It is another.")
        assert data.worked_seconds == ENTRY.data.worked_seconds  # type: ignore[attr-defined]
        assert event.id != next(iter(self.processor.process(ENTRY, Memory()))).id

    def test_comparing_with_assignments_can_be_turned_off(self) -> None:
        assert self.processor.comparing() == ("assignment",)
        assert ApproveTime(name="approve-time", assignments=False).comparing() == ()

"""Tryton keeps what every sink promises, on a real server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest

from psfabric.adapters import Sink
from psfabric.event import Event
from sandbox.tryton_admin import TrytonAdmin
from tests.conftest import TrytonServer
from tests.contracts.sinks import SinkContract
from tests.sinks.tryton_world import World, sink

MODELS = {"project": "project.work", "time": "timesheet.line", "billing": "account.invoice"}


class TestTryton(SinkContract):
    statements: ClassVar[tuple[str, ...]] = ("time", "invoice")

    @pytest.fixture(autouse=True)
    def _admin(self, admin: TrytonAdmin) -> None:
        self.admin = admin

    @pytest.fixture
    def sink(self, tryton: TrytonServer) -> Sink:
        return sink(tryton)

    @pytest.fixture
    def events(self, admin: TrytonAdmin) -> Sequence[Event]:
        world = World()
        admin.onboard(world.company, world.person, f"Person {world.id}")
        time = [world.worked("1", 3601), world.worked("2", 60), world.worked("3", 90, role="Partner")]
        return [world.requested(), *time, world.removed("2"), world.month_end(), world.accepted("500.00")]

    async def count(self, sink: Sink, event: Event) -> int:
        document = sink.document(event)
        parts = [document.aggregate_id] if document.kind == "project" else [document.aggregate_id, "1"]
        external_id = ":".join(["UK01", document.kind, *parts])
        return self.admin.count(MODELS[document.kind], [["external_id", "=", external_id]])

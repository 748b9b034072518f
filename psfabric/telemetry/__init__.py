"""Seen from outside: what the fabric counts and times, and the spans of what it does.

`metrics` is the list of names, `meters` what components count with (plain numbers, so that counting costs next to
nothing), `state` what a component looks like at a scrape, `telemetry` the whole of one process at `/metrics`, `spans`
OpenTelemetry spans. Here alone OpenTelemetry and the Prometheus client are imported.
"""

from psfabric.telemetry.meters import ComponentMeter, IntakeMeter, SourceMeter
from psfabric.telemetry.spans import Spans
from psfabric.telemetry.state import ComponentState, PartitionState, of_engine
from psfabric.telemetry.telemetry import Telemetry

__all__ = [
    "ComponentMeter",
    "ComponentState",
    "IntakeMeter",
    "PartitionState",
    "SourceMeter",
    "Spans",
    "Telemetry",
    "of_engine",
]

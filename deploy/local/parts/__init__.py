"""The parts of the local stack, one file each, and their order of mention."""

from __future__ import annotations

from deploy.local.part import Part
from deploy.local.parts.fabric import Deliver, Intake, Process, Schemas, Topics
from deploy.local.parts.kafka import Kafka
from deploy.local.parts.redis import Redis
from deploy.local.parts.registry import Registry
from deploy.local.parts.sandbox import Sandbox
from deploy.local.parts.tryton import Tryton

INFRASTRUCTURE = ("kafka", "registry", "redis", "tryton")
ALL: dict[str, Part] = {
    part.name: part
    for part in (
        *(Kafka(), Registry(), Redis(), Tryton(), Sandbox()),
        *(Topics(), Schemas(), Intake(), Process(), Deliver()),
    )
}

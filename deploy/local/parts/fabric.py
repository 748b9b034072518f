"""The fabric's own processes, and the step that makes its topics and registers its schemas before they start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from deploy.local.part import Part, Place, answers
from deploy.local.ports import LOOPBACK

_PSFABRIC = str(Path(sys.executable).with_name("psfabric"))


class _Fabric(Part):
    """`psfabric …` in the project's environment, with every endpoint of the stack."""

    def environment(self, place: Place) -> dict[str, str]:
        return {**place.env, "PSF_PIPELINES": place.env.get("PSF_PIPELINES") or str(place.root / "deploy/pipelines")}

    def directory(self, place: Place) -> Path:
        return place.root


class _Once(_Fabric):
    """A command that runs to its end before the workers start.

    It reads the pipeline files, which name the password of Tryton, known once its database is there: it needs Tryton.
    """

    ports = ()
    once = True
    verb: ClassVar[tuple[str, ...]]

    def command(self, place: Place) -> list[str]:
        return [_PSFABRIC, *self.verb]


class Topics(_Once):
    name = "topics"
    needs = ("kafka", "tryton")
    verb = ("topics", "apply", "--yes")


class Schemas(_Once):
    name = "schemas"
    needs = ("registry", "tryton", "topics")  # the ids are kept in one of them
    verb = ("schema", "register", "--from-working-tree", "--yes")


class _Worker(_Fabric):
    needs: ClassVar[tuple[str, ...]] = ("kafka", "registry", "redis", "tryton", "topics", "schemas")
    ports = ("health",)

    def command(self, place: Place) -> list[str]:
        return [_PSFABRIC, "run", self.name]

    def environment(self, place: Place) -> dict[str, str]:
        """With a name for its slot: a worker that was killed is let back into its groups without a time-out."""
        slot = {"PSF_INSTANCE": "local-1", "PSF_HEALTH_PORT": str(place.ports["health"])}
        return {**super().environment(place), **slot}

    def healthy(self, place: Place) -> bool:
        return answers(f"http://{LOOPBACK}:{place.ports['health']}/health")


class Intake(_Worker):
    name = "intake"
    gives = ("PSF_INTAKE_URL",)
    ports = ("main",)

    def endpoints(self, place: Place) -> dict[str, str]:
        return {"PSF_INTAKE_URL": f"http://{LOOPBACK}:{place.ports['main']}"}

    def environment(self, place: Place) -> dict[str, str]:
        return {**_Fabric.environment(self, place), "PSF_HEALTH_PORT": str(place.ports["main"])}

    def healthy(self, place: Place) -> bool:
        return answers(f"http://{LOOPBACK}:{place.ports['main']}/health")


class Process(_Worker):
    name = "process"


class Deliver(_Worker):
    name = "deliver"
    needs = (*_Worker.needs, "sandbox")

"""Where the parts are: `PSF_*` from the environment, else from the `endpoints.env` that the local stack writes.

Every mistake is named at once. Nothing here says what runs: that is in the pipeline files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from psfabric.connection import Kafka
from psfabric.errors import Misconfigured

DEFAULT_ENDPOINTS = Path(".local/up/endpoints.env")
ENDPOINTS = "PSF_ENDPOINTS"
"""Names another endpoints file, e.g. of a demo that was kept."""


class Settings(BaseModel):
    """Endpoints of the fabric's own parts. `values` is everything, for `${NAME}` in pipeline files."""

    model_config = ConfigDict(frozen=True)

    kafka: Kafka
    registry_url: str
    redis_url: str
    pipelines: Path
    instance: str | None
    partitions: int | None
    values: Mapping[str, str]


def environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The endpoints file's lines, overridden by the process environment. Raises Misconfigured for a file not there."""
    env = dict(os.environ if base is None else base)
    path = Path(env.get(ENDPOINTS) or DEFAULT_ENDPOINTS)
    if env.get(ENDPOINTS) and not path.is_file():
        raise Misconfigured([f"{ENDPOINTS} names {path}, which is no file"])
    lines = path.read_text().splitlines() if path.is_file() else []
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs} | {k: v for k, v in env.items() if v != ""}


def settings(base: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises Misconfigured naming every endpoint that is missing and what to do."""
    env = environment(base)
    needed = ("PSF_KAFKA_BOOTSTRAP", "PSF_REGISTRY_URL", "PSF_REDIS_URL")
    mistakes = [f"{n} is not set: run `make up`, or set it in the environment" for n in needed if not env.get(n)]
    partitions = env.get("PSF_PARTITIONS", "")
    if partitions and not (partitions.isascii() and partitions.isdigit() and int(partitions) > 0):
        mistakes.append(f"PSF_PARTITIONS is {partitions!r}; a whole number above 0 is allowed")
    if mistakes:
        raise Misconfigured(mistakes)
    return Settings(
        kafka=Kafka(env["PSF_KAFKA_BOOTSTRAP"]),
        registry_url=env["PSF_REGISTRY_URL"],
        redis_url=env["PSF_REDIS_URL"],
        pipelines=Path(env.get("PSF_PIPELINES", "deploy/pipelines")),
        instance=env.get("PSF_INSTANCE"),
        partitions=int(partitions) if partitions else None,
        values=env,
    )

"""Where the parts are: `PSF_*` from the environment, else from the `endpoints.env` that the local stack writes.

Every mistake is named at once. Nothing here says what runs: that is in the pipeline files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from psfabric import connection
from psfabric.connection import Kafka
from psfabric.errors import Misconfigured

DEFAULT_ENDPOINTS = Path(".local/up/endpoints.env")
ENDPOINTS = "PSF_ENDPOINTS"
"""Names another endpoints file, e.g. of a demo that was kept."""


_URLS = {"PSF_REGISTRY_URL": ("http", "https"), "PSF_REDIS_URL": ("redis", "rediss")}


class Settings(BaseModel):
    """Endpoints of the fabric's own parts. `values` is everything, for `${NAME}` in pipeline files.

    `start_within`: seconds that the parts may take to answer at start. `session`: seconds after which a worker that
    gives no sign of life loses its partitions. `reveal`: whether `--reveal` may show personal and confidential values.
    """

    model_config = ConfigDict(frozen=True)

    kafka: Kafka
    registry_url: str
    redis_url: str
    pipelines: Path
    instance: str | None
    partitions: int | None
    start_within: float
    session: float
    reveal: bool
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
    """Read the settings. Raises Misconfigured naming every mistake, and what to do or what is allowed."""
    env = environment(base)
    kafka, mistakes = connection.read(env)
    urls = {name: _url(env, name, schemes, mistakes) for name, schemes in _URLS.items()}
    partitions = env.get("PSF_PARTITIONS", "")
    if partitions and not (partitions.isascii() and partitions.isdigit() and int(partitions) > 0):
        mistakes.append(f"PSF_PARTITIONS is {partitions!r}; a whole number above 0 is allowed")
    start_within = _seconds(env, "PSF_START_WITHIN", 60.0, (0.0, 86_400.0), mistakes)
    session = _seconds(env, "PSF_SESSION", 10.0, (6.0, 300.0), mistakes)
    reveal = env.get("PSF_REVEAL", "true")
    if reveal not in ("true", "false"):
        mistakes.append(f"PSF_REVEAL is {reveal!r}; true and false are allowed")
    if mistakes or kafka is None:
        raise Misconfigured(mistakes)
    return Settings(
        kafka=kafka,
        registry_url=urls["PSF_REGISTRY_URL"],
        redis_url=urls["PSF_REDIS_URL"],
        pipelines=Path(env.get("PSF_PIPELINES", "deploy/pipelines")),
        instance=env.get("PSF_INSTANCE"),
        partitions=int(partitions) if partitions else None,
        start_within=start_within,
        session=session,
        reveal=reveal == "true",
        values=env,
    )


def broker_and_registry(base: Mapping[str, str] | None = None) -> tuple[Kafka, str]:
    """All that somebody needs who only publishes: the broker, and the registry's URL. Raises Misconfigured."""
    env = environment(base)
    kafka, mistakes = connection.read(env)
    registry_url = _url(env, "PSF_REGISTRY_URL", _URLS["PSF_REGISTRY_URL"], mistakes)
    if mistakes or kafka is None:
        raise Misconfigured(mistakes)
    return kafka, registry_url


def registry_alone(base: Mapping[str, str] | None = None) -> str:
    """The registry's URL, for who asks nothing else. Raises Misconfigured."""
    mistakes: list[str] = []
    found = _url(environment(base), "PSF_REGISTRY_URL", _URLS["PSF_REGISTRY_URL"], mistakes)
    if mistakes:
        raise Misconfigured(mistakes)
    return found


def _url(env: Mapping[str, str], name: str, schemes: tuple[str, ...], mistakes: list[str]) -> str:
    """What is wrong is said without the URL: it may hold a password."""
    text = env.get(name, "")
    if not text:
        mistakes.append(f"{name} is not set: run `make up`, or set it in the environment")
        return text
    try:
        parts = urlsplit(text)
        whole = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole:
        mistakes.append(f"{name} is no address; {' or '.join(f'{s}://host:port' for s in schemes)} is allowed")
    return text


def _seconds(
    env: Mapping[str, str], name: str, default: float, between: tuple[float, float], mistakes: list[str]
) -> float:
    text, (least, most) = env.get(name, str(default)), between
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not least <= found <= most:
        mistakes.append(f"{name} is {text!r}; seconds from {least:g} to {most:g} are allowed")
    return found

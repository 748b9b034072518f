"""The peers that are no part of psfabric's environment: Quix Streams in its own venv, Kafka Streams on a JDK.

Both are optional: a machine without a JDK that compiles, or without the network to fetch them, lacks those figures, and
the results say why.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.contract import ENRICHED, EVENT, SCHEMAS
from bench.meter import Reading
from bench.runs import ROOT, WITHIN, reading
from deploy.local.artefacts import Cache, MavenFile, fetch_maven
from deploy.local.errors import LocalError
from deploy.local.progress import silent

PARTS = ROOT / ".local" / "parts"
QUIX = (
    "quixstreams==3.28.1",
    "aiohttp>=3.14,<4",
    "fastavro>=1.13,<2",
    "structlog>=25",
    "tzdata>=2025.2",
    "redis>=8,<9",
)
QUIX_HOME = f"bench-quix-{hashlib.blake2b(' '.join(QUIX).encode(), digest_size=4).hexdigest()}"
"""Another one for other packages."""
JARS = (
    MavenFile(
        maven="org.apache.kafka:kafka-streams:4.1.1",
        size=2051917,
        sha256="e554318dbc2b07461f714be32bb324744ba993eb7a49f938792beff577d7044b",
    ),
    MavenFile(
        maven="org.apache.avro:avro:1.12.0",
        size=713436,
        sha256="1f5fbfff9b7427d6832cc3031a3c81413d3e21d9e2551847d9231c28493f9492",
    ),
)
KAFKA_JARS = PARTS / "kafka-4.1.1"
PEER = ROOT / "bench" / "peers" / "KafkaStreamsPeer.java"


class Absent(Exception):
    """The peer cannot be measured here; the message says why."""


def quix_python() -> str:
    """The interpreter that has Quix Streams; made when it is not there. Raises Absent."""
    try:
        with Cache(PARTS, silent).building(QUIX_HOME) as folder:
            if folder is not None:
                _install(folder)
    except (LocalError, subprocess.CalledProcessError) as error:
        raise Absent(f"quixstreams could not be installed: {error}") from None
    return str(PARTS / QUIX_HOME / "bin" / "python")


def _install(folder: Path) -> None:
    """Without activation scripts, which would name the folder before it is renamed."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *QUIX], check=True, capture_output=True, timeout=WITHIN)


def kafka_streams(want: dict[str, Any]) -> Reading:
    """The reading of the Java peer. Raises Absent."""
    java, jars = _java(), _jars()
    with tempfile.TemporaryDirectory() as folder:
        asked = {**want, "canonical": SCHEMAS[EVENT], "enriched": SCHEMAS[ENRICHED], "folder": folder}
        classes = os.pathsep.join([f"{jars}/*", f"{KAFKA_JARS}/*"])
        command = [java, "-cp", classes, str(PEER), json.dumps(asked)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN)
    if done.returncode:
        raise Absent(f"the Java peer ended with {done.returncode}: {done.stderr[-300:]}")
    return reading(done.stdout)


def _java() -> str:
    found = shutil.which("java", path=os.pathsep.join([f"{os.environ.get('JAVA_HOME', '')}/bin", os.environ["PATH"]]))
    if found is None:
        raise Absent("no java on the PATH; Kafka Streams needs a JDK with a compiler")
    modules = subprocess.run([found, "--list-modules"], capture_output=True, text=True, check=False).stdout
    if "jdk.compiler" not in modules:
        raise Absent(f"{found} has no compiler; Kafka Streams needs a JDK")
    return found


def _jars() -> Path:
    try:
        with Cache(PARTS, silent).building("bench-kafka-streams-4.1.1") as folder:
            if folder is not None:
                fetch_maven(JARS, part="bench", text="Kafka Streams", into=folder, tell=silent)
    except LocalError as error:
        raise Absent(f"Kafka Streams could not be fetched: {error}") from None
    return PARTS / "bench-kafka-streams-4.1.1"

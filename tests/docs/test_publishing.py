"""docs/publishing.md: its programs run as they stand, and the checked-in border admits what they write."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import schemas
from processors.border import EXACT, NEEDED
from psfabric import envelope, pipelines
from psfabric.assembly import pure_stages
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine.lane import Lane
from psfabric.event import Record
from psfabric.kafka import Admin, read_topic
from psfabric.outcomes import Delivered
from psfabric.reference import Memory
from psfabric.registry import Registry
from psfabric.stages import GuardStage
from tests.contracts.given import example
from tests.docs.pages import FENCE, ROOT
from tests.docs.test_readme import VENDORS
from tests.replay.conftest import registry

__all__ = ["registry"]

PAGE = ROOT / "docs/publishing.md"
TEXT = PAGE.read_text(encoding="utf-8")
INGRESS = "ingress.payroll-acme"
PIPELINES = pipelines.load(ROOT / "deploy/pipelines", VENDORS)


def block(kind: str) -> str:
    """The one fenced block of that kind."""
    (found,) = [body for name, body in FENCE.findall(TEXT) if name == kind]
    return str(found)


@pytest.fixture
def environment(kafka: Kafka, registry: Registry, registry_url: str) -> dict[str, str]:
    Admin(kafka).apply(PIPELINES.topics())
    return {**os.environ, "PSF_KAFKA_BOOTSTRAP": kafka.bootstrap, "PSF_REGISTRY_URL": registry_url}


def last(kafka: Kafka, entry: str) -> Record:
    return [record for record in read_topic(kafka, INGRESS) if record.key == entry.encode()][-1]


def passes(registry: Registry, record: Record) -> None:
    (stage,) = [s for s in pure_stages(PIPELINES, Codec(registry), Memory()) if isinstance(s, GuardStage)]
    outcome = stage.handle(record, Lane(record.partition)).outcome
    assert type(outcome) is Delivered, outcome


def test_the_python_program_publishes_an_event_that_passes_the_border(
    kafka: Kafka, registry: Registry, environment: dict[str, str]
) -> None:
    program = block("python")
    assert len([line for line in program.splitlines() if line]) <= 11
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split()[1] == INGRESS
    passes(registry, last(kafka, "payroll-acme:entry:4711"))


def class_path() -> str:
    """The jars that the local stack has anyway: Kafka's client and, of the registry, Avro and Jackson."""
    parts = ROOT / ".local/parts"
    folders = [*parts.glob("kafka-*/"), *parts.glob("apicurio-registry-*/lib/main/")]
    jars = [jar for folder in folders for jar in folder.glob("*.jar")]
    wanted = re.compile(
        r"(kafka-clients|slf4j-api|lz4-java|.*avro\.avro|com\.fasterxml\.jackson\.core\.jackson-\w+)-[\d.]+\.jar"
    )
    return os.pathsep.join(str(jar) for jar in jars if wanted.fullmatch(jar.name))


def compiling_java() -> str:
    """A `java` that takes a source file; "" when there is none: that of the local stack has no compiler."""
    java = shutil.which("java")
    if java is None:
        return ""
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, timeout=60, check=False).stdout
    return java if "jdk.compiler@" in modules else ""


def test_the_java_program_publishes_an_event_that_passes_the_border(
    kafka: Kafka, registry: Registry, environment: dict[str, str], tmp_path: Path
) -> None:
    java = compiling_java()
    if not java:
        pytest.skip("no JDK with a compiler on the PATH")
    file = tmp_path / "PublishTime.java"
    file.write_text(block("java"))
    command = [java, "-cp", class_path(), str(file)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    record = last(kafka, "payroll-acme:entry:4713")
    assert f"{INGRESS}-{record.partition}@{record.offset}" in ran.stdout, "as the Java client says it"
    passes(registry, record)


def test_the_partition_of_java_is_that_of_the_publisher(
    kafka: Kafka, registry: Registry, environment: dict[str, str]
) -> None:
    from psfabric.publish import Publisher
    from tests.publish.drafts import time_entry

    url = environment["PSF_REGISTRY_URL"]
    with Publisher("payroll-acme", ingress="payroll-acme", kafka=kafka, registry_url=url) as one:
        sent = one.publish(time_entry("payroll-acme:entry:4713"))
    assert {r.partition for r in read_topic(kafka, INGRESS) if r.key == b"payroll-acme:entry:4713"} == {sent.partition}


def test_the_headers_of_the_page_are_those_that_the_border_asks_for() -> None:
    rows = dict(re.findall(r"^\| (`.+`) \| (needed|may be|when the head has one) \|", TEXT, re.MULTILINE))
    needed = {name.strip("`") for name, how in rows.items() if how == "needed"}
    assert needed == set(NEEDED)
    event = example("time.TimeApproved", legal_entity="UK01").changed(causation_id="c", tracestate="a=b")
    named = {name for cell in rows for name in re.findall(r"`(.+?)`", cell)}
    assert named == {name for name, _ in envelope.headers(event, "personal")}
    assert all(f"`{value.decode()}`" in TEXT for value in EXACT.values())


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    (tmp_path / "border.toml").write_text(block("toml"))
    declared = pipelines.load(tmp_path, {})
    assert declared.inputs() == {"border": (INGRESS,)}


def test_every_code_of_the_page_is_one() -> None:
    table = TEXT.partition("| code | refused because |")[2].partition("\n\n")[0]
    codes = re.findall(r"`([a-z]+(?:-[a-z]+)+|oversize)`", table)
    assert len(codes) > 12
    assert [code for code in codes if code not in schemas.codes()] == []

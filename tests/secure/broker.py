"""The broker of the local stack with one more listener: TLS, and a login by SCRAM or in plain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from deploy.local.part import Place
from deploy.local.parts.kafka import Kafka as KafkaPart
from tests.secure.certificates import Signed

SECURE = "PSF_KAFKA_SECURE"

_MORE = """
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
 user_plainly="in-plain";
listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={keystore}
"""


class SecureKafka(KafkaPart):
    """Only this listener is told to clients that come through it."""

    ports = ("main", "controller", "secure")
    gives = ()  # started whatever the environment has
    _heap: ClassVar[list[str]] = ["-Xms96m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]

    def __init__(self, certificate: Signed) -> None:
        self._certificate = certificate

    def endpoints(self, place: Place) -> dict[str, str]:
        return {**super().endpoints(place), SECURE: f"127.0.0.1:{place.ports['secure']}"}

    def prepare(self, place: Place) -> None:
        super().prepare(place)
        keystore = place.data / "keystore.pem"
        keystore.write_text(self._certificate.key_pem() + self._certificate.pem())
        properties = place.data / "server.properties"
        port = place.ports["secure"]
        lines = (_listening(line, port) for line in properties.read_text().splitlines())
        properties.write_text("\n".join(lines) + _MORE.format(keystore=keystore))


def _listening(line: str, port: int) -> str:
    name, _, value = line.partition("=")
    if name in ("listeners", "advertised.listeners"):
        return f"{name}={value},SECURE://127.0.0.1:{port}"
    return line


def add_users(bootstrap: str, users: Sequence[tuple[str, str, str]]) -> None:
    """Name, mechanism and password; through the listener without a login, as on the broker's own machine."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    mechanisms = {"SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256, "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512}
    for name, mechanism, password in users:
        credential = ScramCredentialInfo(mechanisms[mechanism], 4096)
        asked: list[UserScramCredentialAlteration] = [UserScramCredentialUpsertion(name, credential, password.encode())]
        admin.alter_user_scram_credentials(asked)[name].result(20)


def allow(bootstrap: str, topic: str, operation: AclOperation, user: str) -> None:
    """Only that user, and only that, from now on. Waits until it holds."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    literal, anywhere = ResourcePatternType.LITERAL, "*"
    rule = AclBinding(ResourceType.TOPIC, topic, literal, f"User:{user}", anywhere, operation, AclPermissionType.ALLOW)
    admin.create_acls([rule])[rule].result(20)

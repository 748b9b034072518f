"""How the broker is reached: every mistake at once, no secret in any text, names checked."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from psfabric.connection import Kafka, Login, read, tls_context
from psfabric.hosts.faust_chunks.thread import secured
from psfabric.kafka.config import client_config
from tests.secure.certificates import authority, server

PLAIN = {"PSF_KAFKA_BOOTSTRAP": "127.0.0.1:9092"}
SASL = {
    **PLAIN,
    "PSF_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "PSF_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
    "PSF_KAFKA_SASL_USERNAME": "fabric",
    "PSF_KAFKA_SASL_PASSWORD": "canary-1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ca.pem, own.pem with own.key, and nonsense.pem."""
    ours = authority("ours")
    ours.write(tmp_path, "ca")
    server(ours, "client").write(tmp_path, "own")
    (tmp_path / "nonsense.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    (tmp_path / "password").write_text("canary-2\n")
    return tmp_path


def mistakes(env: dict[str, str], **other: str) -> list[str]:
    found, wrong = read({name: value for name, value in {**env, **other}.items() if value})
    assert (found is None) == bool(wrong)
    return wrong


def test_without_anything_said_it_is_plain() -> None:
    assert read(PLAIN) == (Kafka("127.0.0.1:9092"), [])
    assert secured(Kafka("b:1")) == {"security_protocol": "PLAINTEXT"}
    assert client_config(Kafka("b:1")) == {"bootstrap.servers": "b:1", "security.protocol": "PLAINTEXT"}


def test_every_mistake_is_named_at_once_and_no_secret_with_it(folder: Path) -> None:
    found = mistakes(
        SASL,
        PSF_KAFKA_BOOTSTRAP="broker",
        PSF_KAFKA_SASL_MECHANISM="SCRAM",
        PSF_KAFKA_SASL_USERNAME="",
        PSF_KAFKA_SASL_PASSWORD_FILE=str(folder / "password"),
        PSF_KAFKA_SSL_CA_LOCATION=str(folder / "none.pem"),
        PSF_KAFKA_SSL_KEY_LOCATION=str(folder / "own.key"),
    )
    assert len(found) == 6
    assert "PSF_KAFKA_SASL_MECHANISM is 'SCRAM'; PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 is allowed" in found
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"PSF_KAFKA_SECURITY_PROTOCOL": "TLS"}, "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL is allowed"),
        (
            {"PSF_KAFKA_SECURITY_PROTOCOL": ""},
            "PSF_KAFKA_SASL_MECHANISM is set, but PSF_KAFKA_SECURITY",
        ),
        ({"PSF_KAFKA_SECURITY_PROTOCOL": "SSL"}, "is not SASL_SSL or SASL_PLAINTEXT"),
        ({"PSF_KAFKA_SASL_PASSWORD": ""}, "nor PSF_KAFKA_SASL_PASSWORD_FILE"),
        ({"PSF_KAFKA_SASL_PASSWORD": "", "PSF_KAFKA_SASL_PASSWORD_FILE": "none"}, "none, which cannot be read"),
        ({"PSF_KAFKA_SSL_CA_LOCATION": "nonsense.pem"}, "which has no certificate in PEM form"),
        ({"PSF_KAFKA_SSL_CERTIFICATE_LOCATION": "own.pem"}, "without PSF_KAFKA_SSL_KEY_LOCATION"),
        (
            {"PSF_KAFKA_SSL_CERTIFICATE_LOCATION": "ca.pem", "PSF_KAFKA_SSL_KEY_LOCATION": "own.key"},
            "are no pair in PEM form",
        ),
        (
            {"PSF_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "PSF_KAFKA_SSL_CA_LOCATION": "ca.pem"},
            "PSF_KAFKA_SSL_CA_LOCATION is set, but PSF_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT",
        ),
    ],
)
def test_each_mistake_says_what_is_allowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, str], sentence: str
) -> None:
    monkeypatch.chdir(folder)
    (found,) = mistakes(SASL, **other)
    assert sentence in found
    assert "canary" not in found


def test_all_of_it_reaches_both_clients_and_the_name_is_checked(folder: Path) -> None:
    kafka, wrong = read(
        {
            **{name: value for name, value in SASL.items() if name != "PSF_KAFKA_SASL_PASSWORD"},
            "PSF_KAFKA_SASL_PASSWORD_FILE": str(folder / "password"),
            "PSF_KAFKA_SSL_CA_LOCATION": str(folder / "ca.pem"),
            "PSF_KAFKA_SSL_CERTIFICATE_LOCATION": str(folder / "own.pem"),
            "PSF_KAFKA_SSL_KEY_LOCATION": str(folder / "own.key"),
        }
    )
    assert (wrong, kafka is not None) == ([], True)
    assert kafka
    assert client_config(kafka) == {
        "bootstrap.servers": "127.0.0.1:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "fabric",
        "sasl.password": "canary-2",
        "ssl.endpoint.identification.algorithm": "https",
        "ssl.ca.location": str(folder / "ca.pem"),
        "ssl.certificate.location": str(folder / "own.pem"),
        "ssl.key.location": str(folder / "own.key"),
    }
    names = secured(kafka)
    context = names.pop("ssl_context")
    assert names == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "fabric",
        "sasl_plain_password": "canary-2",
    }
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert tls_context(kafka).check_hostname
    assert isinstance(kafka.login, Login)
    assert "canary" not in f"{kafka} {kafka!r} {kafka.login}"

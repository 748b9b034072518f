"""How the broker is reached: one value that every client of the fabric is given.

Knows no client library. `psfabric.kafka` and the Faust host each translate it into the names of theirs.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import SecretStr

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/,\[\]]+):\d{1,5}")


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to the broker (SASL)."""

    mechanism: Mechanism
    username: str
    password: SecretStr


@dataclass(frozen=True, slots=True)
class Certificate:
    """Our own certificate and its key (mutual TLS), PEM files."""

    certificate: Path
    key: Path
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Kafka:
    """`bootstrap` is host:port, several with commas. With TLS the broker's name is always checked against its
    certificate; `ca` None: by the authorities that the system trusts. In a text it is its addresses, never a secret.
    """

    bootstrap: str
    protocol: Protocol = "PLAINTEXT"
    login: Login | None = None
    ca: Path | None = None
    certificate: Certificate | None = None

    @property
    def tls(self) -> bool:
        """Whether what is sent is encrypted, and the broker has to prove its name."""
        return self.protocol.endswith("SSL")

    def __str__(self) -> str:
        return self.bootstrap


def read(env: Mapping[str, str]) -> tuple[Kafka | None, list[str]]:
    """The connection that `PSF_KAFKA_*` describe, or every mistake in them; no secret is in a mistake's text."""
    mistakes: list[str] = []
    found = Kafka(
        _bootstrap(env, mistakes),
        _one_of(env, "PSF_KAFKA_SECURITY_PROTOCOL", get_args(Protocol), mistakes, "PLAINTEXT"),
        _login(env, mistakes),
        _file(env, "PSF_KAFKA_SSL_CA_LOCATION", mistakes),
        _certificate(env, mistakes),
    )
    if not mistakes:
        mistakes += _unfit(found)
    return (None, mistakes) if mistakes else (found, [])


def tls_context(kafka: Kafka) -> ssl.SSLContext:
    """For clients that take one. Raises ssl.SSLError or OSError for files that are no certificate, or no pair."""
    context = ssl.create_default_context(cafile=kafka.ca)
    if kafka.certificate is not None:
        own = kafka.certificate
        context.load_cert_chain(own.certificate, own.key, own.password.get_secret_value() if own.password else "")
    return context


def _bootstrap(env: Mapping[str, str], mistakes: list[str]) -> str:
    name = "PSF_KAFKA_BOOTSTRAP"
    text = env.get(name, "")
    if not text:
        mistakes.append(f"{name} is not set: run `make up`, or set it in the environment")
    elif not all(_ADDRESS.fullmatch(address.strip()) for address in text.split(",")):
        mistakes.append(f"{name} is {text!r}; host:port is allowed, several with commas between")
    return text


def _login(env: Mapping[str, str], mistakes: list[str]) -> Login | None:
    protocol = env.get("PSF_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    given = sorted(name for name in env if name.startswith("PSF_KAFKA_SASL_"))
    if not protocol.startswith("SASL_"):
        if given and protocol in get_args(Protocol):
            mistakes.append(f"{given[0]} is set, but PSF_KAFKA_SECURITY_PROTOCOL is not SASL_SSL or SASL_PLAINTEXT")
        return None
    mechanism = _one_of(env, "PSF_KAFKA_SASL_MECHANISM", get_args(Mechanism), mistakes)
    username = env.get("PSF_KAFKA_SASL_USERNAME", "")
    if not username:
        mistakes.append("PSF_KAFKA_SASL_USERNAME is not set; SASL needs one")
    password = _secret(env, "PSF_KAFKA_SASL_PASSWORD", mistakes)
    if password is None:
        mistakes.append("PSF_KAFKA_SASL_PASSWORD is not set, nor PSF_KAFKA_SASL_PASSWORD_FILE; SASL needs one")
    return Login(mechanism, username, password or SecretStr(""))


def _certificate(env: Mapping[str, str], mistakes: list[str]) -> Certificate | None:
    names = ("PSF_KAFKA_SSL_CERTIFICATE_LOCATION", "PSF_KAFKA_SSL_KEY_LOCATION")
    certificate, key = (_file(env, name, mistakes) for name in names)
    password = _secret(env, "PSF_KAFKA_SSL_KEY_PASSWORD", mistakes)
    if all(name in env for name in names):
        return Certificate(certificate or Path(), key or Path(), password)
    for name, other in (names, names[::-1]):
        if name in env:
            mistakes.append(f"{name} is set without {other}; a certificate and its key go together")
    return None


def _unfit(kafka: Kafka) -> list[str]:
    if not kafka.tls:
        return [
            f"PSF_KAFKA_SSL_{name}_LOCATION is set, but PSF_KAFKA_SECURITY_PROTOCOL is {kafka.protocol}"
            for name, value in (("CA", kafka.ca), ("CERTIFICATE", kafka.certificate))
            if value is not None
        ]
    try:
        tls_context(replace(kafka, certificate=None))
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        return [f"PSF_KAFKA_SSL_CA_LOCATION names {kafka.ca}, which has no certificate in PEM form"]
    try:
        tls_context(kafka)
    except (OSError, ValueError):
        return ["PSF_KAFKA_SSL_CERTIFICATE_LOCATION, _KEY_LOCATION and _KEY_PASSWORD are no pair in PEM form"]
    return []


def _one_of(env: Mapping[str, str], name: str, allowed: tuple[str, ...], mistakes: list[str], default: str = "") -> Any:
    text = env.get(name, default)
    if text not in allowed:
        mistakes.append(f"{name} is {text!r}; {', '.join(allowed[:-1])} or {allowed[-1]} is allowed")
    return text


def _file(env: Mapping[str, str], name: str, mistakes: list[str]) -> Path | None:
    if name not in env:
        return None
    path = Path(env[name])
    if not path.is_file():
        mistakes.append(f"{name} names {path}, which is no file")
    return path


def _secret(env: Mapping[str, str], name: str, mistakes: list[str]) -> SecretStr | None:
    """From the variable, or from the file that `<name>_FILE` names (without the line feed at its end)."""
    if name in env and f"{name}_FILE" in env:
        mistakes.append(f"{name} and {name}_FILE are both set; say one")
    if f"{name}_FILE" not in env:
        return SecretStr(env[name]) if name in env else None
    try:
        return SecretStr(Path(env[f"{name}_FILE"]).read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError):
        mistakes.append(f"{name}_FILE names {env[f'{name}_FILE']}, which cannot be read")
        return SecretStr("")

"""How the broker is reached: one value that every client of the fabric is given.

Knows no client library. `psfabric.kafka` and the Faust host each translate it into the names of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


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
        return self.protocol.endswith("SSL")

    def __str__(self) -> str:
        return self.bootstrap

"""Who acts: the principal that Kafka knows us by, where it does; else the user that the operating system names.

A principal is what the broker let in, but the row that names it is written by the same client: who may write to
`fabric.operations` is for the broker's access rules. A broker that asks for no certificate (`ssl.client.auth`) does not
look at ours; one that maps principals (`ssl.principal.mapping.rules`) knows us by another name.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from psfabric.connection import Kafka
from replay.operations import AUTHENTICATED, CLAIMED, claimed_user


class Identity(NamedTuple):
    """`who_is` is authenticated or claimed; `os_user` is `<user>@<host>`, which nobody checked."""

    who: str
    who_is: str
    os_user: str


def identify(kafka: Kafka) -> Identity:
    """By the login, else by our certificate, else by the operating system."""
    user = claimed_user()
    if kafka.login is not None:
        return Identity(f"User:{kafka.login.username}", AUTHENTICATED, user)
    if kafka.certificate is not None:
        return Identity(f"User:{_subject(kafka.certificate.certificate)}", AUTHENTICATED, user)
    return Identity(user, CLAIMED, user)


def _subject(certificate: Path) -> str:
    """The distinguished name as RFC 4514 writes it, the most particular part first, as Kafka does: `CN=mara,O=Acme`."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(certificate.read_bytes()).subject.rfc4514_string()

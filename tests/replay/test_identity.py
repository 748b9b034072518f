"""An act is that of whom Kafka knows; else of whom the operating system names, and then that is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from psfabric.connection import Certificate, Kafka, Login
from replay.acts import Operator
from replay.identity import identify
from replay.operations import claimed_user
from tests.secure.certificates import authority, server

LOGIN = Login("SCRAM-SHA-512", "mara", SecretStr("x"))


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    signed = server(authority("our authority"), "mara.desk")
    signed.write(tmp_path, "own")
    return Certificate(tmp_path / "own.pem", tmp_path / "own.key")


def test_who_logs_in_is_authenticated_and_the_os_user_stands_beside(certificate: Certificate) -> None:
    for kafka in (Kafka("h:1", "SASL_SSL", LOGIN), Kafka("h:1", "SASL_SSL", LOGIN, None, certificate)):
        assert identify(kafka) == ("User:mara", "authenticated", claimed_user())


def test_who_has_a_certificate_is_its_subject(certificate: Certificate) -> None:
    found = identify(Kafka("h:1", "SSL", None, None, certificate))
    assert (found.who, found.who_is) == ("User:CN=mara.desk", "authenticated")


@pytest.mark.parametrize("kafka", [Kafka("h:1"), Kafka("h:1", "SSL")])
def test_who_is_nobody_to_the_broker_claims_to_be_the_os_user(kafka: Kafka) -> None:
    assert identify(kafka) == (claimed_user(), "claimed", claimed_user())


def test_an_act_says_who(certificate: Certificate) -> None:
    row = Operator.of(Kafka("h:1", "SASL_SSL", LOGIN), "month end").row("test", "done", {})
    assert (row.who, row.who_is, row.os_user, row.reason) == ("User:mara", "authenticated", claimed_user(), "month end")

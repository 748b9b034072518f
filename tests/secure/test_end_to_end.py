"""One road over TLS with a login, through every kind of client that the fabric has; and what a person is told who has
the wrong password, or the wrong authority."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]

from cli import exits
from psfabric.connection import Kafka, read
from psfabric.errors import Misconfigured, Unavailable
from psfabric.hosts.cursors import CURSORS, move, standing
from psfabric.kafka import Admin, read_topic
from replay.acts import Operator
from replay.ledger import append
from replay.operations import TOPIC as OPERATIONS
from replay.operations import claimed_user, operation_of
from schemas import Topic
from tests.cli.conftest import Run
from tests.conftest import own_stack
from tests.hosts.calling import FakeCalling, Hosting
from tests.hosts.fakes import FakeStage, Hosted, create, eventually, produce, unique, values_of
from tests.replay.plant import SINK
from tests.secure.broker import SECURE, SecureKafka, add_users, allow
from tests.secure.certificates import authority, server

PASSWORD = "correct-horse-Äö-battery"
USER = "fabric"

__all__ = ["run"]
from tests.cli.conftest import run  # noqa: E402


@dataclass(frozen=True)
class Broker:
    """`address` is that of the listener with TLS, `folder` has the authority that signed (`ca.pem`) and another."""

    address: str
    folder: Path
    within: str
    """The listener without a login, for who may do everything."""

    def env(self, **other: str) -> dict[str, str]:
        right = {
            "PSF_KAFKA_BOOTSTRAP": self.address,
            "PSF_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "PSF_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "PSF_KAFKA_SASL_USERNAME": USER,
            "PSF_KAFKA_SASL_PASSWORD_FILE": str(self.folder / "password"),
            "PSF_KAFKA_SSL_CA_LOCATION": str(self.folder / "ca.pem"),
        }
        return {name: value for name, value in {**right, **other}.items() if value}

    def reached(self, **other: str) -> Kafka:
        found, mistakes = read(self.env(**other))
        assert found is not None, mistakes
        return found


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("secure")
    ours, other = authority("our authority"), authority("another authority")
    ours.write(folder, "ca")
    other.write(folder, "other")
    (folder / "password").write_text(PASSWORD + "\n")
    part = SecureKafka(server(ours, "127.0.0.1"))
    with own_stack("secure", ["kafka"], catalogue={"kafka": part}) as stack:
        stack.up()
        users = [(USER, "SCRAM-SHA-512", PASSWORD), (f"{USER}-256", "SCRAM-SHA-256", PASSWORD)]
        add_users(stack.endpoints["PSF_KAFKA_BOOTSTRAP"], users)
        yield Broker(stack.endpoints[SECURE], folder, stack.endpoints["PSF_KAFKA_BOOTSTRAP"])


def work_there(broker: Broker, monkeypatch: pytest.MonkeyPatch, **other: str) -> None:
    """Commands in this process work on that broker, and on no other part."""
    where = {"PSF_REGISTRY_URL": "http://127.0.0.1:1", "PSF_REDIS_URL": "redis://127.0.0.1:1/0"}
    (broker.folder / "sink.toml").write_text(SINK.format(name="tryton-secure"))
    monkeypatch.setenv("PSF_PIPELINES", str(broker.folder))
    for name in broker.env():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(broker.folder)
    for name, value in {**broker.env(**other), **where}.items():
        monkeypatch.setenv(name, value)


async def test_a_record_goes_from_raw_through_both_hosts_to_a_sink(broker: Broker) -> None:
    kafka, name = broker.reached(), unique("secure")
    Admin(kafka).wait(time.monotonic() + 20)
    translate = FakeStage(f"{name}-t", (f"raw.{name}",), f"deliver.{name}")
    sink = FakeCalling(name, f"deliver.{name}", f"out.{name}")
    kinds = [f"{kind}.{name}" for kind in ("hold", "redo", "dlq", "applied", "out")]
    create(kafka, [translate], *kinds, f"deliver.{name}")
    async with Hosted(kafka, translate), Hosting(kafka, sink):
        await asyncio.to_thread(produce, kafka, f"raw.{name}", [("k", "one"), ("l", "two")])
        await eventually(lambda: sorted(values_of(kafka, f"out.{name}")) == ["one", "two"])
    assert Admin(kafka).lag({name: [f"deliver.{name}"]})[name][0].behind == 0
    Admin(kafka).apply([Topic(name=CURSORS, partitions=1, config={}, rule="test", tombstones=True)])
    move(kafka, name, "7")  # in a transaction
    assert standing(kafka, name).cursor == "7"


def test_an_act_over_a_login_is_that_of_the_principal(broker: Broker) -> None:
    kafka = broker.reached()
    Admin(kafka).apply([Topic(name=OPERATIONS, partitions=1, config={}, rule="test", tombstones=False)])
    row = append(kafka, Operator.of(kafka, "month end").row("test", "done", {}))
    assert (row.who, row.who_is, row.os_user) == (f"User:{USER}", "authenticated", claimed_user())
    (record,) = read_topic(kafka, OPERATIONS)
    assert operation_of(record) == row


@pytest.mark.parametrize("login", [("SCRAM-SHA-256", f"{USER}-256", PASSWORD), ("PLAIN", "plainly", "in-plain")])
def test_each_way_to_log_in(broker: Broker, login: tuple[str, str, str]) -> None:
    mechanism, user, password = login
    kafka = broker.reached(
        PSF_KAFKA_SASL_MECHANISM=mechanism,
        PSF_KAFKA_SASL_USERNAME=user,
        PSF_KAFKA_SASL_PASSWORD=password,
        PSF_KAFKA_SASL_PASSWORD_FILE="",
    )
    Admin(kafka).wait(time.monotonic() + 10)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"PSF_KAFKA_SASL_PASSWORD": "staple-42", "PSF_KAFKA_SASL_PASSWORD_FILE": ""},
            "refuses the login of fabric (SCRAM-SHA-512): check PSF_KAFKA_SASL_USERNAME and PSF_KAFKA_SASL_PASSWORD",
        ),
        pytest.param(
            {"PSF_KAFKA_SASL_USERNAME": "nobody"},
            "refuses the login of nobody (SCRAM-SHA-512)",
            marks=pytest.mark.faults,
        ),
        ({"PSF_KAFKA_SSL_CA_LOCATION": "other.pem"}, "certificate verify failed"),
        pytest.param(
            {"PSF_KAFKA_SSL_CA_LOCATION": ""},
            "PSF_KAFKA_SSL_CA_LOCATION has to hold the authority",
            marks=pytest.mark.faults,
        ),
    ],
    ids=["password", "user", "authority", "no authority"],
)
def test_a_wrong_password_or_authority_is_exit_2_with_a_sentence_at_once(
    broker: Broker, run: Run, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], sentence: str
) -> None:
    work_there(broker, monkeypatch, **wrong)
    began = time.monotonic()
    ran = run("topics", "plan")
    assert ran.code == exits.USAGE
    assert sentence in ran.err
    assert "staple-42" not in ran.err + ran.out
    assert "Traceback" not in ran.err
    assert time.monotonic() - began < 15


def test_a_broker_under_another_name_than_its_certificate_has_is_not_believed(broker: Broker) -> None:
    """The name is checked, not only who signed."""
    with pytest.raises(Misconfigured, match="for the name used here"):
        Admin(broker.reached(PSF_KAFKA_BOOTSTRAP=broker.address.replace("127.0.0.1", "localhost"))).wait(
            time.monotonic() + 10
        )


def test_without_tls_the_listener_does_not_answer_and_says_what_to_look_at(broker: Broker) -> None:
    plain = Kafka(broker.address)
    with pytest.raises(Unavailable, match="does not answer"):
        Admin(plain).wait(time.monotonic() + 1)


@pytest.mark.parametrize("who", ["of another", "described"])
def test_a_topic_that_may_not_be_read_is_exit_2_with_a_sentence_at_once(
    broker: Broker, run: Run, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Without the right to describe it a topic looks like one that is not there, or empty."""
    topic = f"{unique('dlq')}.orders"
    Admin(broker.reached()).apply([Topic(name=topic, partitions=1, config={}, rule="test", tombstones=True)])
    produce(Kafka(broker.within), topic, [("k", "v")])
    if who == "described":
        allow(broker.within, topic, AclOperation.DESCRIBE, USER)
    else:
        allow(broker.within, topic, AclOperation.READ, "somebody-else")
    work_there(broker, monkeypatch)
    began = time.monotonic()
    ran = run("dlq", "list", "--topic", topic)
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert f"does not let the user {USER} read {topic}: allow READ and DESCRIBE" in ran.err
    assert time.monotonic() - began < 10
    with pytest.raises(Misconfigured, match=f"read {topic}"):
        read_topic(broker.reached(), topic)

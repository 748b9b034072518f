"""The parts as containers, for those who have Docker: the compose file starts, and its Kafka keeps the broker contract.

Asked for with `make test-docker`, because it needs a Docker engine and pulls images; all else runs without Docker.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator

import pytest
from testcontainers.compose import DockerCompose

from psfabric.connection import Kafka
from psfabric.kafka import Admin
from tests.conftest import ROOT
from tests.contracts.broker import Broker, BrokerContract
from tests.contracts.test_broker import RealBroker

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

REGISTRY = "http://127.0.0.1:8081/apis/ccompat/v7/subjects"


@pytest.fixture(scope="module")
def containers() -> Iterator[Kafka]:
    with DockerCompose(ROOT / "deploy/local", compose_file_name="compose.yaml", pull=True):
        kafka = Kafka("127.0.0.1:9092")
        Admin(kafka).wait(time.monotonic() + 120)
        yield kafka


class TestComposeKafka(BrokerContract):
    @pytest.fixture
    def broker(self, containers: Kafka) -> Iterator[Broker]:
        real = RealBroker(containers)
        yield real
        real.close()


def test_the_registry_of_the_compose_file_answers_in_the_confluent_dialect(containers: Kafka) -> None:
    with urllib.request.urlopen(REGISTRY, timeout=60) as answer:
        assert answer.status == 200

"""The real parts, as the stack of this test run has started them."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request

import pytest

from deploy.local import ALL, INFRASTRUCTURE
from tests.conftest import TrytonServer


def test_kafka_makes_no_topic_by_itself(kafka_bootstrap: str) -> None:
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.list_topics("never-made", timeout=20)  # asking for a topic makes it where auto-creation is on
    assert "never-made" not in admin.list_topics(timeout=20).topics


def test_the_registry_refuses_a_change_that_is_not_fully_compatible(registry_url: str) -> None:
    def register(kind: str) -> int:
        schema = {"type": "record", "name": "Probe", "namespace": "psf.test", "fields": [{"name": "a", "type": kind}]}
        body = json.dumps({"schema": json.dumps(schema)}).encode()
        url = f"{registry_url}/subjects/psf.test.Probe/versions"
        request = urllib.request.Request(url, body, {"content-type": "application/vnd.schemaregistry.v1+json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert register("string") == 200
    assert register("long") == 409


def test_redis_answers(redis_url: str) -> None:
    host, _, port = redis_url.removeprefix("redis://").removesuffix("/0").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(16) == b"+PONG\r\n"


def test_tryton_knows_the_user_of_the_fabric(tryton: TrytonServer) -> None:
    login = {"id": 1, "method": "common.db.login", "params": [tryton.user, {"password": tryton.password}]}
    request = urllib.request.Request(
        f"{tryton.url}/{tryton.database}/rpc/", json.dumps(login).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert json.load(response)["result"][1]


def test_every_part_needs_only_parts_there_are() -> None:
    for part in ALL.values():
        assert set(part.needs) <= set(ALL)
    assert set(INFRASTRUCTURE) < set(ALL)


@pytest.mark.parametrize("name", ["topics", "schemas", "intake", "process", "deliver"])
def test_what_reads_the_pipeline_files_starts_when_trytons_password_is_known(name: str) -> None:
    assert "tryton" in ALL[name].needs

"""The connection value in librdkafka's names."""

from __future__ import annotations

from typing import Any

from psfabric.connection import Kafka


def client_config(kafka: Kafka) -> dict[str, Any]:
    """What every client begins with. librdkafka checks the broker's name against its certificate."""
    config: dict[str, Any] = {
        "bootstrap.servers": kafka.bootstrap,
        "security.protocol": kafka.protocol,
    }
    if kafka.login is not None:
        config["sasl.mechanism"] = kafka.login.mechanism
        config["sasl.username"] = kafka.login.username
        config["sasl.password"] = kafka.login.password.get_secret_value()
    if kafka.tls:
        config["ssl.endpoint.identification.algorithm"] = "https"
    if kafka.ca is not None:
        config["ssl.ca.location"] = str(kafka.ca)
    if kafka.certificate is not None:
        own = kafka.certificate
        config["ssl.certificate.location"], config["ssl.key.location"] = str(own.certificate), str(own.key)
        if own.password is not None:
            config["ssl.key.password"] = own.password.get_secret_value()
    return config


def writing_config(kafka: Kafka, client_id: str) -> dict[str, Any]:
    """What every producer begins with: all writers of a topic agree on the partition of a key, and on what is too large
    to be tried."""
    return {
        **client_config(kafka),
        "client.id": client_id,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "message.max.bytes": 4 * 1024 * 1024,
    }

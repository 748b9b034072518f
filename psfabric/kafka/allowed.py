"""Topics that we may not look at: a broker leaves them out of the list of all, as if they were not there."""

from __future__ import annotations

from collections.abc import Iterable

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient

from psfabric.connection import Kafka
from psfabric.errors import Misconfigured

WITHIN = 10.0
"""Seconds that a broker may take to say."""


def expect_allowed(client: ck.Consumer | AdminClient, kafka: Kafka, topics: Iterable[str]) -> None:
    """Raises Misconfigured naming each topic that may not be looked at, KafkaException when the broker is silent."""
    forbidden = []
    for topic in sorted(topics):
        error = client.list_topics(topic, timeout=WITHIN).topics[topic].error
        if error is not None and error.code() == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED:
            forbidden.append(not_allowed(kafka, topic))
    if forbidden:
        raise Misconfigured(forbidden)


def not_allowed(kafka: Kafka, topic: str) -> str:
    who = f"the user {kafka.login.username}" if kafka.login else "whoever comes without a login"
    return f"Kafka at {kafka} does not let {who} read {topic}: allow READ and DESCRIBE of that topic"

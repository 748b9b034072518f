"""Topics as declared, and how far each group has read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import confluent_kafka as ck
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
)

from psfabric.connection import Kafka
from psfabric.errors import Misconfigured, Unavailable
from psfabric.kafka.allowed import expect_allowed
from psfabric.kafka.config import client_config
from psfabric.kafka.producer import quiet_logger
from schemas import Topic

NO_LEADER_YET = {
    ck.KafkaError.NOT_LEADER_FOR_PARTITION,
    ck.KafkaError.LEADER_NOT_AVAILABLE,
    ck.KafkaError.UNKNOWN_TOPIC_OR_PART,
}

_COMMITS = "__consumer_offsets"
"""Kafka's own topic of commits; it makes it when the first group comes."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Records of one topic that a group has not committed yet (transaction markers may count)."""

    topic: str
    behind: int


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a topic plan: `create`, `alter` (a setting differs), or `conflict` (cannot be done by itself)."""

    action: str
    topic: str
    detail: str


class Admin:
    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._said: ck.KafkaError | None = None
        config: dict[str, Any] = {**client_config(kafka), "error_cb": self._heard}
        self._client = AdminClient(config, logger=quiet_logger("admin"))

    def _heard(self, error: ck.KafkaError) -> None:
        """Why there is no connection: a request that was not answered does not know."""
        if error.code() != ck.KafkaError._ALL_BROKERS_DOWN:
            self._said = error

    def wait(self, deadline: float, waiting: Callable[[str], None] = lambda why: None) -> None:
        """Wait until the broker answers; `waiting` is told each time that it did not, and why.

        Raises Unavailable once `deadline` (monotonic seconds) has passed; Misconfigured at once for a login that the
        broker refuses, or a certificate that we do: time does not mend those.
        """
        while True:
            try:
                self._client.list_topics(timeout=2)
                return
            except ck.KafkaException as error:
                self._client.poll(0)
                said = self._said or error.args[0]
            if said.code() in (ck.KafkaError._AUTHENTICATION, ck.KafkaError._SSL):
                raise Misconfigured([_untrusted(self._kafka, said)])
            if time.monotonic() > deadline:
                raise Unavailable(f"Kafka at {self._kafka} does not answer: {said.str()}")
            waiting(said.str())

    def topics(self, *expected: str) -> set[str]:
        """The name of every topic that there is. Raises Unavailable; Misconfigured for one that is expected, not there,
        and that we may not look at."""
        return set(self._partitions(expected))

    def plan(self, wanted: Iterable[Topic]) -> list[Change]:
        """What `apply` would do. Topics that exist and are not wanted, and settings not declared, are left alone."""
        existing, wanted = self._partitions(), list(wanted)
        there = self._settings([topic.name for topic in wanted if topic.name in existing])
        return [change for topic in wanted for change in _changes(topic, existing, there)]

    def apply(self, wanted: Sequence[Topic], replication: int = 1) -> list[Change]:
        """Create what is missing, alter what is set otherwise, and wait until all can be seen. Returns what was done;
        conflicts are not touched. Raises Unavailable naming the topic that the broker refuses."""
        changes = self.plan(wanted)
        by_name = {topic.name: topic for topic in wanted}
        new = [
            NewTopic(t.name, t.partitions, replication, config=dict(t.config))
            for t in (by_name[c.topic] for c in changes if c.action == "create")
        ]
        for name, future in self._client.create_topics(new, operation_timeout=30).items() if new else ():
            try:
                _answer(future, 40)
            except ck.KafkaException as error:
                if error.args[0].code() != ck.KafkaError.TOPIC_ALREADY_EXISTS:
                    raise Unavailable(f"topic {name} could not be created: {error.args[0].str()}") from None
        self._seen([topic.topic for topic in new])
        self._alter([by_name[change.topic] for change in changes if change.action == "alter"])
        return changes

    def _alter(self, topics: Sequence[Topic]) -> None:
        """The controller answers before every broker has heard of it, so what it says afterwards is awaited."""
        if not topics:
            return
        asked = [ConfigResource(ConfigResource.Type.TOPIC, t.name, incremental_configs=_entries(t)) for t in topics]
        for resource, future in self._client.incremental_alter_configs(asked).items():
            try:
                _answer(future, 40)
            except ck.KafkaException as error:
                raise Unavailable(f"topic {resource.name} could not be altered: {error.args[0].str()}") from None
        deadline = time.monotonic() + 30
        while any(change.action == "alter" for change in self.plan(topics)):
            if time.monotonic() > deadline:
                raise Unavailable(f"Kafka at {self._kafka} altered topics and does not show it after 30 s")
            time.sleep(0.1)

    def _settings(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Every setting that is in force at each topic."""
        if not names:
            return {}
        asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        try:
            answers = self._client.describe_configs(asked, request_timeout=10).items()
            return {
                resource.name: {name: entry.value or "" for name, entry in _answer(future, 20).items()}
                for resource, future in answers
            }
        except ck.KafkaException as error:
            raise Unavailable(f"Kafka at {self._kafka} does not tell of its topics: {error.args[0].str()}") from None

    def _seen(self, names: Sequence[str]) -> None:
        """Wait until the broker tells of topics that it has just made; for a moment it does not."""
        deadline = time.monotonic() + 30
        while names and not set(names) <= self._partitions().keys():
            if time.monotonic() > deadline:
                raise Unavailable(f"Kafka at {self._kafka} made topics and does not show them after 30 s")
            time.sleep(0.1)

    def lag(self, groups: Mapping[str, Sequence[str]]) -> dict[str, list[Lag]]:
        """Per group and topic: end offset minus committed offset, summed over partitions.

        Ends are read after all commits: when nobody is behind, nothing was on its way between two groups either.
        """
        ends, places = self.offsets(groups)

        def behind(group: str, topic: str) -> int:
            return sum(ends[tp] - at for tp, at in places[group].items() if tp[0] == topic)

        return {group: [Lag(t, max(0, behind(group, t))) for t in topics] for group, topics in groups.items()}

    def offsets(
        self, groups: Mapping[str, Sequence[str]], /
    ) -> tuple[dict[tuple[str, int], int], dict[str, dict[tuple[str, int], int]]]:
        """The ends of all topics of the groups, and per group from where it reads on: its committed offset, or the
        beginning where it never committed."""
        committed = self._committed(groups)
        ends = self.end_offsets({topic for topics in groups.values() for topic in topics})
        begins = self.begin_offsets({topic for topic, _ in ends})
        return ends, {
            group: {
                tp: at if (at := committed[group].get(tp, -1)) >= 0 else begins[tp] for tp in ends if tp[0] in topics
            }
            for group, topics in groups.items()
        }

    def without_owner(self, group: str, topics: Iterable[str]) -> set[tuple[str, int]] | None:
        """Partitions of `topics` that no member of the group has been given; None while it is dividing them anew.

        A topic that is not there has none. Raises Unavailable.
        """
        partitions = self.partitions(topics)
        try:
            found = _answer(self._client.describe_consumer_groups([group], request_timeout=10)[group], 10)
        except ck.KafkaException as error:
            raise Unavailable(
                f"Kafka at {self._kafka} does not say who reads for {group}: {error.args[0].str()}"
            ) from None
        if found.state is not ConsumerGroupState.STABLE:
            return None
        owned = {(tp.topic, tp.partition) for member in found.members for tp in member.assignment.topic_partitions}
        return {(topic, number) for topic, count in partitions.items() for number in range(count)} - owned

    def end_offsets(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        return self._offsets_of(topics, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def begin_offsets(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """The first offset that retention left of each partition; where nothing is left, its end."""
        return self._offsets_of(topics, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def offsets_at(self, topics: Iterable[str], at_ms: int) -> dict[tuple[str, int], int]:
        """The first offset whose timestamp (epoch milliseconds) is not before `at_ms`; no partition without one."""
        found = self._offsets_of(topics, OffsetSpec.for_timestamp(at_ms))
        return {tp: offset for tp, offset in found.items() if offset >= 0}

    def _offsets_of(self, topics: Iterable[str], spec: Any) -> dict[tuple[str, int], int]:
        wanted = list(topics)
        partitions = self._partitions(wanted)
        return self._offsets({ck.TopicPartition(t, p): spec for t in wanted for p in range(partitions.get(t, 0))})

    def _committed(self, groups: Mapping[str, Sequence[str]]) -> dict[str, dict[tuple[str, int], int]]:
        """Asked of each group's coordinator by a consumer that joins nothing.

        The admin request for it must not be used: when a broker goes away while one is open, librdkafka (2.16) ends the
        whole process by an assertion (`rd_kafka_enq_once_del_source_return`), a minute later. Before the first group of
        all there is no coordinator, and nothing was committed either.
        """
        partitions = self._partitions()
        found: dict[str, dict[tuple[str, int], int]] = {group: {} for group in groups}
        if _COMMITS not in partitions:
            return found
        for group, topics in groups.items():
            tps = [ck.TopicPartition(t, p) for t in topics for p in range(partitions.get(t, 0))]
            if tps:
                found[group] = self._committed_of(group, tps)
        return found

    def _committed_of(self, group: str, tps: list[ck.TopicPartition]) -> dict[tuple[str, int], int]:
        config = {**client_config(self._kafka), "group.id": group, "enable.auto.commit": False}
        asking = ck.Consumer(config, logger=quiet_logger("admin"))
        try:
            return {(tp.topic, tp.partition): tp.offset for tp in asking.committed(tps, timeout=10)}
        except ck.KafkaException as error:
            raise Unavailable(f"the group {group} has no coordinator; try again: {error.args[0].str()}") from None
        finally:
            asking.close()

    def _offsets(self, wanted: Mapping[ck.TopicPartition, OffsetSpec]) -> dict[tuple[str, int], int]:
        """Asked again while a leader is being chosen, as it is for a moment after a topic was made."""
        deadline = time.monotonic() + 10
        while wanted:
            try:
                futures = self._client.list_offsets(dict(wanted), request_timeout=10)
                return {(tp.topic, tp.partition): _answer(future, 10).offset for tp, future in futures.items()}
            except ck.KafkaException as error:
                reason: ck.KafkaError = error.args[0]
                if reason.code() not in NO_LEADER_YET or time.monotonic() > deadline:
                    raise Unavailable(f"Kafka at {self._kafka} does not answer: {reason.str()}") from None
                time.sleep(0.1)
        return {}

    def partitions(self, topics: Iterable[str]) -> dict[str, int]:
        """How many partitions each of these topics has; one that is not there is left out. Raises Unavailable."""
        there = self._partitions(topics)
        return {topic: there[topic] for topic in topics if topic in there}

    def _partitions(self, expected: Iterable[str] = ()) -> dict[str, int]:
        try:
            topics = self._client.list_topics(timeout=10).topics
            expect_allowed(self._client, self._kafka, set(expected) - topics.keys())
        except ck.KafkaException as error:
            raise Unavailable(f"Kafka at {self._kafka} does not answer: {error.args[0].str()}") from None
        return {name: len(topic.partitions) for name, topic in topics.items()}


def _answer(future: Future[Any], seconds: float) -> Any:
    """What the broker said. Raises KafkaException, also when it said nothing for so long: the client gives up a request
    at the time-out that it was given, but on a busy machine it may not come to that."""
    try:
        return future.result(seconds)
    except TimeoutError:
        raise ck.KafkaException(ck.KafkaError(ck.KafkaError._TIMED_OUT, "no answer in time")) from None


def _untrusted(kafka: Kafka, said: ck.KafkaError) -> str:
    if said.code() == ck.KafkaError._SSL:
        what = "PSF_KAFKA_SSL_CA_LOCATION has to hold the authority that signed its certificate, for the name used here"
        return f"Kafka at {kafka} is not who it should be, or speaks no TLS: {_bare(said.str())}. {what}"
    who = f"{kafka.login.username} ({kafka.login.mechanism})" if kafka.login else "one without a name"
    return f"Kafka at {kafka} refuses the login of {who}: check PSF_KAFKA_SASL_USERNAME and PSF_KAFKA_SASL_PASSWORD"


def _bare(text: str) -> str:
    """librdkafka's words without the addresses and durations around them."""
    return text.split(": ", 1)[-1].split(" (after")[0]


def _changes(topic: Topic, existing: Mapping[str, int], there: Mapping[str, Mapping[str, str]]) -> Iterator[Change]:
    count = existing.get(topic.name)
    if count is None:
        yield Change("create", topic.name, f"{topic.partitions} partitions")
        return
    if count != topic.partitions:
        detail = f"has {count} partitions, declared {topic.partitions}; order and hold rest on the count"
        yield Change("conflict", topic.name, detail)
        return
    found = {name: (there[topic.name].get(name), value) for name, value in topic.config.items()}
    other = [f"{name} from {now} to {value}" for name, (now, value) in found.items() if not _equal(value, now)]
    if other:
        yield Change("alter", topic.name, ", ".join(other))


def _equal(declared: str, found: str | None) -> bool:
    """Lists have no order."""
    return sorted(declared.split(",")) == sorted((found or "").split(","))


def _entries(topic: Topic) -> list[ConfigEntry]:
    return [ConfigEntry(n, v, incremental_operation=AlterConfigOpType.SET) for n, v in topic.config.items()]

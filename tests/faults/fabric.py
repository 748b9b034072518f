"""One run of the fabric under faults: its topics, its workers, what was said to it, and the verdict."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import Unavailable
from psfabric.event import Record, new_event, sequence
from psfabric.kafka import Admin, Producer, latest, read_topic
from psfabric.registry import Registry
from schemas import Topic, topics
from schemas.models import Money, ProjectCreated, RoleRate
from tests.faults.child import Role, run_topic
from tests.faults.ledger import Fault, Journal, Ledger, Verdict, Version, judge
from tests.faults.processes import Erp, Nursery, Worker
from tests.faults.source import BEGIN, ROLE, Project, Sayings
from tests.waiting import eventually

T = TypeVar("T")

PARTITIONS = 4
SESSION = 6.5
"""Seconds; a broker as shipped allows no shorter one than 6."""

SCALED = {
    "psfabric.hosts.aio:Given.__init__(session)": SESSION,
    "psfabric.hosts.aio:COMMIT_WITHIN": 40.0,
    "psfabric.hosts.lease:RENEW": 0.5,
    "psfabric.hosts.faust_chunks.app:SESSION": SESSION,
    "psfabric.hosts.pure:SESSION": SESSION,
    "psfabric.engine.waiting:ASK_PERIOD": 1.0,
    "psfabric.hosts.polling:BEAT": 1.0,
    "psfabric.hosts.polling:SILENT": 4.0,
    "psfabric.hosts.polling:LOOK": 0.5,
}
"""Time constants of the product as the quick tiers have them."""

LOAD = 30.0
"""Versions said per second under which processes are stopped and brokers go: about half of what two cores can carry, so
that a backlog of an outage is caught up with, also while another row runs beside it."""

BUG = 101
"""Exit status of a process that ended by an exception nobody foresaw."""

CURRENCIES = (("GBP", 9350), ("EUR", 11275), ("USD", 14999))


@dataclass(frozen=True)
class Parts:
    """Where the real parts are."""

    kafka: str
    registry: str
    redis: str
    direct_registry: str = ""
    direct_redis: str = ""
    """Round the proxies, where there are any: the harness is not to meet its own faults."""
    own: bool = False
    """Nobody else uses them."""


@dataclass
class Setting:
    """What a run is made of. `sinks`: flavour of each target. `plant`: the bug to plant in every worker."""

    sinks: Sequence[str] = ("upsert",)
    thin: bool = True
    keys: int = 24
    corrections: float = 0.25
    months: tuple[str, ...] = ("2026-03",)
    slots: bool = True
    """Whether membership is static: a restart within the session moves nothing."""
    deliverers: int = 1
    processors: int = 1
    mapping: Mapping[str, Any] = field(default_factory=dict)
    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scaled: Mapping[str, Any] = field(default_factory=dict)
    news_late: float = 0.0
    """Seconds that who slept through its session goes on before it hears that others own its partitions."""
    plant: str = ""


class Fabric:
    def __init__(self, parts: Parts, nursery: Nursery, folder: Path, seed: int, setting: Setting) -> None:
        self.seed, self.setting, self.folder = seed, setting, folder
        self.rng = random.Random(seed)
        self.run = uuid.uuid4().hex[:8]
        self.kafka = Kafka(parts.kafka)
        self.parts = parts
        self.direct_redis = parts.direct_redis or parts.redis
        self.erp = Erp(folder, seed)
        self.journal = Journal(self.erp.journal)
        without = os.environ.get("FAULTS_WITHOUT", "")
        self.sinks = {
            f"{flavour}-{self.run}": flavour for flavour in setting.sinks if flavour not in without.split(",")
        }
        self.sayings = Sayings(self.run, self._projects(), seed, setting.keys, setting.corrections, setting.months)
        self.faults: list[Fault] = []
        self.workers: list[Worker] = []
        self._nursery = nursery
        self._producer = Producer(self.kafka, "faults")
        self._watching = threading.Event()
        self._watcher = threading.Thread(target=self._supervise, daemon=True)
        self._said = threading.Lock()
        self.lag: dict[str, int] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._dead: Collection[Version] = ()
        self.patience = 0.0
        """Seconds that `settle` waits at most, where a bug was planted; 0: as long as the row says."""
        self.expected_held: Collection[Version] = ()
        """What the row leaves in hold on purpose."""

    # ------------------------------------------------------------------ beginning and end

    def __enter__(self) -> Fabric:
        try:
            patiently(lambda: Admin(self.kafka).apply(self._topics()))
            self.store_projects(self.sayings.projects)
            for sink, flavour in self.sinks.items():
                self.erp.rules(
                    sink,
                    flavour="none" if flavour == "slow" else flavour,
                    conditional=flavour in ("versioned", "unique"),
                )
            for role, count in (("process", self.setting.processors), ("deliver", self.setting.deliverers)):
                for number in range(count):
                    self.workers.append(Worker(self._nursery, self._role(role, number)))
            for worker in self.workers:
                worker.start()
            self._watcher.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        self._watching.set()
        if self._watcher.ident is not None:
            self._watcher.join(10)
        for worker in self.workers:
            if worker.alive:
                worker.end(signal.SIGKILL)
        self.erp.close()
        self._producer.close()
        if self.parts.own:
            self._delete_topics()

    def _delete_topics(self) -> None:
        """A broker with the topics of a hundred runs takes minutes to come back from a kill.

        Those that it has not deleted within a minute, all together, stay.
        """
        names = [t.name for t in self._topics() if self.run in t.name]
        client = AdminClient({"bootstrap.servers": self.parts.kafka})  # without it nobody would hear the answer
        wait(client.delete_topics(names, request_timeout=50).values(), 60)

    def of(self, role: str) -> list[Worker]:
        return [worker for worker in self.workers if worker.role.role == role]

    def add(self, role: str) -> Worker:
        """One more worker of a role."""
        worker = Worker(self._nursery, self._role(role, len(self.workers)))
        worker.start()
        self.workers.append(worker)
        return worker

    def visitor(self, role: str) -> Worker:
        """One that is no slot: not started, nobody starts it again, and it leaves its groups when it is stopped."""
        given = self._role(role, len(self.workers)).model_copy(update={"slot": ""})
        self.workers.append(Worker(self._nursery, given, kept=False))
        return self.workers[-1]

    def redeploy(self, **mapping: Any) -> None:
        """The same processes, with another mapping in both sources."""
        for worker in self.of("process"):
            worker.kept = False
            worker.end(signal.SIGTERM)
            worker.role = worker.role.model_copy(update={"mapping": mapping})
            worker.start()
            worker.kept = True

    def _role(self, role: str, number: int) -> Role:
        setting = self.setting
        return Role(
            role=role,
            run=self.run,
            slot=f"{role}-{number}" if setting.slots else "",
            log=str(self.folder / f"{role}-{number}.log"),
            env={
                "PSF_KAFKA_BOOTSTRAP": self.parts.kafka,
                "PSF_REGISTRY_URL": self.parts.registry,
                "PSF_REDIS_URL": self.parts.redis,
            },
            erp=self.erp.url,
            sinks=self.sinks,
            mapping=setting.mapping,
            declared=setting.declared,
            scaled={**SCALED, **setting.scaled},
            news_late=setting.news_late,
            plant=setting.plant,
        )

    def _supervise(self) -> None:
        while not self._watching.wait(0.05):
            for worker in list(self.workers):
                worker.look()

    # ------------------------------------------------------------------ topics and reference data

    @property
    def components(self) -> list[str]:
        made = [f"fat-{self.run}", f"thin-{self.run}", f"thin-{self.run}.hydrate"]
        return [*made, f"approve-{self.run}", f"price-{self.run}", *self.sinks]

    def _topics(self) -> list[Topic]:
        sources = {f"fat-{self.run}": False, f"thin-{self.run}": True}
        processors = [f"approve-{self.run}", f"price-{self.run}"]
        own = topics().concrete(sources, processors, list(self.sinks), PARTITIONS)
        time_ = next(topic for topic in own if topic.name == "psf.time")
        return [*own, time_.model_copy(update={"name": run_topic(self.run)})]

    def _projects(self) -> list[Project]:
        return [
            Project(f"P-{self.run}-{sink}-{currency}", f"C-{self.run}-{number % 2}", currency, cents, sink)
            for sink in self.sinks
            for number, (currency, cents) in enumerate(CURRENCIES)
        ]

    def store_projects(self, projects: Sequence[Project]) -> None:
        """As the keeper of reference data writes them."""
        codec = Codec(Registry(self.parts.direct_registry or self.parts.registry))
        writes = []
        for project in projects:
            price = Money(amount=Decimal(project.cents) / 100, currency=project.currency)
            event = new_event(
                ProjectCreated,
                source="faults", native_id=project.id, aggregate_id=project.id, sequence=sequence(BEGIN), time=BEGIN,
                legal_entity=project.legal_entity, client_id=project.client, project_id=project.id,
                engagement_id="E-1", project_name="Project", billing_model="TIME_AND_MATERIALS",
                currency=project.currency, cost_centre="CC-1", tax_code="T-1", revenue_rule="AS_BILLED",
                purchase_order="", contracted_on=date(2026, 3, 1), references=(),
                rates=(RoleRate(role=ROLE, hourly_rate=price, billable=True),),
            )  # fmt: skip
            _, value, headers = codec.encode(event)
            writes.append(Write("ref.project", f"project:{project.id}".encode(), value, headers))
        self._producer.write_and_wait(writes)

    # ------------------------------------------------------------------ saying

    def say(self, count: int, *, thin_share: float = 0.25, **options: Any) -> None:
        """`count` more versions: in `raw.<source>`, as intake would store them, or in the feed of the polled source."""
        with self._said:
            thin = [self.setting.thin and self.rng.random() < thin_share for _ in range(count)]
            states = [dict(self.sayings.say(thin=flag, **options)) for flag in thin]
            asked = [state for state, flag in zip(states, thin, strict=True) if flag]
            if asked:
                self.erp.upstream({str(state["id"]): state for state in asked})
                self.erp.feed(f"thin-{self.run}", [f"{state['id']}#{state['edition']}" for state in asked])
            self.store([self.raw(state) for state, flag in zip(states, thin, strict=True) if not flag])

    def say_too_early(self) -> Project:
        """Time for a project that nobody has heard of; returns the project, to be stored later."""
        state = self.sayings.say(key=f"{self.run}-early", new=True)
        named = next(p for p in self.sayings.projects if p.id == state["project"])
        unheard = replace(named, id=f"P-{self.run}-early")
        self.store([self.raw({**state, "project": unheard.id})])
        return unheard

    def raw(self, state: Mapping[str, Any], *, body: bytes | None = None) -> Write:
        """The record in `raw.<source>`: the notice id tells the oracle which version a dead letter was."""
        source = f"fat-{self.run}"
        notice = f"{state['id']}#{state['edition']}"
        headers = (("fabric-source", source.encode()), ("fabric-notice-id", notice.encode()))
        return Write(f"raw.{source}", str(state["key"]).encode(), body or json.dumps(state).encode(), headers)

    def store(self, writes: Sequence[Write], within: float = 120.0) -> None:
        """As long as the client itself tries: a source does not lose what it has to say while a broker is away."""
        self._producer.write_and_wait(writes, within)

    @contextmanager
    def load(self, rate: float, **options: Any) -> Iterator[None]:
        """Versions are said all the time while the body runs, `rate` a second."""
        ended, failed = threading.Event(), list[BaseException]()

        def saying() -> None:
            try:
                begun = time.monotonic()
                for said in itertools.count(1):
                    if ended.wait(max(0.0, begun + said * 0.1 - time.monotonic())):
                        return
                    self.say(max(1, round(rate * 0.1)), **options)
            except BaseException as error:  # noqa: BLE001 - raised where the load ends
                failed.append(error)

        thread = threading.Thread(target=saying)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        if failed:
            raise failed[0]

    # ------------------------------------------------------------------ injecting

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """The body is the fault: what it brings about is gone when it ends."""
        begun = time.time()
        yield
        self.faults.append(Fault(name, begun, time.time()))

    def kill(self, worker: Worker) -> None:
        """SIGKILL; the supervisor starts the next one."""
        with self.fault(f"kill {worker.role.role}"):
            worker.signal(signal.SIGKILL)

    # ------------------------------------------------------------------ judging

    def settle(self, within: float = 60.0, quiet: float = 1.0) -> None:
        """Wait until every version is at the target or dead, nothing is held, and nobody is behind.

        When that does not come, the verdict says what is missing; a component that stays behind is an error here.
        """
        with contextlib.suppress(AssertionError):
            eventually(self.complete, self.patience or within, "every version accounted for", every=0.1)
        broken = [worker for worker in self.workers if BUG in worker.statuses]
        assert not broken or self.setting.plant, f"a process ended by a bug\n{self.logs()}"
        with contextlib.suppress(*([AssertionError] if self.setting.plant else [])):
            eventually(lambda: not self.behind(), self.patience or within, "no component is behind", every=0.3)
        time.sleep(quiet)  # what would post twice gets the time to do it

    def recovered(self, within: float = 60.0) -> None:
        """Wait until what was said so far has reached the target, as far as it is not dead."""
        said = len(self.sayings.ledger.said)
        before = Ledger(self.sayings.ledger.said[:said])

        def there() -> bool:
            self.journal.read()
            return not before.behind(self.journal)

        with contextlib.suppress(AssertionError):
            eventually(there, self.patience or within, "recovered", every=0.1)

    def complete(self) -> bool:
        self.journal.read()
        if not self.sayings.ledger.missing(self.journal):
            return True
        if any(BUG in worker.statuses for worker in self.workers):
            return True
        return not self.sayings.ledger.missing(self.journal, {*self._buried(), *self.expected_held})

    def _buried(self) -> Collection[Version]:
        """Dead letters; the topics are read again only when something was added to them."""
        with contextlib.suppress(Unavailable):
            ends = Admin(self.kafka).end_offsets([f"dlq.{component}" for component in self.components])
            if ends != self._ends:
                self._dead = {*self.dead()}
                self._ends = ends
        return self._dead

    def behind(self) -> dict[str, int]:
        """Component -> records that it has not committed yet.

        Not of hydrate: its input is written in transactions, so its end lies behind markers and what was aborted.
        """
        run = self.run
        groups = {
            f"fat-{run}": [f"raw.fat-{run}"],
            f"thin-{run}": [f"full.thin-{run}"],
            f"approve-{run}": [run_topic(run)],
            f"price-{run}": [run_topic(run)],
            **{sink: [f"deliver.{sink}"] for sink in self.sinks},
        }
        try:
            found = Admin(self.kafka).lag(groups)
        except Unavailable:
            return {"all": -1}
        behind = {group: sum(one.behind for one in lags) for group, lags in found.items()}
        self.lag = {group: count for group, count in behind.items() if count}
        return self.lag

    def owned_by_one(self, within: float) -> None:
        """Wait until each component has one member left, and its group is at rest: the others count as gone."""
        client = AdminClient({"bootstrap.servers": self.parts.kafka})

        def one_each() -> bool:
            try:
                found = [one.result(10) for one in client.describe_consumer_groups(self.components).values()]
            except (KafkaException, TimeoutError):  # a busy machine: asked again
                return False
            return all(group.state is ConsumerGroupState.STABLE and len(group.members) == 1 for group in found)

        eventually(one_each, within, "the others are gone", every=0.2)

    def records(self, topic: str) -> list[Record]:
        return read_topic(self.kafka, topic)

    def dead_letters(self) -> list[Record]:
        return [record for c in self.components for record in self.records(f"dlq.{c}")]

    def dead(self) -> list[Version]:
        return [version_of(record) for record in self.dead_letters()]

    def held(self) -> list[Version]:
        stored = [r for c in self.components for r in latest(self.records(f"hold.{c}")).values()]
        return [version_of(record) for record in stored if not (record.key or b"").startswith(b"barrier/")]

    def repeated(self) -> int:
        """Records that stages wrote more than once; a thin source may be asked for the same state twice."""
        topics_ = [run_topic(self.run), *(f"deliver.{sink}" for sink in self.sinks)]
        counts = Counter((r.topic, r.header("ce_id")) for topic in topics_ for r in self.records(topic) if self._fat(r))
        return sum(n - 1 for n in counts.values())

    def _fat(self, record: Record) -> bool:
        return not (record.header("ce_subject") or "").startswith(f"{self.run}-t")

    def verdict(self) -> Verdict:
        dead, held, repeated = patiently(self.dead), patiently(self.held), patiently(self.repeated)
        return judge(self.sayings.ledger, self.journal, dead=dead, held=held, faults=self.faults, repeated=repeated)

    def trail(self, id_: str) -> list[str]:
        """Where an entry was seen: for a person who looks at a failure."""
        topics_ = [f"raw.fat-{self.run}", f"full.thin-{self.run}", run_topic(self.run), "psf.delivery"]
        for sink in self.sinks:
            topics_ += [f"{kind}.{sink}" for kind in ("deliver", "applied", "hold", "dlq")]
        found = [r for topic in topics_ for r in self.records(topic) if _about(r, id_)]
        seen = [f"{r.coordinates} {r.timestamp_ms} {_told(r)}" for r in found]
        return seen + [json.dumps(line) for line in self.journal.lines if line.get("external") == id_]

    def logs(self, lines: int = 15) -> str:
        """The end of each worker's log, for a person who looks at a failure."""
        shown = [f"behind: {self.lag}"]
        for path in sorted(self.folder.glob("*.log")):
            shown += [f"--- {path.name}", *path.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(shown)


def patiently(read: Callable[[], T], times: int = 3) -> T:
    """What is read from the broker, also when the whole machine stands still for a while meanwhile."""
    for _ in range(times - 1):
        with contextlib.suppress(Unavailable):
            return read()
    return read()


def _about(record: Record, id_: str) -> bool:
    return any(id_.encode() in (part or b"") for part in (record.key, record.value, *dict(record.headers).values()))


def _told(record: Record) -> str:
    named = {"ce_type", "ce_sequence", "fabric-notice-id", "fabric-hold-until", "fabric-dlq-code"}
    told = {n: (v or b"").decode(errors="replace") for n, v in record.headers if n in named}
    shown = (record.value or b"null")[:160] if record.topic.startswith(("raw", "applied")) else b""
    return f"{told} {shown.decode(errors='replace')}"


def version_of(record: Record) -> Version:
    """Which version a stored record is about, at whatever stage it was stored."""
    subject, sequence_ = record.header("ce_subject"), record.header("ce_sequence")
    if subject and sequence_:
        return subject, int(sequence_.rpartition("/")[2])
    id_, _, edition = (record.header("fabric-notice-id") or "?#0").rpartition("#")
    return id_, int(edition)

"""Any order of loading, flushing, re-reading and looking up against a model: an answer is right or there is none."""

from __future__ import annotations

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from psfabric.errors import Parent, Transient
from psfabric.event import Record
from psfabric.reference import Applied, Loader, Store, Tp
from tests.psfabric.reference import events
from tests.psfabric.reference.events import ref
from tests.psfabric.reference.server import Server

TP = Tp("ref.project", 0)
IDS = st.sampled_from(["a", "b", "c"])


class Copy(RuleBasedStateMachine):
    """The topic is a list; two loaders read it as they like; Redis is flushed now and then."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Record] = []
        self.redis = redis.Redis.from_url(self.url)
        self.redis.flushall()
        self.store = Store(self.url, events.decode)
        self.loaders = [Loader(self.url, cluster="k"), Loader(self.url, cluster="k")]
        self.at = [0, 0]

    @initialize()
    def begun(self) -> None:
        for n in (0, 1):
            self.begin(n)

    def begin(self, n: int) -> None:
        self.at[n] = self.loaders[n].begin({TP: len(self.log)})[TP]

    @rule(id_=IDS, deleted=st.booleans())
    def produce(self, id_: str, deleted: bool) -> None:
        offset = len(self.log)
        self.log.append(ref("project", id_, offset, None if deleted else b"%d" % offset))

    @rule(n=st.sampled_from([0, 1]), size=st.integers(0, 4))
    def read(self, n: int, size: int) -> None:
        batch = self.log[self.at[n] : self.at[n] + size]
        to = self.at[n] + len(batch)
        if isinstance(self.loaders[n].apply(list(reversed(batch)), {TP: to}), Applied):
            self.at[n] = to
        else:
            self.begin(n)

    @rule(n=st.sampled_from([0, 1]), back=st.integers(0, 5))
    def read_again(self, n: int, back: int) -> None:
        start = max(0, self.at[n] - back)
        self.loaders[n].apply(self.log[start : self.at[n]], {})

    @rule(n=st.sampled_from([0, 1]))
    def restart_the_loader(self, n: int) -> None:
        self.begin(n)

    @rule()
    def flush(self) -> None:
        self.redis.flushall()

    @rule()
    def look_up(self) -> None:
        try:
            position = self.store.stamp().positions[TP]
            found = {i: self.store.stored("project", i) for i in "abc"}
            there = self.store.has_many([Parent("project", i) for i in "abc"])
        except Transient:
            return
        assert position <= len(self.log)
        for id_, stored in found.items():
            self.agrees(id_, position, None if stored is None else stored.value)
            assert (Parent("project", id_) in there) == (stored is not None)

    def agrees(self, id_: str, position: int, value: bytes | None) -> None:
        states = [r for r in self.log if r.key == f"project:{id_}".encode()]
        latest = [r.value for r in states if r.offset < position]
        assert value == (latest[-1] if latest else None)

    def teardown(self) -> None:
        for loader in self.loaders:
            loader.close()
        self.store.close()
        self.redis.close()


@pytest.mark.timeout(300)
def test_an_answer_is_right_or_there_is_none(empty: Server) -> None:
    machine = type("Here", (Copy,), {"url": empty.url})
    checks = list(HealthCheck)
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=checks),
    )

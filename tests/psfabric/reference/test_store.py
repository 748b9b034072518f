"""Loading and looking up against a real Redis, and what happens when that Redis forgets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

import pytest
import redis

from psfabric.errors import Held, Invalid, Misconfigured, Parent, Transient
from psfabric.reference import Applied, Loader, Reload, Store, Tp, link
from tests.psfabric.reference import events
from tests.psfabric.reference.events import ref
from tests.psfabric.reference.server import Server, free_port

PROJECT, CLIENT = Tp("ref.project", 0), Tp("ref.client", 0)
ENDS = {PROJECT: 2, CLIENT: 1}
P1, P2, C1 = (
    events.encode(events.project("PRJ-1")),
    events.encode(events.project("PRJ-2")),
    events.encode(events.client()),
)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PAUSE", 0.0)


def loader(server: Server, cluster: str = "k1") -> Loader:
    numbers = count(time.monotonic_ns())
    return Loader(server.url, cluster=cluster, token=lambda: f"t{next(numbers)}")


@pytest.fixture
def store(empty: Server) -> Iterator[Store]:
    store = Store(empty.url, events.decode)
    yield store
    store.close()


def load(loading: Loader) -> Applied:
    loading.begin(ENDS)
    records = [ref("project", "PRJ-1", 0, P1), ref("project", "PRJ-2", 1, P2), ref("client", "001A", 0, C1)]
    done = loading.apply(records, ENDS)
    assert isinstance(done, Applied)
    return done


def test_what_was_loaded_is_found(empty: Server, store: Store) -> None:
    assert load(loader(empty)) == Applied(written=3, older=0, complete=True)
    assert store.project("PRJ-1") == events.project("PRJ-1").data
    assert store.client("001A").name == "Northwind Mills"
    stored = store.stored("project", "PRJ-2")
    assert stored is not None
    assert (stored.value, stored.partition, stored.offset) == (P2, 0, 1)


def test_a_miss_in_a_complete_copy_is_held_for_its_parent(empty: Server, store: Store) -> None:
    load(loader(empty))
    with pytest.raises(Held) as caught:
        store.project("PRJ-9")
    assert caught.value.until == Parent("project", "PRJ-9")
    assert store.find("xref", "tryton-uk:project:PRJ-9") is None


def test_an_empty_store_has_no_answers(store: Store) -> None:
    for ask in (lambda: store.project("PRJ-1"), store.stamp, lambda: store.has_many([Parent("project", "PRJ-1")])):
        with pytest.raises(Transient, match="empty"):
            ask()  # type: ignore[operator,unused-ignore]


def test_a_copy_that_is_still_loading_has_no_answers_not_even_hits(empty: Server, store: Store) -> None:
    loading = loader(empty)
    loading.begin(ENDS)
    half = loading.apply([ref("project", "PRJ-1", 0, P1)], {PROJECT: 1})
    assert half == Applied(written=1, older=0, complete=False)
    with pytest.raises(Transient, match="still being loaded"):
        store.project("PRJ-1")
    assert store.stamp().complete is False
    assert store.stamp().passed("ref.project", 0, 0)


def test_end_of_partition_completes_without_a_record(empty: Server, store: Store) -> None:
    loading = loader(empty)
    loading.begin(ENDS)
    assert loading.apply([], ENDS) == Applied(0, 0, complete=True)
    with pytest.raises(Held):
        store.project("PRJ-1")


def test_topics_that_hold_nothing_are_complete_at_once(empty: Server, store: Store) -> None:
    loader(empty).begin({PROJECT: 0})
    with pytest.raises(Held):
        store.project("PRJ-1")


def test_values_never_go_back(empty: Server, store: Store) -> None:
    loading = loader(empty)
    load(loading)
    assert loading.apply([ref("project", "PRJ-2", 0, P1)], {}) == Applied(0, 1, complete=True)
    assert store.project("PRJ-2").project_id == "PRJ-2"


def test_a_deletion_is_remembered_so_that_an_older_value_stays_gone(empty: Server, store: Store) -> None:
    loading = loader(empty)
    load(loading)
    loading.apply([ref("project", "PRJ-1", 5, None)], {PROJECT: 6})
    loading.apply([ref("project", "PRJ-1", 4, P1)], {})
    assert store.find("project", "PRJ-1") is None
    assert store.has_many([Parent("project", "PRJ-1"), Parent("project", "PRJ-2")]) == {Parent("project", "PRJ-2")}


def test_the_sweep_asks_for_many_at_once(empty: Server, store: Store) -> None:
    load(loader(empty))
    parents = [Parent("project", f"PRJ-{n}") for n in range(1200)] + [Parent("client", "001A")]
    assert store.has_many(parents) == {Parent("project", "PRJ-1"), Parent("project", "PRJ-2"), Parent("client", "001A")}
    assert store.has_many([]) == set()


def test_many_records_are_loaded_in_runs(empty: Server, store: Store) -> None:
    loading = loader(empty)
    loading.begin({PROJECT: 1300})
    records = [ref("project", f"PRJ-{n}", n, P1) for n in range(1300)]
    assert loading.apply(records, {PROJECT: 1300}) == Applied(1300, 0, complete=True)
    assert store.stored("project", "PRJ-1299") is not None


def test_a_record_that_nobody_could_look_up_is_handed_back(empty: Server) -> None:
    loading = loader(empty)
    loading.begin(ENDS)
    bad = ref("project", "", 1, P1)
    done = loading.apply([bad, ref("project", "PRJ-1", 0, P1)], ENDS)
    assert done == Applied(1, 0, complete=True, refused=(bad,))


# ------------------------------------------------------------------------------------ Redis forgets


def test_a_flush_adds_no_holds(empty: Server, store: Store) -> None:
    load(loader(empty))
    redis.Redis.from_url(empty.url).flushall()
    with pytest.raises(Transient, match="empty"):
        store.project("PRJ-9")


def test_a_flush_is_noticed_without_any_record(empty: Server) -> None:
    loading = loader(empty)
    load(loading)
    redis.Redis.from_url(empty.url).flushall()
    assert isinstance(loading.apply([], {}), Reload)


def test_a_flush_while_loading_refuses_what_would_leave_a_hole(empty: Server, store: Store) -> None:
    loading = loader(empty)
    loading.begin(ENDS)
    loading.apply([ref("project", "PRJ-1", 0, P1)], {PROJECT: 1})
    redis.Redis.from_url(empty.url).flushall()
    assert isinstance(loading.apply([ref("project", "PRJ-2", 1, P2)], {PROJECT: 2, CLIENT: 1}), Reload)
    with pytest.raises(Transient):
        store.project("PRJ-1")
    assert loading.begin(ENDS) == {PROJECT: 0, CLIENT: 0}
    load(loading)
    assert store.project("PRJ-1").project_id == "PRJ-1"


def test_after_a_flush_and_another_loader_the_first_joins_it(empty: Server, store: Store) -> None:
    first, second = loader(empty), loader(empty)
    load(first)
    redis.Redis.from_url(empty.url).flushall()
    second.begin(ENDS)
    assert isinstance(first.apply([], {PROJECT: 9}), Reload)
    assert first.begin(ENDS) == {PROJECT: 0, CLIENT: 0}
    load(second)
    assert store.project("PRJ-2").project_id == "PRJ-2"


def test_a_restarted_redis_that_kept_its_data_is_loaded_anew(own: Server) -> None:
    loading, store = loader(own), Store(own.url, events.decode)
    load(loading)
    own.stop()
    with pytest.raises(Transient, match="not reachable"):
        store.project("PRJ-1")
    with pytest.raises(Transient, match="not reachable"):
        loading.apply([], {})
    own.start()
    assert redis.Redis.from_url(own.url).hexists("psf:ref", "project:PRJ-1")
    with pytest.raises(Transient, match="restarted"):
        store.project("PRJ-9")
    assert loading.apply([], {}) == Reload("Redis was restarted or failed over since the reference store was loaded")
    assert loading.begin(ENDS) == {PROJECT: 0, CLIENT: 0}
    load(loading)
    assert store.project("PRJ-1").project_id == "PRJ-1"


def test_a_restart_does_not_bring_back_what_is_no_longer_in_the_topic(own: Server) -> None:
    loading, store = loader(own), Store(own.url, events.decode)
    load(loading)
    own.stop()
    own.start()
    loading.begin(ENDS)
    loading.apply([], ENDS)
    with pytest.raises(Held):
        store.project("PRJ-1")


# ------------------------------------------------------------------------------------ loaders


def test_a_restarted_loader_goes_on_where_the_copy_is(empty: Server, store: Store) -> None:
    load(loader(empty))
    again = loader(empty)
    assert again.begin(ENDS) == ENDS
    assert store.project("PRJ-1").project_id == "PRJ-1"


def test_a_joining_loader_makes_lookups_wait_for_the_new_ends(empty: Server, store: Store) -> None:
    load(loader(empty))
    again = loader(empty)
    again.begin({PROJECT: 3, CLIENT: 1})
    with pytest.raises(Transient, match="loaded"):
        store.project("PRJ-1")
    again.apply([ref("project", "PRJ-1", 2, P2)], {PROJECT: 3})
    assert store.project("PRJ-1").project_id == "PRJ-2"


def test_a_position_that_does_not_join_on_is_refused(empty: Server) -> None:
    ahead, behind = loader(empty), loader(empty)
    ahead.begin(ENDS)
    behind.begin(ENDS)
    ahead.apply([], {PROJECT: 2})
    ahead.apply([], {PROJECT: 4})
    # The copy of another loader is lost; `ahead` must not claim that everything up to 4 is in the new one.
    client = redis.Redis.from_url(empty.url)
    client.hset("psf:ref", "#pos:ref.project/0", "1")
    assert ahead.apply([ref("project", "PRJ-1", 4, P1)], {PROJECT: 5}) == Reload(
        "the reference store has not got all that came before"
    )
    assert ahead.begin(ENDS)[PROJECT] == 1


def test_two_loaders_at_once_do_no_harm(empty: Server, store: Store) -> None:
    one, two = loader(empty), loader(empty)
    one.begin(ENDS)
    two.begin(ENDS)
    load(two)
    assert one.apply([ref("project", "PRJ-1", 0, P1)], {PROJECT: 1}) == Applied(0, 1, complete=True)
    assert store.stamp().positions[PROJECT] == 2


def test_another_kafka_cluster_is_another_copy(empty: Server, store: Store) -> None:
    first = loader(empty, "k1")
    load(first)
    assert loader(empty, "k2").begin({PROJECT: 2, CLIENT: 1}) == {PROJECT: 0, CLIENT: 0}
    with pytest.raises(Transient):
        store.project("PRJ-1")
    assert isinstance(first.apply([ref("project", "PRJ-1", 0, P1)], {}), Reload)


def test_a_topic_made_anew_is_another_copy(empty: Server) -> None:
    load(loader(empty))
    assert loader(empty).begin({PROJECT: 1, CLIENT: 1}) == {PROJECT: 0, CLIENT: 0}


def test_a_partition_that_was_not_there_means_begin_again(empty: Server) -> None:
    loading = loader(empty)
    load(loading)
    assert isinstance(loading.apply([], {Tp("ref.project", 1): 1}), Reload)


# ------------------------------------------------------------------------------------ what else goes wrong


def test_an_unreachable_redis_is_transient() -> None:
    url = f"redis://:topsecret@127.0.0.1:{free_port()}/0"
    with pytest.raises(Transient) as caught:
        Store(url, events.decode).project("PRJ-1")
    assert "topsecret" not in str(caught.value)
    with pytest.raises(Transient):
        Loader(url, cluster="k").begin(ENDS)


def test_after_a_failure_callers_are_told_without_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PAUSE", 60.0)
    store = Store(f"redis://127.0.0.1:{free_port()}/0", events.decode)
    with pytest.raises(Transient, match=r"not reachable$"):
        store.project("PRJ-1")
    with pytest.raises(Transient, match="a moment ago"):
        store.project("PRJ-1")


def test_a_full_redis_is_transient_and_loses_nothing(empty: Server, store: Store) -> None:
    loading = loader(empty)
    load(loading)
    client = redis.Redis.from_url(empty.url)
    client.config_set("maxmemory", 1)
    newer = ref("project", "PRJ-1", 2, P2)
    with pytest.raises(Transient, match="memory"):
        loading.apply([newer], {PROJECT: 3})
    assert store.project("PRJ-1").project_id == "PRJ-1"
    client.config_set("maxmemory", 0)
    assert loading.apply([newer], {PROJECT: 3}) == Applied(1, 0, complete=True)
    assert store.project("PRJ-1").project_id == "PRJ-2"


def test_a_foreign_value_under_our_key_is_transient_and_heals(empty: Server, store: Store) -> None:
    loading = loader(empty)
    redis.Redis.from_url(empty.url).set("psf:ref", "hello")
    with pytest.raises(Transient, match="did not write"):
        store.project("PRJ-1")
    assert isinstance(loading.apply([], {}), Reload)
    load(loading)
    assert store.project("PRJ-1").project_id == "PRJ-1"


def test_a_damaged_value_is_transient_and_says_what_to_do(empty: Server, store: Store) -> None:
    load(loader(empty))
    redis.Redis.from_url(empty.url).hset("psf:ref", "project:PRJ-1", "damaged")
    with pytest.raises(Transient, match="psf:ref"):
        store.project("PRJ-1")


def test_a_value_of_another_event_cannot_serve(empty: Server, store: Store) -> None:
    loading = loader(empty)
    loading.begin(ENDS)
    loading.apply([ref("project", "PRJ-1", 0, C1)], ENDS)
    with pytest.raises(Invalid, match="reference-unusable"):
        store.project("PRJ-1")


def test_prefixes_keep_two_fabrics_apart(empty: Server, store: Store) -> None:
    load(loader(empty))
    with pytest.raises(Transient):
        Store(empty.url, events.decode, prefix="other").project("PRJ-1")


def test_a_wrong_url_is_a_configuration_mistake() -> None:
    with pytest.raises(Misconfigured, match="redis://"):
        Store("http://127.0.0.1:6379", events.decode)

"""The registry as the hosts ask it: seldom, and able to do without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import schemas
from psfabric.errors import Held, Invalid, Schema, Transient, Unavailable
from psfabric.event import Record
from psfabric.http import Response
from psfabric.registry import PatientRegistry, Registry, believed, kept_write
from psfabric.stored import understood

EVENT, OTHER = "time.TimeRemoved", "time.TimeApproved"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Fake:
    """A registry in which every bundled schema has an id from 1 on; `mode` says how it misbehaves."""

    def __init__(self) -> None:
        self.mode = "right"
        self.calls: list[str] = []
        self.more: dict[int, Any] = {}
        self.ids = {schemas.name_of(event).subject: n for n, event in enumerate(sorted(schemas.events()), 1)}

    def __call__(self, method: str, url: str, *, json: Any = None, timeout: float = 10.0) -> Response:
        path = url.removeprefix("http://registry")
        self.calls.append(path)
        if self.mode == "away":
            raise Transient("refused")
        if self.mode == "broken":
            return Response(503, {}, b"<html>")
        if path.startswith("/schemas/ids/"):
            return self._schema(int(path.rpartition("/")[2]))
        return _json(200, {"id": self.ids[path.removeprefix("/subjects/").removesuffix("/versions")]})

    def _schema(self, id: int) -> Response:
        if id in self.more:
            return _json(200, {"schema": self.more[id]})
        event = dict(enumerate(sorted(schemas.events()), 1)).get(id)
        if event is None or self.mode == "empty":
            return _json(404, {"error_code": 40403})
        return _json(200, {"schema": schemas.avro_text(event)})


def _json(status: int, body: Any) -> Response:
    return Response(status, {}, json.dumps(body).encode())


class World:
    def __init__(self, kept: Mapping[str, int] | None = None) -> None:
        self.fake, self.clock = Fake(), Clock()
        self.learned: list[tuple[str, int]] = []
        registry = Registry("http://registry", self.fake)
        self.ids = PatientRegistry(registry, kept, lambda event, id: self.learned.append((event, id)), self.clock)

    def held(self, id: int) -> Schema:
        with pytest.raises(Held) as caught:
            self.ids.writer(id)
        assert isinstance(caught.value.until, Schema)
        return caught.value.until


def id_of(event: str) -> int:
    return sorted(schemas.events()).index(event) + 1


# ------------------------------------------------------------------------------------------------ unknown


def test_an_unknown_id_is_held_and_asked_for_once_a_minute() -> None:
    world = World()
    for second in range(180):
        world.clock.now = 1000.0 + second
        assert [world.held(900), world.held(901)] == [Schema(900), Schema(901)]
    assert world.fake.calls == ["/schemas/ids/900", "/schemas/ids/901"] * 3


def test_an_id_that_is_registered_meanwhile_is_found_with_the_next_question() -> None:
    world = World()
    world.held(900)
    world.fake.more[900] = schemas.avro_text(EVENT)
    assert world.held(900) == Schema(900)
    world.clock.now += 61
    assert world.ids.writer(900) == schemas.avro(EVENT)


def test_an_id_of_something_that_is_no_record_stays_invalid() -> None:
    world = World()
    world.fake.more[900] = '"string"'
    with pytest.raises(Invalid, match="no Avro record"):
        world.ids.writer(900)


def test_ids_made_up_by_the_million_take_no_memory_to_speak_of() -> None:
    world = World()
    for id in range(1000, 31_000):
        world.held(id)
    assert len(world.ids._asked) <= 10_000


# ------------------------------------------------------------------------------------------------ away


@pytest.mark.parametrize("mode", ["away", "broken"])
def test_what_was_learnt_flows_on_while_the_registry_is_away_and_new_ids_are_held(mode: str) -> None:
    world = World()
    known = world.ids.id_of(EVENT)
    world.ids.writer(id_of(OTHER))
    world.fake.mode = mode
    world.fake.calls.clear()
    for second in range(100):
        world.clock.now += 1
        assert world.ids.id_of(EVENT) == known
        assert world.ids.writer(known) == schemas.avro(EVENT)
        assert world.ids.writer(id_of(OTHER)) == schemas.avro(OTHER)
        assert world.held(77) == Schema(77, unreachable=True), f"after {second} s"
    assert len(world.fake.calls) == 7, "left alone for 15 s after each question in vain"
    world.fake.mode = "right"
    world.clock.now += 16
    assert world.held(777) == Schema(777)


def test_an_id_that_was_absent_is_not_called_unreachable_before_it_was_asked_for_again() -> None:
    world = World()
    world.held(900)
    world.fake.mode = "away"
    world.clock.now += 30
    assert world.held(900) == Schema(900)
    world.clock.now += 31
    assert world.held(900) == Schema(900, unreachable=True)


# ------------------------------------------------------------------------------------------------ cold start


def test_a_start_without_the_registry_rests_on_what_was_kept() -> None:
    world = World(kept={EVENT: 41})
    world.fake.mode = "away"
    assert world.ids.id_of(EVENT) == 41
    assert world.ids.writer(41) == schemas.avro(EVENT)
    with pytest.raises(Transient):
        world.ids.id_of(OTHER)
    assert world.held(42) == Schema(42, unreachable=True)
    assert len(world.fake.calls) == 1


def test_the_registry_is_believed_before_what_was_kept_and_a_difference_is_kept_anew() -> None:
    world = World(kept={EVENT: 41, OTHER: id_of(OTHER)})
    assert (world.ids.id_of(EVENT), world.ids.id_of(OTHER), world.ids.id_of(EVENT)) == (
        id_of(EVENT),
        id_of(OTHER),
        id_of(EVENT),
    )
    assert world.learned == [(EVENT, id_of(EVENT))]


def test_a_registry_that_has_nothing_is_not_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says 404, which is an answer: somebody emptied it."""
    world = World(kept={EVENT: 41})
    monkeypatch.setattr(world.fake, "ids", {})
    world.fake.mode = "empty"
    assert world.held(41) == Schema(41)


def test_an_enriched_record_is_appended_under_kept_ids() -> None:
    world = World(kept={OTHER: 5, f"enriched.{OTHER}": 6})
    world.fake.mode = "away"
    assert world.ids.combination(5, f"enriched.{OTHER}") == 6
    with pytest.raises(Transient):
        world.ids.combination(4, f"enriched.{OTHER}")


def test_whose_version_a_schema_is_waits_for_the_registry_but_for_the_bundled_ones() -> None:
    fake = Fake()
    patient = PatientRegistry(Registry("http://registry", fake), {"time.TimeRemoved": 5})
    fake.mode = "away"
    assert patient.has_version(5, "time.TimeRemoved")
    with pytest.raises(Held) as caught:
        patient.has_version(77, "time.TimeRemoved")
    assert caught.value.until == Schema(77, unreachable=True)


def test_stored_state_waits_for_its_schema_instead_of_being_called_unreadable() -> None:
    world = World()
    world.fake.mode = "away"
    record = Record("ref.client", 0, 0, b"k", b"v")
    with pytest.raises(Transient):
        understood(record, lambda record: world.ids.writer(900))


# ------------------------------------------------------------------------------------------------ what is kept


def record(event: str, id: int, change: Mapping[str, Any] | None = None) -> Record:
    write = kept_write(event, id)
    body = {**json.loads(write.value or b""), **(change or {})}
    return Record(write.topic, 0, 0, write.key, json.dumps(body).encode())


def test_what_was_kept_is_believed_where_the_text_is_our_own() -> None:
    both = [record(EVENT, 7), record(OTHER, 8), record(EVENT, 9)]
    assert believed(both) == {EVENT: 9, OTHER: 8}


@pytest.mark.parametrize(
    "change",
    [{"schema": "{}"}, {"v": 2}, {"id": 0}, {"id": -1}, {"id": "7"}, {"id": True}, {"id": None}, {"schema": None}],
)
def test_what_differs_in_anything_is_not(change: dict[str, Any]) -> None:
    assert believed([record(EVENT, 7, change)]) == {}
    assert believed([record(EVENT, 6), record(EVENT, 7, change)]) == {}, "nor what it replaced"


def test_what_is_broken_deleted_or_of_another_release_is_left_out() -> None:
    write = kept_write(EVENT, 7)
    for key, value in ((write.key, None), (write.key, b"{"), (write.key, b"[]"), (b"x/y", write.value), (None, b"")):
        assert believed([Record(write.topic, 0, 0, key, value)]) == {}


def test_no_text_repeats_the_password_of_a_url() -> None:
    def unregistered(*args: Any, **kwargs: Any) -> Response:
        return _json(404, {"error_code": 40401})

    with pytest.raises(Unavailable) as caught:
        Registry("https://user:canary@registry:8081/apis", unregistered).id_of(EVENT)
    assert "registry:8081" in str(caught.value)
    assert "canary" not in str(caught.value)

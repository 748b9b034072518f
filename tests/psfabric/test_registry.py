"""Schema ids from the real registry, and from one that misbehaves."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from fastavro.schema import to_parsing_canonical_form

import schemas
from psfabric.codec import Codec
from psfabric.errors import Invalid, Transient, Unavailable
from psfabric.http import Response, fetch
from psfabric.registry import Registry, register_all, wait_for
from psfabric.registry.content import content
from tests.contracts.given import example
from tests.psfabric.reference.server import free_port

EVENT = "time.TimeRemoved"


@pytest.fixture
def registry(registry_url: str) -> Registry:
    made = Registry(registry_url)
    wait_for(made, time.monotonic() + 30)
    return made


class Elsewhere:
    """The real registry, but every subject is one of this test's own; `change` edits the schema that is sent."""

    def __init__(self) -> None:
        self.prefix = f"test-{uuid.uuid4().hex[:8]}"
        self.calls: list[str] = []
        self.change: dict[str, Any] = {}

    def __call__(self, method: str, url: str, *, json: Any = None, timeout: float = 10.0) -> Response:
        self.calls.append(url)
        return fetch(method, url.replace("/subjects/", f"/subjects/{self.prefix}."), json=self._changed(json))

    def _changed(self, body: Any) -> Any:
        if body is None or not self.change:
            return body
        return {**body, "schema": json.dumps({**json.loads(body["schema"]), **self.change})}


# ------------------------------------------------------------------------------------------------ the real one


def test_a_schema_registered_again_has_the_same_id(registry: Registry, registry_url: str) -> None:
    ids = register_all(registry)
    assert set(ids) == set(schemas.events())
    assert len(set(ids.values())) == len(ids)
    assert register_all(Registry(registry_url)) == ids
    assert {event: Registry(registry_url).id_of(event) for event in ids} == ids


def test_an_id_is_of_the_subjects_under_which_its_schema_was_registered_and_of_no_other(
    registry: Registry, registry_url: str
) -> None:
    register_all(registry)
    assert registry.has_version(registry.id_of(EVENT), EVENT)
    assert not registry.has_version(registry.id_of(EVENT), "time.TimeSubmitted")
    assert not registry.has_version(9_999_999, EVENT)
    elsewhere = Elsewhere()
    elsewhere.change = {"doc": f"of nobody {elsewhere.prefix}"}
    stranger = Registry(registry_url, elsewhere).register(EVENT)
    assert not registry.has_version(stranger, EVENT), "the same record name, but nobody judged it under its subject"


def test_a_registry_that_gives_no_answer_about_subjects_is_not_taken_for_a_no() -> None:
    for status, body in ((503, b""), (404, b"<html>"), (200, b"<html>")):
        with pytest.raises((Transient, Invalid)):
            Registry("http://registry", lambda *args, s=status, b=body, **kw: Response(s, {}, b)).has_version(1, EVENT)


def test_an_id_means_the_schema_that_was_registered(registry: Registry, registry_url: str) -> None:
    schema_id = registry.register(EVENT)
    found = Registry(registry_url).writer(schema_id)
    assert to_parsing_canonical_form(found) == to_parsing_canonical_form(schemas.avro(EVENT))


def test_what_one_process_encodes_another_decodes(registry: Registry, registry_url: str) -> None:
    register_all(registry)
    event = example(EVENT, "deleted")
    value = Codec(Registry(registry_url)).value(event.data)
    assert Codec(Registry(registry_url)).data(value) == event.data


def test_a_schema_not_registered_yet_says_what_to_run(registry_url: str) -> None:
    with pytest.raises(Unavailable, match="psfabric schema register"):
        Registry(registry_url, Elsewhere()).id_of(EVENT)


def test_an_incompatible_schema_is_refused(registry_url: str) -> None:
    where = Elsewhere()
    Registry(registry_url, where).register(EVENT)
    where.change = {"fields": [{"name": "event_id", "type": "long"}]}
    with pytest.raises(Unavailable, match="incompatible"):
        Registry(registry_url, where).register(EVENT)


def test_an_id_the_registry_does_not_know_is_invalid(registry: Registry) -> None:
    with pytest.raises(Invalid) as caught:
        registry.writer(2_000_000_000)
    assert caught.value.code == "schema-unknown"


@pytest.mark.parametrize(
    "schema", ['"string"', '["null", "string"]', '{"type": "enum", "name": "E", "symbols": ["A"]}']
)
def test_an_id_of_something_that_is_no_record_is_invalid(registry_url: str, schema: str) -> None:
    body = {"schema": schema, "schemaType": "AVRO"}
    answer = fetch("POST", f"{registry_url}/subjects/test-{uuid.uuid4().hex[:8]}/versions", json=body)
    with pytest.raises(Invalid) as caught:
        Registry(registry_url).writer(answer.json()["id"])
    assert caught.value.code == "schema-unknown"


def test_an_answer_is_asked_for_once(registry_url: str) -> None:
    where = Elsewhere()
    registry = Registry(registry_url, where)
    schema_id = registry.register(EVENT)
    asked = len(where.calls)
    assert registry.id_of(EVENT) == schema_id
    assert registry.writer(schema_id) == schemas.avro(EVENT)
    assert len(where.calls) == asked


# ------------------------------------------------------------------------------------------------ one that misbehaves


def answering(status: int, body: bytes) -> Registry:
    return Registry("http://registry.invalid", lambda *args, **kwargs: Response(status, {}, body))


PAGE = b"<html>we are sorry</html>"


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b'{"error_code": 50001}'), (503, PAGE), (200, PAGE), (200, b"[]"), (200, b"{}"), (401, b""), (404, PAGE)],
)
def test_no_answer_of_a_registry_means_nothing_about_a_record(status: int, body: bytes) -> None:
    """A proxy's page, an outage, a missing login: the record waits, it is not buried."""
    registry = answering(status, body)
    with pytest.raises(Transient):
        registry.writer(7)
    with pytest.raises((Transient, Unavailable)):
        registry.id_of(EVENT)
    with pytest.raises(Transient):
        registry.register(EVENT)


def test_a_registry_that_is_away_is_transient_and_waited_for_only_so_long() -> None:
    registry = Registry(f"http://127.0.0.1:{free_port()}")
    assert not registry.ready()
    with pytest.raises(Transient):
        registry.writer(1)
    with pytest.raises(Unavailable, match="PSF_REGISTRY_URL"):
        wait_for(registry, time.monotonic() - 1)


# ------------------------------------------------------------------------------------------------ combinations


def test_records_of_an_earlier_release_get_an_enriched_schema_of_their_own(registry_url: str) -> None:
    """Their canonical part lacks a field; `schema register` of this release registers what is made of it."""
    where = Elsewhere()
    ours, enriched = schemas.avro("time.TimeApproved"), "enriched.time.TimeApproved"
    where.change = {"fields": ours["fields"][:-1]}
    earlier = Registry(registry_url, where).register("time.TimeApproved")
    where.change = {}
    before = Registry(registry_url, where)
    before.register("time.TimeApproved")
    before.register(enriched)
    assert before.combination(earlier, enriched) is None, "nobody registered it"

    register_all(Registry(registry_url, where))
    after = Registry(registry_url, where)
    made = after.combination(earlier, enriched)
    assert made not in (None, after.id_of(enriched))
    assert [f["name"] for f in after.writer(made or 0)["fields"]][-2:] == [ours["fields"][-2]["name"], "enrichment"]
    assert after.combination(after.id_of("time.TimeApproved"), enriched) == after.id_of(enriched)
    assert register_all(Registry(registry_url, where))[enriched] == after.id_of(enriched), "again is no change"


@pytest.mark.parametrize("event", [each for each in schemas.events() if each.startswith(schemas.ENRICHED)])
def test_what_an_earlier_release_wrote_is_enriched_though_the_registry_leaves_namespaces_out(
    registry_url: str, event: str
) -> None:
    """Apicurio keeps no namespace of a type that has that of the record around it; enriched, the record has another."""
    where = Elsewhere()
    canonical = event.removeprefix(schemas.ENRICHED)
    where.change = {"fields": schemas.avro(canonical)["fields"][:-1]}
    earlier = Registry(registry_url, where).register(canonical)
    where.change = {}
    registry = Registry(registry_url, where)
    register_all(registry)
    made = registry.combination(earlier, event)
    assert made not in (None, registry.id_of(event))
    *fields, enrichment = registry.writer(made or 0)["fields"]
    expected = schemas.enriched({**schemas.avro(canonical), **where.change}, schemas.enrichment(event))
    assert content({**expected, "fields": [*expected["fields"][:-2], expected["fields"][-1]]}) == content(
        registry.writer(made or 0)
    )
    assert (enrichment["name"], len(fields)) == ("enrichment", len(schemas.avro(canonical)["fields"]) - 1)


def test_a_registry_that_fails_when_asked_for_a_combination_is_no_answer() -> None:
    ids: dict[str, int] = {}

    def failing(method: str, url: str, *, json: Any = None, timeout: float = 10.0) -> Response:
        if "/schemas/ids/" in url:
            return Response(200, {}, schemas.avro_text("time.TimeApproved").join(['{"schema":', "}"]).encode())
        return Response(200, {}, b'{"id": 1}') if not ids else Response(503, {}, b"{}")

    registry = Registry("http://registry", failing)
    assert registry.combination(1, "enriched.time.TimeApproved") == 1
    ids["asked"] = 1
    with pytest.raises(Transient):
        registry.combination(2, "enriched.time.TimeApproved")

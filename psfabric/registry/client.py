"""The registry's own answers.

Speaks the Confluent-compatible API (v7). Answers are kept for the life of the process: an id never changes meaning.
Subjects are record names (RecordNameStrategy), so a new ERP instance needs no registration.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import schemas
from psfabric.errors import Invalid, Transient, Unavailable
from psfabric.http import Response, fetch
from psfabric.registry.content import derived
from psfabric.registry.subjects import Fetch, Subjects, body, message


class NotRegistered(Invalid):
    """The registry says that it has no schema of that id."""

    def __init__(self, schema_id: int) -> None:
        super().__init__("schema-unknown", f"schema id {schema_id} is not in the registry")


class Registry:
    """Raises Transient when the registry gives no answer, NotRegistered when it does not know an id.

    A URL may hold a user and a password; no text of ours repeats them. `ids` and `writers` are what was learnt.
    """

    def __init__(self, url: str, fetch: Fetch = fetch) -> None:
        self._url = url.rstrip("/")
        self._fetch = fetch
        self.ids: dict[str, int] = {}
        self.writers: dict[int, dict[str, Any]] = {}

    @property
    def subjects(self) -> Subjects:
        return Subjects(self._url, self._fetch)

    def id_of(self, event: str) -> int:
        """The id under which the bundled schema of `event` is registered. Unavailable when it is not registered."""
        known = self.ids.get(event)
        if known is not None:
            return known
        answer = self._post(f"/subjects/{_subject(event)}", event)
        if answer.status == 404:
            raise Unavailable(
                f"the schema of {event} is not registered at {_host(self._url)}; run `psfabric schema register` first"
            )
        return self._remember(event, answer)

    def register(self, event: str) -> int:
        """Register the bundled schema of `event`; the same schema again gives the same id."""
        return self._remember(event, self._post(f"/subjects/{_subject(event)}/versions", event))

    def combination(self, writer_id: int, event: str) -> int | None:
        """The id of the enriched `event` whose canonical part is as writer `writer_id` wrote it; None when that
        combination is not registered, so that nobody may write it."""
        canonical = event.removeprefix(schemas.ENRICHED)
        if writer_id == self.id_of(canonical):
            return self.id_of(event)
        answer = self._post(f"/subjects/{_subject(event)}", event, derived(self.writer(writer_id), event))
        return None if answer.status == 404 else self._id(event, answer)

    def writer(self, schema_id: int) -> dict[str, Any]:
        """The schema a record was written with."""
        known = self.writers.get(schema_id)
        if known is not None:
            return known
        answer = self._get(f"/schemas/ids/{schema_id}")
        if answer.status == 404 and "error_code" in body(answer):  # said by a registry, not by a proxy before it
            raise NotRegistered(schema_id)
        if answer.status != 200:
            raise Transient(f"the registry answered {answer.status} for schema id {schema_id}")
        self.writers[schema_id] = _record_schema(schema_id, body(answer))
        return self.writers[schema_id]

    def has_version(self, schema_id: int, event: str) -> bool:
        """Whether that id is of a version of a subject of `event` (each major has one), so that its compatibility was
        judged."""
        answer = self._get(f"/schemas/ids/{schema_id}/versions")
        if answer.status == 404 and "error_code" in body(answer):
            return False
        if answer.status != 200:
            raise Transient(f"the registry answered {answer.status} for the subjects of schema id {schema_id}")
        versions = answer.json()
        if not isinstance(versions, list):
            raise Transient(f"the registry answered without the subjects of schema id {schema_id}")
        found = {str(version.get("subject")) for version in versions if isinstance(version, dict)}
        return not found.isdisjoint(schemas.subjects(event))

    def ready(self) -> bool:
        try:
            return self._get("/subjects").status == 200
        except Transient:
            return False

    def _remember(self, event: str, answer: Response) -> int:
        schema_id = self.ids[event] = self._id(event, answer)
        self.writers.setdefault(schema_id, schemas.avro(event))
        return schema_id

    def _id(self, event: str, answer: Response) -> int:
        if answer.status == 409:
            raise Unavailable(f"the registry refuses the schema of {event} as incompatible: {message(answer)}")
        if answer.status != 200:
            raise Transient(f"the registry answered {answer.status} for {event}: {message(answer)}")
        schema_id = body(answer).get("id")
        if not isinstance(schema_id, int):
            raise Transient(f"the registry answered without an id for {event}")
        return schema_id

    def _post(self, path: str, event: str, text: str = "") -> Response:
        schema = text or schemas.avro_text(event)
        return self._fetch("POST", self._url + path, json={"schema": schema, "schemaType": "AVRO"})

    def _get(self, path: str) -> Response:
        return self._fetch("GET", self._url + path)


def wait_for(registry: Registry, deadline: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Wait until the registry answers; Unavailable once `deadline` (monotonic seconds) has passed."""
    while not registry.ready():
        if clock() > deadline:
            raise Unavailable("the schema registry does not answer; is it running, and is PSF_REGISTRY_URL right?")
        time.sleep(0.1)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _subject(event: str) -> str:
    return schemas.name_of(event).subject


def _record_schema(schema_id: int, answered: Mapping[str, Any]) -> dict[str, Any]:
    """The Avro record an id stands for. Events are records; whatever else is registered is none of ours."""
    text = answered.get("schema")
    if not isinstance(text, str):
        raise Transient(f"the registry answered without a schema for id {schema_id}")
    try:
        schema = json.loads(text)
    except ValueError:
        schema = None
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise Invalid("schema-unknown", f"schema id {schema_id} is no Avro record")
    return schema

"""Test adapters for the whole road: two sources, a processor that prices and routes, and sinks for the fake ERP.

The events are the contract's own. What the oracle needs to know (key, place in the key's order, edition) travels in
`extensions`, and in the document that the ERP keeps.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from psfabric.adapters import (
    Capabilities,
    Document,
    Entities,
    Known,
    Page,
    Polled,
    Processor,
    Receipt,
    Route,
    Sink,
    Source,
    Thin,
    Types,
)
from psfabric.errors import Invalid, Period
from psfabric.event import Event, Raw, new_event, sequence
from psfabric.http import Response, retry_after
from psfabric.outcomes import Delivered, Duplicate, Held, Outcome, Rejected, Retry, Superseded, Unknown
from psfabric.upstream import content, full, read, state_of
from schemas.models import EnrichedTimeApproved, TimeApproved, TimeSubmitted
from tests.faults.source import ROLE

PREFIX = "test."
LONGEST = 86_400
"""Seconds of an entry that a source's mapping takes over, unless it is set to less."""


class Fat(Source):
    """Notices that carry the whole state."""

    emits: ClassVar[Types] = (TimeSubmitted.EVENT,)

    longest: int = LONGEST

    def translate(self, full: Raw) -> Iterable[Event]:
        if full.absent:
            return
        yield submitted(self.name, state_of(full), self.longest)


class ThinOne(Polled, Thin):
    """A feed of notices that carry only an id, read page by page; the state is asked for."""

    emits: ClassVar[Types] = (TimeSubmitted.EVENT,)

    url: str
    longest: int = LONGEST

    async def read(self, cursor: str | None) -> AsyncIterator[Page]:
        at = cursor or "0"
        while True:
            answer = content(await read(self.http, "GET", f"{self.url}/feed/{self.name}", params={"after": at}))
            notices = answer["notices"]
            at = str(answer["at"])
            if notices:
                yield Page(tuple(noticed(notice) for notice in notices), at)

    async def hydrate(self, raw: Raw) -> Raw:
        answer = await read(self.http, "GET", f"{self.url}/upstream/{raw.key}")
        if answer.status == 404:
            return full(raw, {}, absent=True)
        return full(raw, content(answer))

    def translate(self, full: Raw) -> Iterable[Event]:
        if full.absent:
            return
        yield submitted(self.name, state_of(full), self.longest)


def noticed(notice: str) -> Raw:
    """`<id>#<edition>`: who looks at a dead letter sees which version it was about."""
    return Raw(notice.partition("#")[0], b'{"notice":"changed"}', {"fabric-notice-id": notice})


def submitted(source: str, said: Mapping[str, Any], longest: int) -> Event:
    """An entry of at most `longest` seconds. Raises Invalid(field-invalid) for a state that lacks something."""
    try:
        at, edition = datetime.fromisoformat(said["at"]), int(said["edition"])
        return new_event(
            TimeSubmitted,
            source=source,
            native_id=said["id"],
            aggregate_id=said["id"],
            partition_key=said["key"],
            sequence=sequence(at, edition),
            time=at,
            legal_entity=said["legal_entity"],
            client_id=said["client"],
            project_id=said["project"],
            resource_id="R-1",
            work_date=date.fromisoformat(said["day"]),
            zone="UTC",
            started_at=datetime.fromisoformat(said["day"] + "T08:00:00+00:00"),
            worked_seconds=min(int(said["seconds"]), longest),
            role=ROLE,
            task="TASK-1",
            submitted_at=datetime.fromisoformat(said["day"] + "T20:00:00+00:00"),
            extensions={PREFIX + "seq": str(int(said["seq"])), PREFIX + "bug": str(said.get("bug", ""))},
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Invalid("field-invalid", f"not a time entry: {type(error).__name__}") from None


class Price(Processor):
    """Prices approved time by its project and sends it to the target of the project's legal entity."""

    accepts: ClassVar[Types] = (TimeApproved.EVENT,)
    emits: ClassVar[Types] = (EnrichedTimeApproved.EVENT,)
    needs: ClassVar[Entities] = ("project",)

    routes: dict[str, str]

    def process(self, event: Event, known: Known) -> Iterable[Route]:
        if isinstance(event.data, TimeApproved) and event.data.extensions.get(PREFIX + "bug"):
            raise ZeroDivisionError("an unexpected exception")
        project = known.project(event.data.project_id)
        rate = project.rates[0]
        target = self.routes[project.legal_entity]
        enrichment = {
            "target": target,
            "legal_entity": project.legal_entity,
            "client_id": project.client_id,
            "billing_model": project.billing_model.value,
            "currency": project.currency,
            "hourly_rate": rate.hourly_rate.amount,
            "billable": True,
            "project_reference": "",
        }
        yield Route(target, event.enrich(EnrichedTimeApproved, enrichment))


class ErpSink(Sink):
    """Delivers time to one company of the fake ERP. What differs between the flavours is how a write is repeated."""

    accepts: ClassVar[Types] = (EnrichedTimeApproved.EVENT,)

    url: str
    worker: str = ""

    def document(self, event: Event) -> Document:
        return Document("time", event.aggregate_id, body_of(event))

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        return [await self._one(body_of(event)) for event in events]

    async def find(self, event: Event) -> Receipt | None:
        found = await self._search(event.aggregate_id)
        return None if found is None else Receipt(found["reference"], {}, "", 1)

    async def _one(self, body: dict[str, Any]) -> Outcome:
        raise NotImplementedError

    # ------------------------------------------------------------------ wire

    def _company(self) -> str:
        return f"{self.url}/{self.name}"

    def key_of(self, body: Mapping[str, Any]) -> str:
        """What the ERP is given as external id: the business identity, the same for every attempt."""
        return str(body["external"])

    async def _send(self, method: str, path: str, body: Any, **headers: str) -> Response:
        named = {"X-Worker": self.worker or str(os.getpid()), **headers}
        return await self.http.request(method, self._company() + path, json=body, headers=named)

    async def _search(self, external: str) -> dict[str, Any] | None:
        answer = await read(self.http, "GET", self._company() + "/docs", params={"external": external})
        documents = content(answer)["documents"]
        return documents[0] if documents else None

    async def _read(self, reference: str) -> dict[str, Any] | None:
        answer = await read(self.http, "GET", f"{self._company()}/docs/{reference}")
        return content(answer) if answer.status == 200 else None


class Upsert(ErpSink):
    """Writes by our key: the same write again changes nothing."""

    capabilities: ClassVar[Capabilities] = Capabilities("upsert", settle=0.5, concurrency=8)

    async def _one(self, body: dict[str, Any]) -> Outcome:
        return said(await self._send("PUT", f"/by-external/{self.key_of(body)}", body), body)


class Versioned(ErpSink):
    """Writes by our key, under the condition that nobody wrote since we looked."""

    capabilities: ClassVar[Capabilities] = Capabilities("upsert", conditional=True, concurrency=8)

    async def _one(self, body: dict[str, Any]) -> Outcome:
        found = await self._search(body["external"])
        if found is not None and found["body"]["edition"] > body["edition"]:
            return Superseded()
        if found is not None and found["body"] == body:
            return Duplicate(found["reference"])
        condition = self.condition(found)
        return said(await self._send("PUT", f"/by-external/{self.key_of(body)}", body, **condition), body)

    def condition(self, found: Mapping[str, Any] | None) -> dict[str, str]:
        return {"If-None-Match": "*"} if found is None else {"If-Match": f'"{found["version"]}"'}


class Unique(ErpSink):
    """A second document of the same key is refused; a correction changes the one that is there."""

    capabilities: ClassVar[Capabilities] = Capabilities("unique", conditional=True, concurrency=8)

    async def _one(self, body: dict[str, Any]) -> Outcome:
        answer = await self._send("POST", "/docs", {**body, "external": self.key_of(body)})
        if answer.status != 409:
            return said(answer, body)
        there = content(answer)
        if there["error"] == "exists":
            return Duplicate(there["reference"])
        return await self._corrected(await self._read(there["reference"]), body)

    async def _corrected(self, found: Mapping[str, Any] | None, body: dict[str, Any]) -> Outcome:
        if found is None:
            return Retry("the document that was in the way is gone")
        edition = found["body"]["edition"]
        if edition > body["edition"]:
            return Superseded()
        if edition == body["edition"]:
            return Rejected("erp-refused", "the target holds other content under our key")
        condition = {"If-Match": f'"{found["version"]}"'}
        return said(await self._send("PATCH", f"/docs/{found['reference']}", body, **condition), body)


class Keyless(ErpSink):
    """A target that looks at no key: two posts are two documents. What was sent is found again, after `settle`."""

    capabilities: ClassVar[Capabilities] = Capabilities("none", settle=0.5, concurrency=8)

    async def _one(self, body: dict[str, Any]) -> Outcome:
        if body["edition"] == 1:
            return told_nothing(await self._send("POST", "/docs", body), body)
        found = await self._search(body["external"])
        if found is None:
            return told_nothing(await self._send("POST", "/docs", body), body)
        if found["body"]["edition"] > body["edition"]:
            return Superseded()
        return told_nothing(await self._send("PATCH", f"/docs/{found['reference']}", body), body)


class Slow(Keyless):
    """The same, where what was sent may come into effect seconds later."""

    capabilities: ClassVar[Capabilities] = Capabilities("none", settle=3.5, concurrency=8)


class Checked(Upsert):
    """For a target that says 200 and does nothing: what was written is read back before it counts."""

    async def _one(self, body: dict[str, Any]) -> Outcome:
        outcome = await super()._one(body)
        if not isinstance(outcome, Delivered):
            return outcome
        found = await self._search(body["external"])
        return outcome if found is not None and found["body"] == body else Retry("it is not there after all")


class Batched(ErpSink):
    """Twenty lines a call, each answered on its own."""

    capabilities: ClassVar[Capabilities] = Capabilities("upsert", settle=0.5, batch=20, concurrency=4)

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        bodies = [body_of(event) for event in events]
        answer = await self._send("POST", "/batch", {"lines": bodies})
        if answer.status != 207:
            return [said(answer, body) for body in bodies]
        lines = content(answer)["lines"]
        return [line_said(line, body) for line, body in zip(lines, bodies, strict=True)]


SINKS: dict[str, type[ErpSink]] = {
    "upsert": Upsert,
    "versioned": Versioned,
    "unique": Unique,
    "none": Keyless,
    "slow": Slow,
    "checked": Checked,
    "batched": Batched,
}


def body_of(event: Event) -> dict[str, Any]:
    """What the ERP keeps. Hours and money are made here, once, half up to the minor unit."""
    data = event.data
    if not isinstance(data, EnrichedTimeApproved):
        raise TypeError(f"given {event.type}")
    enrichment = data.enrichment
    exact = Decimal(data.worked_seconds) * enrichment.hourly_rate / 3600
    return {
        "external": event.aggregate_id,
        "key": data.partition_key,
        "seq": int(data.extensions[PREFIX + "seq"]),
        "edition": int(event.version.sequence.rpartition("/")[2]),
        "client": enrichment.client_id,
        "currency": enrichment.currency,
        "amount": str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP)),
        "seconds": data.worked_seconds,
        "day": data.work_date.isoformat(),
    }


def said(answer: Response, body: Mapping[str, Any]) -> Outcome:
    """What an answer means where repeating the write does no harm."""
    if answer.status in (200, 201):
        return Delivered(str(content(answer)["reference"]))
    if answer.status == 412:
        return Retry("somebody wrote in between")
    return _no(answer, body, Retry(f"answered {answer.status}"))


def told_nothing(answer: Response, body: Mapping[str, Any]) -> Outcome:
    """The same where repeating the write would do harm: an error says nothing of what was done."""
    if answer.status in (200, 201):
        return Delivered(str(content(answer)["reference"]))
    return _no(answer, body, Unknown(f"answered {answer.status}"))


def _no(answer: Response, body: Mapping[str, Any], otherwise: Outcome) -> Outcome:
    match answer.status:
        case 429 | 503:
            return Retry(f"answered {answer.status}", retry_after(answer))
        case 422:
            return Rejected("erp-refused", str(content(answer)["why"]))
        case 423:
            return Held("the month is locked", Period("", str(body["day"])[:7]))
        case _:
            return otherwise


def line_said(line: Mapping[str, Any], body: Mapping[str, Any]) -> Outcome:
    if line["status"] in (200, 201):
        return Delivered(str(line["reference"]))
    if line["status"] == 423:
        return Held("the month is locked", Period("", str(body["day"])[:7]))
    return Rejected("erp-refused", str(line.get("why", line["status"])))

"""The books of the fake ERP: documents per company, what it refuses, and an append-only journal of everything.

A company is one target instance. Its `Rules` say what it can promise (flavour, version condition), what it refuses
(locked months, named documents) and how fast it may be called. Pure but for the journal and the clock it is given;
which fault a request meets depends on the seed, the document and how often it was asked, never on timing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import blake2b
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict

Body = dict[str, Any]

GRACE = 0.05
"""Seconds that a call may come before the instant it was told, for two clocks that are read one after the other."""

ON_THE_WAY = 0.25
"""Seconds after which no call can have left before its caller heard of a refusal."""


class Fault(BaseModel):
    """A share of the writes meets `kind`, each document at most `times` times.

    `reset`, `hang`, `bad_gateway`, `error`: carried out, then the answer is lost or wrong. `lie`: 200 and nothing done.
    `reset_before`, `error_before`, `unavailable`: nothing done. `slow`: carried out after `seconds`,
    and answered then; `late` the same, whether or not the caller has gone. `tardy`: carried out at once, answered after
    `seconds`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    share: float = 1.0
    times: int = 1
    seconds: float = 0.0


class Rules(BaseModel):
    """How one company behaves. `flavour`: `upsert` | `unique` | `none`. `rate` calls a second, 0: no limit.

    `lag`: seconds until a document is found by its external id. `locked`: months (YYYY-MM) that take nothing.
    `refused`: external id -> why a line is refused; `refuses`: why every line is. `dates`: Retry-After is an HTTP date
    instead of seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flavour: str = "upsert"
    conditional: bool = False
    lag: float = 0.0
    locked: tuple[str, ...] = ()
    refused: Mapping[str, str] = {}
    refuses: str = ""
    rate: float = 0.0
    burst: float = 5.0
    dates: bool = False
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Document:
    reference: str
    external: str
    body: Body
    version: int
    created: float


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Body = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Company:
    name: str
    rules: Rules = field(default_factory=Rules)
    documents: dict[str, Document] = field(default_factory=dict)
    by_external: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    met: dict[tuple[str, str], int] = field(default_factory=dict)
    tokens: float = 0.0
    filled: float | None = None
    not_before: dict[str, float] = field(default_factory=dict)
    closed: tuple[float, float] = (0.0, 0.0)
    """From when and until when the company as a whole had said that it takes no call."""


class Books:
    def __init__(self, journal: TextIO, seed: int, clock: Callable[[], float]) -> None:
        self._journal, self._seed, self._clock = journal, seed, clock
        self.companies: dict[str, Company] = {}

    def company(self, name: str) -> Company:
        return self.companies.setdefault(name, Company(name))

    def note(self, act: str, company: str, **facts: Any) -> None:
        """One line of the journal, on disk before anything else happens."""
        self._journal.write(json.dumps({"at": self._clock(), "act": act, "company": company, **facts}) + "\n")
        self._journal.flush()

    # ------------------------------------------------------------------ limits and faults

    def throttled(self, company: Company, external: str) -> Answer | None:
        """429 with Retry-After when the bucket is empty. Calls before the stated instant are in the journal."""
        rules, now = company.rules, self._clock()
        if rules.rate <= 0:
            return None
        if now < company.not_before.get(external, 0.0) - GRACE:
            self.note("early", company.name, scope="document", external=external)
        if company.closed[0] + ON_THE_WAY < now < company.closed[1] - GRACE:
            self.note("early", company.name, scope="company", external=external)
        company.tokens = (
            rules.burst
            if company.filled is None
            else min(rules.burst, company.tokens + (now - company.filled) * rules.rate)
        )
        company.filled = now
        if company.tokens >= 1.0:
            company.tokens -= 1.0
            return None
        wait = max(1, math.ceil((1.0 - company.tokens) / rules.rate))
        until = math.ceil(now + wait) if rules.dates else now + wait
        company.not_before[external] = until
        if until > company.closed[1]:
            company.closed = (now, until)
        self.note("throttled", company.name, external=external, until=until)
        asked = formatdate(until, usegmt=True) if rules.dates else str(wait)
        return Answer(429, {"error": "too_many"}, {"Retry-After": asked})

    def fault(self, company: Company, external: str) -> Fault | None:
        """The fault that this request meets. The same seed and document give the same one, whatever the order."""
        asked = company.asked[external] = company.asked.get(external, 0) + 1
        for fault in company.rules.faults:
            met = company.met.get((external, fault.kind), 0)
            if met < fault.times and chance(self._seed, company.name, external, fault.kind, asked) < fault.share:
                company.met[external, fault.kind] = met + 1
                return fault
        return None

    # ------------------------------------------------------------------ writing

    def refusal(self, company: Company, body: Body) -> Answer | None:
        """Why the company takes no such document: its month is locked, or it was named as refused."""
        month = str(body["day"])[:7]
        if month in company.rules.locked:
            self.note("locked", company.name, external=body["external"], month=month)
            return Answer(423, {"error": "period_locked", "period": month})
        why = company.rules.refuses or company.rules.refused.get(body["external"])
        if why is not None:
            self.note("refused", company.name, external=body["external"], why=why)
            return Answer(422, {"error": "refused", "why": why})
        return None

    def create(self, company: Company, body: Body, worker: str) -> Answer:
        """POST. `unique` refuses a second document of one external id, `none` does not look."""
        held = self._held(company, body["external"])
        if held is not None and company.rules.flavour != "none":
            error = "exists" if held.body == body else "conflict"
            return Answer(409, {"error": error, "reference": held.reference, "version": held.version})
        return Answer(201, self._commit(company, None, body, worker))

    def put(self, company: Company, external: str, body: Body, condition: str, worker: str) -> Answer:
        """PUT by external id: made or replaced; the same body again changes nothing. `*` means: must not be there."""
        held = self._held(company, external)
        if condition and condition != ("*" if held is None else f'"{held.version}"'):
            return Answer(412, {"error": "changed"})
        if held is not None and held.body == body:
            return Answer(200, _told(held))
        return Answer(201 if held is None else 200, self._commit(company, held, body, worker))

    def change(self, company: Company, reference: str, body: Body, condition: str, worker: str) -> Answer:
        """PATCH of one document by its reference."""
        held = company.documents.get(reference)
        if held is None:
            return Answer(404, {"error": "not_found"})
        if condition and condition != f'"{held.version}"':
            return Answer(412, {"error": "changed"})
        if held.body == body:
            return Answer(200, _told(held))
        return Answer(200, self._commit(company, held, body, worker))

    def _held(self, company: Company, external: str) -> Document | None:
        references = company.by_external.get(external, [])
        return company.documents[references[0]] if references else None

    def _commit(self, company: Company, held: Document | None, body: Body, worker: str) -> Body:
        if held is None:
            document = Document(
                f"{company.name}-{len(company.documents) + 1}", body["external"], body, 1, self._clock()
            )
            company.documents[document.reference] = document
            company.by_external.setdefault(document.external, []).append(document.reference)
        else:
            document = held
            document.body, document.version = body, held.version + 1
        facts = {name: body[name] for name in ("external", "key", "seq", "edition", "client", "currency", "amount")}
        self.note(
            "commit", company.name, reference=document.reference, version=document.version, worker=worker, **facts
        )
        return _told(document)

    # ------------------------------------------------------------------ reading

    def search(self, company: Company, external: str) -> Answer:
        """By external id; a document made less than `lag` seconds ago is not found yet."""
        shown = self._clock() - company.rules.lag
        references = company.by_external.get(external, [])
        found = [company.documents[r] for r in references if company.documents[r].created <= shown]
        return Answer(200, {"documents": [_told(d) for d in found]})

    def read(self, company: Company, reference: str) -> Answer:
        document = company.documents.get(reference)
        return Answer(404, {"error": "not_found"}) if document is None else Answer(200, _told(document))

    def statement(self, company: Company) -> Answer:
        return Answer(200, {"documents": [_told(d) for d in company.documents.values()]})


def _told(document: Document) -> Body:
    return {"reference": document.reference, "version": document.version, "body": document.body}


def chance(seed: int, *parts: object) -> float:
    """An even draw from 0 to 1 that rests on its arguments alone."""
    h = blake2b("/".join(map(str, (seed, *parts))).encode(), digest_size=8)
    return int.from_bytes(h.digest(), "big") / 2**64

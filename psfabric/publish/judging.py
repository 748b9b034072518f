"""Whether an event may be published, and what it is then: pure, so that a dry run needs no broker.

Every mistake is named, without the value that is wrong: it may be personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

import schemas
from psfabric import strict_json
from psfabric.event import LIVE, Event
from psfabric.ids import SOURCE, digest, sequence
from psfabric.publish.draft import Draft
from psfabric.publish.errors import Mistake
from psfabric.trace import enter
from schemas import Model, Rule, rules

NAME = re.compile(SOURCE)
ALLOWED = "small letters, digits and - are allowed, at most 61, a letter first"

_NONE_WHEN_LEFT_OUT = ("legal_entity", "client_id", "project_id")


@dataclass(frozen=True, slots=True)
class Judged:
    """An event that is in order, and the canonical topic that carries it."""

    event: Event
    rule: Rule


def judged(given: Model | Draft, source: str, at: int = 0) -> Judged | list[Mistake]:
    """The event that `given` is when `source` says it, or every mistake in it. `at` is its place in the call."""
    draft = Draft(type(given), given.model_dump(warnings=False)) if isinstance(given, Model) else given
    model, rule, why = _type(draft.type)
    if model is None or rule is None:
        return [Mistake(at, "type", *why)]
    case = _Case(draft, draft.source or source, model, rule)
    wrong = [Mistake(at, field, code, why) for field, code, why in case.mistakes()]
    return wrong or Judged(case.event(), rule)


def _type(name: str | type[Model]) -> tuple[type[Model] | None, Rule | None, tuple[str, str]]:
    """Class and topic of a type, or code and reason why it cannot be published."""
    try:
        model = name if isinstance(name, type) else schemas.model(name)
    except schemas.UnknownEvent as error:
        return None, None, ("type-unknown", str(error))
    if not model.TOPIC:
        return None, None, ("type-not-accepted", f"{model.EVENT} is made by the fabric for one target; nobody else may")
    rule = schemas.topics().rule(model.TOPIC)
    if rule.writers != "systems":
        why = f"{model.EVENT} goes to {model.TOPIC}, which only the fabric writes"
        return None, None, ("type-not-accepted", why)
    return model, rule, ("", "")


class _Case:
    """One draft under judgement."""

    def __init__(self, draft: Draft, source: str, model: type[Model], rule: Rule) -> None:
        self.draft, self.source, self.model, self.rule = draft, source, model, rule
        self.fields = dict(draft.data) if isinstance(draft.data, Mapping) else {}
        self._data: Model | None = None
        self._trace = ("", "")
        self._keyed = False

    def event(self) -> Event:
        """Once there is no mistake."""
        data, draft = self._data, self.draft
        if data is None:
            raise RuntimeError("an event with mistakes is none")
        time = draft.changed_at or datetime.fromisoformat(data.sequence.partition("/")[0])
        correlation = draft.correlation_id or data.event_id
        return Event(data, time.astimezone(UTC), self.source, correlation, draft.causation_id, *self._trace)

    def mistakes(self) -> Iterator[tuple[str, str, str]]:
        """(field, code, why). What follows from another mistake is not told."""
        if not isinstance(self.draft.data, Mapping):
            yield "data", "field-invalid", "is no mapping of fields"
            return
        if not NAME.fullmatch(self.source):
            yield "source", "source-not-allowed", f"is no name of a source; {ALLOWED}"
        told: set[str] = set()
        for field, code, why in self._filled():
            told.add(field)
            yield field, code, why
        yield from self._validated(told)
        yield from self._traced()
        if self._data is not None:
            yield from self._consistent(self._data)

    def _filled(self) -> Iterator[tuple[str, str, str]]:
        """Fill in what the rules say; the id last, because it rests on the rest."""
        fields, draft = self.fields, self.draft
        for name in _NONE_WHEN_LEFT_OUT:
            fields.setdefault(name, "")
        fields.setdefault("revision", LIVE)
        if fields["revision"] != LIVE:
            yield "revision", "field-invalid", "is not all zeros: only the fabric revises; leave it out"
        yield from self._versioned()
        if fields.get("partition_key", "") == "":
            key = fields.get(self.rule.orders_by)
            fields["partition_key"], self._keyed = key if isinstance(key, str) else "", True
        native = draft.native_id or fields.get("aggregate_id")
        given, version = fields.get("event_id", ""), fields.get("sequence")
        if isinstance(native, str) and isinstance(version, str):
            fields["event_id"] = _id(self.source, native, self.model.EVENT, version)
            if given not in ("", fields["event_id"]):
                yield "event_id", "field-invalid", "is another than the rule gives; leave it out"
        else:
            fields["event_id"] = ""  # what it would rest on is told

    def _versioned(self) -> Iterator[tuple[str, str, str]]:
        at = self.draft.changed_at
        if at is not None and at.tzinfo is None:
            yield "changed_at", "field-invalid", "has no zone"
            self.fields.setdefault("sequence", None)
            return
        if self.fields.get("sequence", "") != "":
            return
        if at is None:
            yield "sequence", "field-missing", "is missing: say when it changed in the source (changed_at, time)"
            return
        try:
            self.fields["sequence"] = sequence(at, self.draft.tie_break)
        except (ValueError, OverflowError) as error:
            yield "changed_at", "field-invalid", str(error)
            self.fields["sequence"] = None

    def _validated(self, told: set[str]) -> Iterator[tuple[str, str, str]]:
        causes = (
            told | ({"sequence"} if "changed_at" in told else set()) | ({"partition_key"} if self._keyed else set())
        )
        try:
            if self.draft.json:
                self._data = self.model.model_validate_json(strict_json.dumps(self.fields))
            else:
                self._data = self.model.model_validate(self.fields)
        except ValidationError as error:
            for one in error.errors(include_input=False, include_url=False):
                field = ".".join(map(str, one["loc"])) or "data"
                if field not in causes:
                    yield field, _CODES.get(one["type"], "field-invalid"), one["msg"]
        except TypeError as error:
            yield "data", "field-invalid", str(error)

    def _traced(self) -> Iterator[tuple[str, str, str]]:
        """The caller's trace as it is; without one the event begins its own, named by its id, so that a repetition has
        the same bytes."""
        given, state = self.draft.traceparent, self.draft.tracestate
        if not given:
            id = self.fields["event_id"]
            self._trace = (f"00-{id}-{digest('span', id)[:16]}-00", "") if id else ("", "")
            return
        found = enter([("traceparent", given), ("tracestate", state)], lambda size: "1" * 2 * size)
        if not found.parent:
            yield "traceparent", "header-invalid", "is no W3C trace context: 00-<32 hex>-<16 hex>-<2 hex>"
        self._trace = given, found.tracestate

    def _consistent(self, data: Model) -> Iterator[tuple[str, str, str]]:
        for name, value in self.draft.said.items():
            if value and getattr(data, name) != value:
                yield name, "header-invalid", "is said twice, and not the same"
        try:
            datetime.fromisoformat(data.sequence.partition("/")[0])
        except ValueError:
            yield "sequence", "field-invalid", "begins with no instant"
        for name in ("aggregate_id", self.rule.orders_by):
            if not getattr(data, name, None):
                yield name, "field-missing", "is empty"
        if data.partition_key != getattr(data, self.rule.orders_by, None):
            yield "partition_key", "key-mismatch", f"{self.rule.name} is keyed by {self.rule.orders_by}; leave it out"
        for broken in rules.violations(self.model.EVENT, data):
            yield broken.path or "data", "rule-violated", f"{broken.code}: {broken.message}"


_CODES = {"missing": "field-missing"}


def _id(source: str, native_id: str, event: str, version: str) -> str:
    try:
        return digest(source, native_id, event, version, LIVE)
    except UnicodeEncodeError:  # half a surrogate pair; the model says so
        return ""

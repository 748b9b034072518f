"""Rule files, `<entity>.toml`, as rules that can be asked: read, fitted to their schemas, all mistakes told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, StringConstraints, model_validator

from schemas import toml
from schemas.catalogue import Entry, Words
from schemas.rules import amounts, lists, presence, relations
from schemas.rules.operands import ROOT, SCALARS, Kind, Misfit, Shape, operand
from schemas.rules.predicate import Check, Literal, Predicate, Scope

Choose = Callable[[Any, Any], bool]
SchemaOf = Callable[[str], Mapping[str, Any]]
"""The Avro schema of an event; raises `LookupError` when there is none."""


class Condition(Entry):
    """When a rule speaks: `{ path = "kind", is = "MILESTONE" }`, `in = [...]`, `not = ...`, or `present = true`.

    A value that is none satisfies `present = false` and nothing else.
    """

    path: str
    value: Literal | None = Field(default=None, alias="is")
    among: tuple[Literal, ...] = Field(default=(), alias="in", strict=False)
    other_than: Literal | None = Field(default=None, alias="not")
    present: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Condition:
        given = [self.value is not None, bool(self.among), self.other_than is not None, self.present is not None]
        if sum(given) != 1:
            raise ValueError("a condition has one of is, in, not, present")
        return self

    def fit(self, scope: Scope) -> Choose:
        if self.present is not None:
            there, wanted = scope.one(self.path, tuple(Kind)), self.present
            read = there.value() if there else None
            return lambda event, element: read is not None and (read(event, element) is not None) is wanted
        found = scope.one(self.path, SCALARS)
        if found is None:
            return lambda event, element: False
        given = [each for each in (self.value, self.other_than, *self.among) if each is not None]
        values, value, denied = (
            {scope.literal(each, found) for each in given},
            found.value(),
            self.other_than is not None,
        )

        def choose(event: Any, element: Any) -> bool:
            here = value(event, element)
            return here is not None and (here in values) is not denied

        return choose

    def words(self) -> str:
        if self.present is not None:
            return f"`{self.path}` is {'given' if self.present else 'none'}"
        if self.other_than is not None:
            return f"`{self.path}` is not {self.other_than}"
        return f"`{self.path}` is {' or '.join(str(each) for each in self.among or (self.value,))}"


class Rule(Entry):
    """One rule of one or more events of an entity: a code for ever, a sentence, and one predicate."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)+$", max_length=60)]
    """Never renamed once used: it is in dead letters and in people's runbooks."""
    events: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    message: Words
    """What is wrong when it is broken, in the words of whoever must put it right."""
    each: str = ""
    """List of which every element is asked; paths then begin at the element, or with `$.` at the event."""
    when: tuple[Condition, ...] = Field(default=(), strict=False)
    """All of them must be so; else the rule holds."""
    broken_by: Annotated[dict[str, Any], Field(min_length=1)]
    """What breaks it in an example that is right: path -> value as JSON has it. Proves that the rule can fail."""

    sum: amounts.Sum | None = None
    product: amounts.Product | None = None
    sums_by: amounts.SumsBy | None = None
    same: relations.Same | None = None
    compare: relations.Compare | None = None
    inside: relations.Inside | None = None
    ascending: relations.Ascending | None = None
    apart: relations.Apart | None = None
    local_date: relations.LocalDate | None = None
    required: presence.Required | None = None
    absent: presence.Absent | None = None
    exactly_one: presence.ExactlyOne | None = None
    at_most_one: presence.AtMostOne | None = None
    at_least_one: presence.AtLeastOne | None = None
    all_or_none: presence.AllOrNone | None = None
    unique: lists.Unique | None = None
    listed: lists.Listed | None = None
    among: lists.Among | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_condition(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("when"), dict):
            return {**given, "when": [given["when"]]}
        return given

    @model_validator(mode="after")
    def _one_predicate(self) -> Rule:
        found = [name for name in PREDICATES if getattr(self, name) is not None]
        if len(found) != 1:
            raise ValueError(f"a rule has one predicate, not {', '.join(found) or 'none'}; the words are {WORDS}")
        return self

    @property
    def predicate(self) -> Predicate:
        found: Predicate = next(filter(None, (getattr(self, name) for name in PREDICATES)))
        return found

    def words(self) -> str:
        """What must hold, for the catalogue."""
        when = f"When {' and '.join(each.words() for each in self.when)}: " if self.when else ""
        each = f"For each of `{self.each}`: " if self.each else ""
        return f"{each}{when}{self.predicate.words()}."


PREDICATES = tuple(name for name, info in Rule.model_fields.items() if info.default is None)
"""The words of the vocabulary."""

WORDS = ", ".join(PREDICATES)


class Violation(NamedTuple):
    """A rule that an event breaks. The message tells no value of a personal or confidential field."""

    code: str
    path: str
    """Where, e.g. `lines[2].amount.amount`."""
    message: str


@dataclass(frozen=True)
class Fitted:
    """A rule that fits the schema of one event."""

    rule: Rule
    check: Check
    choose: Choose | None
    elements: Callable[[Any, Any], Sequence[Any]] | None
    places: Callable[[Any, Any], list[str]] | None

    def violations(self, event: Any) -> Sequence[Violation]:
        """Every place at which an event breaks it."""
        if self.elements is None:
            if self.choose is not None and not self.choose(event, event):
                return ()
            faults = self.check(event, event)
            return [self._violation(place, says) for place, says in faults] if faults else ()
        found: list[Violation] = []
        for index, element in enumerate(self.elements(event, event)):
            if self.choose is not None and not self.choose(event, element):
                continue
            for place, says in self.check(event, element):
                prefix = "" if place.startswith(ROOT) else self._place(event, index)
                found.append(self._violation(prefix + place, says))
        return found

    def _place(self, event: Any, index: int) -> str:
        return f"{self.places(event, event)[index]}." if self.places else ""

    def _violation(self, place: str, says: str) -> Violation:
        place = place.removeprefix(ROOT)
        return Violation(self.rule.code, place, f"{self.rule.message} At {place}: {says}.")


@dataclass(frozen=True)
class Book:
    """All rules, by event."""

    rules: tuple[Rule, ...]
    by_event: Mapping[str, tuple[Fitted, ...]]

    def violations(self, event: str, data: Any) -> tuple[Violation, ...]:
        """Every violation of every rule of an event, in the order of the rule files."""
        told: list[Violation] = []
        for fitted in self.by_event.get(event, ()):
            told += fitted.violations(data)
        return tuple(told)


def fit(rule: Rule, shape: Shape) -> Fitted:
    """A rule fitted to the schema of one event. Raises `Misfit`; its message has a line for every mistake."""
    element = shape
    elements = places = None
    if rule.each:
        listed = operand(rule.each, shape, shape)
        if not rule.each.endswith("[]") or listed.inner is None:
            raise Misfit(f"each = {rule.each!r} is no list of records; write e.g. lines[]")
        element, elements, places = listed.inner, listed.values(), listed.places
    scope = Scope(element, shape)
    chooses = [each.fit(scope) for each in rule.when]
    check = rule.predicate.fit(scope)
    if scope.mistakes:
        raise Misfit("\n".join(dict.fromkeys(scope.mistakes)))
    return Fitted(rule, check, _all(chooses), elements, places)


def _all(chooses: Sequence[Choose]) -> Choose | None:
    if len(chooses) < 2:
        return chooses[0] if chooses else None
    return lambda event, element: all(choose(event, element) for choose in chooses)


def read(folder: Path, schema_of: SchemaOf) -> Book:
    """The rule files of a folder. Raises `toml.FileError`, a line for every mistake in all of them."""
    return book({path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.toml"))}, schema_of)


def book(texts: Mapping[str, str], schema_of: SchemaOf) -> Book:
    """Rule files by entity as a book. Raises `toml.FileError`, a line for every mistake in all of them."""
    mistakes: list[str] = []
    rules: list[Rule] = []
    for entity, text in texts.items():
        try:
            found = toml.read(text, _File, f"{entity}.toml").rule
        except toml.FileError as error:
            mistakes += str(error).splitlines()
            continue
        rules += found
        mistakes += [
            f"{entity}.toml: {rule.code}: {event} is no event of this file; its rules stand in {_entity(event)}.toml"
            for rule in found
            for event in rule.events
            if _entity(event) != entity
        ]
    mistakes += _twice(rules)
    by_event: dict[str, list[Fitted]] = {}
    shape_of = cache(lambda event: Shape.of(schema_of(event)))
    for rule in rules:
        for event in rule.events:
            try:
                by_event.setdefault(event, []).append(fit(rule, shape_of(event)))
            except (Misfit, LookupError) as error:
                where = f"{_entity(event)}.toml: {rule.code} on {event}: "
                mistakes += [where + line for line in str(error).splitlines()]
    if mistakes:
        raise toml.FileError("\n".join(mistakes))
    return Book(tuple(rules), {event: tuple(fitted) for event, fitted in by_event.items()})


class _File(Entry):
    rule: tuple[Rule, ...] = Field(strict=False)


def _entity(event: str) -> str:
    return event.removeprefix("enriched.").partition(".")[0]


def _twice(rules: Iterable[Rule]) -> list[str]:
    listed = [rule.code for rule in rules]
    twice = sorted({code for code in listed if listed.count(code) > 1})
    return [f"{code}: two rules have this code; a code means one rule for ever" for code in twice]

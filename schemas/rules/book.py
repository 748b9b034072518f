"""Rule files, `<entity>.toml`, as rules that can be asked: read, fitted to their schemas, all mistakes told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from schemas import toml
from schemas.catalogue import Entry, Words
from schemas.rules import amounts, lists, presence, relations
from schemas.rules.across import LookUps, Named, Names, States, names, said
from schemas.rules.condition import Choose, Condition
from schemas.rules.operands import NAMED, ROOT, Misfit, Shape, operand
from schemas.rules.predicate import Check, Predicate, Scope

F = TypeVar("F", bound="Fitted | Across")
SchemaOf = Callable[[str], Mapping[str, Any]]
"""The Avro schema of an event; raises `LookupError` when there is none."""


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

    _against: Mapping[str, Named] = PrivateAttr(default_factory=dict)

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
    def against(self) -> Mapping[str, Named]:
        """The objects that it speaks of besides the event, by the names that its file has for them."""
        return self._against

    def given(self, names: Mapping[str, Named]) -> Rule:
        """The rule with what its file says of the objects that it speaks of. Raises `Misfit` for one it has not."""
        spoken = set(_NAME.findall(self.model_dump_json(include=_WITH_PATHS)))
        if unknown := sorted(spoken - set(names)):
            has = f"it has {', '.join(sorted(names))}" if names else "it has none"
            raise Misfit(f"@{unknown[0]} is no name of this file; write [names.{unknown[0]}] into it ({has})")
        self._against = {name: what for name, what in names.items() if name in spoken}
        return self

    @property
    def predicate(self) -> Predicate:
        found: Predicate = next(filter(None, (getattr(self, name) for name in PREDICATES)))
        return found

    def words(self) -> str:
        """What must hold, for the catalogue."""
        beside = said(self.against)
        when = f"When {' and '.join(each.words() for each in self.when)}: " if self.when else ""
        each = f"For each of `{self.each}`: " if self.each else ""
        return f"{beside}{each}{when}{self.predicate.words()}."


_NAME = re.compile(rf'"-?{NAMED}([a-z]+)\.')
PREDICATES = tuple(name for name, info in Rule.model_fields.items() if info.default is None)
"""The words of the vocabulary."""

WORDS = ", ".join(PREDICATES)
_WITH_PATHS = {*PREDICATES, "when", "each"}


class Violation(NamedTuple):
    """A rule that an event breaks. The message tells no value of a personal or confidential field."""

    code: str
    path: str
    """Where, e.g. `lines[2].amount.amount`, or `@assignment.end_date` in an object that the event names."""
    message: str


@dataclass(frozen=True)
class Fitted:
    """A rule that fits the schema of one event."""

    rule: Rule
    check: Check
    choose: Choose | None
    elements: Callable[[Any, Any], Sequence[Any]] | None
    places: Callable[[Any, Any], list[str]] | None
    reads: tuple[str, ...]
    """The paths at which it looks."""

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
class Across:
    """A rule about an event and objects that it names, fitted to the event and to each state the objects may be in."""

    rule: Rule
    names: Names
    fitted: Mapping[States, Fitted]

    def violations(self, event: Any, look_ups: LookUps) -> Sequence[Violation]:
        """Every place at which the event and what it names do not agree. Asks only with a look-up for all of it."""
        if not self.names.entities <= look_ups.keys():
            return ()
        found = self.names.beside(event, look_ups)
        if found is None or found[0] not in self.fitted:
            return ()
        states, view = found
        return self.fitted[states].violations(view)

    def reads(self, event: str) -> Iterator[tuple[str, str]]:
        """Event and path of each field at which it looks, for an event that it is asked of."""
        for what in self.rule.against.values():
            yield event, what.by
        for states, fitted in self.fitted.items():
            of = dict(zip(self.rule.against, states, strict=True))
            for path in fitted.reads:
                name, _, inside = path.removeprefix(NAMED).partition(".")
                yield (of[name], inside) if path.startswith(NAMED) else (event, path.removeprefix(ROOT))


@dataclass(frozen=True)
class Book:
    """All rules, by event: those about the event alone, and those about what it names."""

    rules: tuple[Rule, ...]
    by_event: Mapping[str, tuple[Fitted, ...]]
    across: Mapping[str, tuple[Across, ...]]

    def violations(self, event: str, data: Any) -> tuple[Violation, ...]:
        """Every violation of every rule about an event alone, in the order of the rule files."""
        told: list[Violation] = []
        for fitted in self.by_event.get(event, ()):
            told += fitted.violations(data)
        return tuple(told)

    def disagreements(self, event: str, data: Any, look_ups: LookUps) -> tuple[Violation, ...]:
        """The same of the rules about an event and what it names, as far as that can be looked up."""
        told: list[Violation] = []
        once = {name: cache(look_up) for name, look_up in look_ups.items()}
        for rule in self.across.get(event, ()):
            told += rule.violations(data, once)
        return tuple(told)

    def among(self, events: Iterable[tuple[str, Any]]) -> LookUps:
        """Look-ups among the data of events: an object is in the state of its highest version."""
        kept = {event for rule in self.rules for what in rule.against.values() for event in what.kept_as}
        states = [(dict(data), event, data) for event, data in events if event in kept]
        found: dict[str, dict[str, tuple[str, Any]]] = {event.partition(".")[0]: {} for event in kept}
        for head, event, data in sorted(states, key=lambda state: (state[0]["sequence"], state[0]["revision"])):
            found[event.partition(".")[0]][head["aggregate_id"]] = event, data
        return {entity: of.get for entity, of in found.items()}

    def of(self, event: str) -> tuple[Rule, ...]:
        """The rules of one event, those about it alone first."""
        alone = (fitted.rule for fitted in self.by_event.get(event, ()))
        return (*alone, *(across.rule for across in self.across.get(event, ())))


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
    return Fitted(rule, check, _all(chooses), elements, places, tuple(found.text for found in scope.read))


def fit_across(rule: Rule, shape: Shape, shape_of: Callable[[str], Shape]) -> Across:
    """A rule fitted to an event and to what it names. Raises as `fit`, and `LookupError` for an event that is none."""
    asked = names(rule.against, shape, shape_of)
    return Across(rule, asked, {states: fit(rule, wide) for states, wide in asked.shapes.items()})


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
            file = toml.read(text, _File, f"{entity}.toml")
        except toml.FileError as error:
            mistakes += str(error).splitlines()
            continue
        found = file.rule
        for rule in found:
            try:
                rules.append(rule.given(file.names))
            except Misfit as error:
                mistakes.append(f"{entity}.toml: {rule.code}: {error}")
        spoken = {name for rule in found for name in rule.against}
        mistakes += [f"{entity}.toml: names.{name}: no rule speaks of it" for name in sorted(set(file.names) - spoken)]
        mistakes += [
            f"{entity}.toml: {rule.code}: {event} is no event of this file; its rules stand in {_entity(event)}.toml"
            for rule in found
            for event in rule.events
            if _entity(event) != entity
        ]
    mistakes += _twice(rules)
    by_event: dict[str, list[Fitted]] = {}
    across: dict[str, list[Across]] = {}
    shape_of = cache(lambda event: Shape.of(schema_of(event)))
    for rule in rules:
        for event in rule.events:
            try:
                if rule.against:
                    across.setdefault(event, []).append(fit_across(rule, shape_of(event), shape_of))
                else:
                    by_event.setdefault(event, []).append(fit(rule, shape_of(event)))
            except (Misfit, LookupError) as error:
                where = f"{_entity(event)}.toml: {rule.code} on {event}: "
                mistakes += [where + line for line in str(error).splitlines()]
    if mistakes:
        raise toml.FileError("\n".join(mistakes))
    return Book(tuple(rules), _frozen(by_event), _frozen(across))


def _frozen(found: Mapping[str, list[F]]) -> Mapping[str, tuple[F, ...]]:
    return {event: tuple(fitted) for event, fitted in found.items()}


class _File(Entry):
    rule: tuple[Rule, ...] = Field(strict=False)
    names: dict[Annotated[str, StringConstraints(pattern="^[a-z]+$")], Named] = Field(default_factory=dict)


def _entity(event: str) -> str:
    return event.removeprefix("enriched.").partition(".")[0]


def _twice(rules: Iterable[Rule]) -> list[str]:
    listed = [rule.code for rule in rules]
    twice = sorted({code for code in listed if listed.count(code) > 1})
    return [f"{code}: two rules have this code; a code means one rule for ever" for code in twice]

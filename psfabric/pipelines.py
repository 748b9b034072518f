"""Pipeline files: what runs. TOML in, adapters with their settings out; every mistake is named at once.

An adapter is found by module name (`use = "jira"` is the one concrete class of `producers/jira.py`); nothing
registers itself. `${NAME}` in a setting is taken from the environment, so that secrets never lie in a file.
"""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

import schemas
from psfabric.adapters import Component, Guard, Polled, Processor, Sink, Source, Thin, Webhook
from psfabric.engine import Limit
from psfabric.errors import Misconfigured
from psfabric.wiring import misfits

NAME = r"^[a-z][a-z0-9-]{1,60}$"
VARIABLE = re.compile(r"\$\{([^}]*)\}")
KINDS: dict[str, tuple[str, type[Component]]] = {
    "source": ("producers", Source),
    "processor": ("processors", Processor),
    "sink": ("sinks", Sink),
}

C = TypeVar("C", bound=Component)


class DeadLetterLimit(BaseModel):
    """When so much is buried that the component stops: `ratio` of the `last` records, or `in_row` one after another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ratio: float = Field(default=Limit().ratio, gt=0, le=1)
    last: int = Field(default=Limit().last, ge=1, le=100_000)
    in_row: int = Field(default=Limit().in_row, ge=1, le=100_000)


class Instance(BaseModel):
    """One table of a pipeline file. `rate` is calls a second ("20/s"), `in_flight` calls open at once, `timeout` the
    seconds one request to the system may take. `barrier`: later records of a key wait behind one that is held or dead
    (sinks: yes unless said otherwise); `barrier_except`: event types that do not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME)
    use: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    settings: dict[str, Any] = {}
    rate: str = Field(default="", pattern=r"^([0-9]+(\.[0-9]+)?/s)?$")
    in_flight: int = Field(default=0, ge=0, le=256)
    barrier: bool | None = None
    barrier_except: tuple[str, ...] = ()
    timeout: float = Field(default=0.0, ge=0, le=120)
    limit: DeadLetterLimit = DeadLetterLimit()

    @field_validator("barrier_except")
    @classmethod
    def _events(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        for event in named:
            if event not in schemas.events():
                raise ValueError(f"{event!r} is no event type{_nearest(event, schemas.events())}")
        return named

    @field_validator("rate")
    @classmethod
    def _some_rate(cls, rate: str) -> str:
        if rate and not float(rate.removesuffix("/s")):
            raise ValueError("a rate of nothing would never deliver; leave it out for no limit")
        return rate

    @property
    def dead_letter_limit(self) -> Limit:
        return Limit(self.limit.ratio, self.limit.last, self.limit.in_row)

    @property
    def unbarred(self) -> frozenset[str]:
        """The `ce_type`s that the key barrier lets pass."""
        return frozenset(schemas.model(event).CE_TYPE for event in self.barrier_except)

    @property
    def per_second(self) -> float:
        return float(self.rate.removesuffix("/s")) if self.rate else 0.0


@dataclass(frozen=True)
class Declared(Generic[C]):
    """An instance and its adapter, ready to be given an HTTP client."""

    instance: Instance
    adapter: C


@dataclass(frozen=True)
class Pipelines:
    """Everything the pipeline files of one installation declare."""

    sources: tuple[Declared[Source], ...] = ()
    processors: tuple[Declared[Processor], ...] = ()
    sinks: tuple[Declared[Sink], ...] = ()
    files: tuple[Path, ...] = field(default=())

    def topics(self, partitions: int | None = None) -> list[schemas.Topic]:
        return schemas.topics().concrete(
            {d.adapter.name: isinstance(d.adapter, Thin) for d in self.sources},
            [d.adapter.name for d in self.processors],
            [d.adapter.name for d in self.sinks],
            partitions,
            [topic.removeprefix("ingress.") for guard in self.guards() for topic in guard.inputs()],
        )

    def inputs(self) -> dict[str, tuple[str, ...]]:
        """Component -> the topics it reads besides its redo, in the order of the road."""
        found: dict[str, tuple[str, ...]] = {}
        for source in (d.adapter for d in self.sources):
            thin = isinstance(source, Thin)
            if thin:
                found[f"{source.name}.hydrate"] = (f"raw.{source.name}",)
            found[source.name] = (f"{'full' if thin else 'raw'}.{source.name}",)
        for processor in (d.adapter for d in self.processors):
            if isinstance(processor, Guard):
                found[processor.name] = tuple(processor.inputs())
            else:
                found[processor.name] = tuple(dict.fromkeys(schemas.model(t).TOPIC for t in processor.accepts))
        for sink in (d.adapter for d in self.sinks):
            found[sink.name] = (f"deliver.{sink.name}",)
        return found

    def webhooks(self) -> dict[str, Webhook]:
        return {d.adapter.name: d.adapter for d in self.sources if isinstance(d.adapter, Webhook)}

    def polled(self) -> list[Polled]:
        return [d.adapter for d in self.sources if isinstance(d.adapter, Polled)]

    def guards(self) -> list[Guard]:
        return [d.adapter for d in self.processors if isinstance(d.adapter, Guard)]

    def creatable(self) -> frozenset[str]:
        """Entities that some processor of these pipelines keeps, so that waiting for one makes sense."""
        return frozenset(entity for d in self.processors for entity in d.adapter.keeps)


def load(folder: Path, env: Mapping[str, str]) -> Pipelines:
    """Read every *.toml of `folder`. Raises Misconfigured with all mistakes."""
    files = tuple(sorted(folder.glob("*.toml")))
    if not files:
        raise Misconfigured([f"no pipeline file (*.toml) in {folder.resolve()}; set PSF_PIPELINES"])
    mistakes: list[str] = []
    found: dict[str, list[Declared[Any]]] = {kind: [] for kind in KINDS}
    unread: set[str] = set()
    for path in files:
        for kind, table in _tables(path, mistakes):
            if kind == "sink":
                unread.add(str(table.get("name")))
            declared = _declare(path, kind, table, env, mistakes)
            if declared is not None:
                found[kind].append(declared)
    mistakes += _twins([d.instance.name for kind in KINDS for d in found[kind]])
    whole = Pipelines(tuple(found["source"]), tuple(found["processor"]), tuple(found["sink"]), files)
    mistakes += misfits(whole, unread - {d.instance.name for d in whole.sinks})
    if mistakes:
        raise Misconfigured(mistakes)
    return whole


def discover(package: str, base: type[C]) -> dict[str, type[C]]:
    """Module name -> its one concrete adapter class, for every module of a package that has one."""
    root = Path(inspect.getfile(importlib.import_module(package))).parent
    found = {}
    for path in sorted(root.glob("*.py")):
        classes = (
            list(_concrete(importlib.import_module(f"{package}.{path.stem}"), base)) if path.stem[0] != "_" else []
        )
        if len(classes) == 1:
            found[path.stem] = classes[0]
    return found


def _concrete(module: Any, base: type[C]) -> Iterator[type[C]]:
    for value in vars(module).values():
        here = inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.__name__
        if here and not inspect.isabstract(value):
            yield value


def _tables(path: Path, mistakes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        mistakes.append(f"{path.name}: cannot be read: {error.strerror}")
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        mistakes.append(f"{path.name}: not TOML: {error}")
        return
    for kind, tables in document.items():
        if kind not in KINDS:
            mistakes.append(f"{path.name}: [[{kind}]] is unknown{_nearest(kind, KINDS)}")
        elif not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            mistakes.append(f"{path.name}: write [[{kind}]], with two brackets")
        else:
            yield from ((kind, table) for table in tables)


def _declare(
    path: Path, kind: str, table: dict[str, Any], env: Mapping[str, str], mistakes: list[str]
) -> Declared[Any] | None:
    where = f"{path.name}: {kind} {table.get('name', '?')!r}"
    try:
        instance = Instance.model_validate(table)
    except ValidationError as error:
        mistakes += _explained(where, error, Instance.model_fields)
        return None
    package, base = KINDS[kind]
    adapters = discover(package, base)
    adapter = adapters.get(instance.use)
    if adapter is None:
        mistakes.append(f"{where}: use = {instance.use!r} is no module of {package}/{_nearest(instance.use, adapters)}")
        return None
    wrong: dict[str, list[str]] = {name: [] for name in instance.settings}
    values = {name: _substituted(value, env, wrong[name]) for name, value in instance.settings.items()}
    mistakes += [f"{where}: {mistake}" for of_setting in wrong.values() for mistake in of_setting]
    try:
        return Declared(instance, adapter(name=instance.name, **values))
    except ValidationError as error:
        unfilled = {name for name, of_setting in wrong.items() if of_setting}
        mistakes += _explained(where, error, adapter.model_fields, unfilled)
        return None


def _substituted(value: Any, env: Mapping[str, str], mistakes: list[str]) -> Any:
    if isinstance(value, dict):
        return {k: _substituted(v, env, mistakes) for k, v in value.items()}
    if isinstance(value, list):
        return [_substituted(v, env, mistakes) for v in value]
    if not isinstance(value, str):
        return value
    for name in VARIABLE.findall(value):
        if not re.fullmatch("[A-Z0-9_]+", name):
            mistakes.append(f"${{{name}}} is no name of the environment; capitals, digits and _ are allowed")
        elif name not in env:
            mistakes.append(f"${{{name}}} is not set in the environment")
    return VARIABLE.sub(lambda m: env.get(m[1], ""), value)


def _explained(
    where: str, error: ValidationError, known: Iterable[str], unfilled: Collection[str] = ()
) -> Iterator[str]:
    """One sentence per mistake, but for settings already known to be `unfilled`.

    Values are not repeated, they may be secrets.
    """
    for mistake in error.errors(include_input=False):
        if mistake["loc"][:1] and mistake["loc"][0] in unfilled:
            continue
        at = ".".join(map(str, mistake["loc"])) or "settings"
        if mistake["type"] == "extra_forbidden":
            yield f"{where}: {at} is not a setting{_nearest(at, known)}"
        elif mistake["type"] == "missing":
            yield f"{where}: {at} is missing"
        else:
            yield f"{where}: {at}: {mistake['msg']}"


def _nearest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else f"; there is {', '.join(sorted(known))}"


def _twins(names: list[str]) -> list[str]:
    return [f"the name {n!r} is used {names.count(n)} times; one name, one component" for n in sorted({*names})
            if names.count(n) > 1]  # fmt: skip

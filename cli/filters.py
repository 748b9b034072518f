"""The options that choose dead letters: the same for `dlq list|stats|export` and `replay plan`."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, cast, get_type_hints

import typer

from cli.options import Codes, Components, Keys, Limit, Since, Types, Until, instant

if TYPE_CHECKING:
    from replay import Selection
    from replay.states import State

P = ParamSpec("P")


def _month(period: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", period):
        raise typer.BadParameter(
            f"{period!r} is no accounting period; write YYYY-MM, e.g. 2026-06", param_hint="--period"
        )
    return period


def _several(text: str) -> Any:
    return typer.Option(help=f"{text}; may be repeated")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """As typed; all that are given must fit."""

    component: Components = None
    code: Codes = None
    type: Types = None
    key: Keys = None
    id: Annotated[list[str] | None, _several("only this business id, as `psfabric where` takes it")] = None
    client: Annotated[list[str] | None, _several("only this client id")] = None
    entity: Annotated[list[str] | None, _several("only this legal entity")] = None
    period: Annotated[list[str] | None, _several("only this accounting period, YYYY-MM")] = None
    incident: Annotated[list[str] | None, _several("only this incident")] = None
    state: Annotated[list[str] | None, _several("only in this state: open, replayed, failed-again, …")] = None
    since: Since = None
    until: Until = None
    limit: Limit = None

    def selection(self) -> Selection:
        """Raises typer.BadParameter for a value that is none, NotThere for an event type that does not exist."""
        from replay import Selection

        since, until = instant(self.since, "--since"), instant(self.until, "--until")
        if since and until and since >= until:
            raise typer.BadParameter(
                "nothing lies between --since and an --until that is not later", param_hint="--until"
            )
        return Selection(
            component=tuple(self.component or ()),
            code=tuple(self.code or ()),
            type=tuple(map(_event, self.type or ())),
            key=tuple(self.key or ()),
            id=tuple(self.id or ()),
            client=tuple(self.client or ()),
            entity=tuple(self.entity or ()),
            period=tuple(map(_month, self.period or ())),
            incident=tuple(self.incident or ()),
            state=tuple(map(_state, self.state or ())),
            since=since,
            until=until,
            limit=self.limit,
        )


def filtered(command: Callable[Concatenate[Filters, P], None]) -> Callable[..., None]:
    """A command whose first parameter is all these options together."""
    options = get_type_hints(Filters, include_extras=True)
    rest = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
        for name, hint in options.items()
    ]
    parameters = [*named, *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in rest)]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        filters = Filters(**{name: given.pop(name) for name in options})
        cast(Callable[..., None], command)(filters, **given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _event(name: str) -> str:
    import schemas
    from replay import NotThere

    try:
        return schemas.model(name).EVENT
    except schemas.UnknownEvent as error:
        raise NotThere(str(error)) from None


def _state(text: str) -> State:
    from replay.states import State

    try:
        return State(text.replace("-", " "))
    except ValueError:
        allowed = ", ".join(state.replace(" ", "-") for state in State)
        raise typer.BadParameter(
            f"{text!r} is no state of a dead letter; there is {allowed}", param_hint="--state"
        ) from None

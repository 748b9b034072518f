"""A replay plan as people see it, shared by `replay plan` and `replay apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import show

if TYPE_CHECKING:
    from replay import Plan


def printed(made: Plan) -> None:
    from cli import from_source

    show.table(("component", "code", "records"), [(c.component or "-", c.code or "-", c.records) for c in made.counts])
    if made.remapped is not None:
        from_source.table(made.remapped)
    if made.worth:
        columns = ("legal entity", "client", "currency", "period", "records", "seconds", "hours", "money")
        show.table(columns, [list(each.model_dump().values()) for each in made.worth])
    if made.without_worth:
        show.say(f"{made.without_worth} records are no events, or cannot be read: their time and money is not known.")
    show.say(f"Targets touched: {', '.join(made.targets) or 'none directly'}. Plan {made.hash[:16]}.")
    for warning in made.warnings:
        show.say(f"Note: {warning}.")


def question(made: Plan, left: int) -> str:
    """What is asked before it is sent; of what is delivered already and would be corrected, the difference."""
    from cli.from_source import corrections

    corrected = corrections(made.remapped) if made.remapped is not None else ""
    return (f"{corrected}. " if corrected else "") + f"Send {left} of {len(made.entries)} records again?"

"""`psfabric schema show`: one event, field by field. It touches no system."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show
from cli.options import Format, Output

if TYPE_CHECKING:
    from schemas.contract import EventName

Event = Annotated[str, typer.Argument(metavar="EVENT", help="such as time.TimeApproved, or enriched.time.TimeApproved")]
Part = Annotated[str | None, typer.Argument(metavar="FIELD", help="only this field, and what is in it: lines[].amount")]
_LINK = re.compile(r"\[([^]]+)\]\([^)]*\)")


def register(app: typer.Typer) -> None:
    app.command("show", epilog="Example: psfabric schema show invoice.InvoicePosted 'lines[]'")(describe)


def describe(event: Event, part: Part = None, output: Output = Format.TABLE) -> None:
    """Show what an event means: its topic and owner, each field with unit and protection, the rules between them."""
    import schemas
    from cli.impact import known
    from schemas import rules
    from schemas.review.reach import plain_path

    known(event, part or "")
    name, schema = schemas.name_of(event), schemas.avro(event)
    asked = plain_path(part or "")
    every = list(rows(schema["fields"]))
    fields = [row for row in every if f"{plain_path(row['path'])}.".startswith(f"{asked}.")] if asked else every
    found = () if part else rules.of(event)
    told = {
        "event": event,
        "ce_type": name.ce_type,
        "subject": name.subject,
        "doc": schema["doc"],
        **_topic(name),
        "fields": fields,
        "rules": [{"code": rule.code, "holds": rule.words(), "message": rule.message} for rule in found],
    }
    if output is Format.JSON:
        show.as_json(told)
        return
    show.say(f"{told['doc']}\n\n{told['ce_type']} on {told['topic']}, key: {told['key']}; owner: {told['owner']}")
    show.table(
        ("field", "type", "unit", "protection", "meaning"),
        [(row["path"], row["type"], row["unit"] or "-", row["classification"], row["doc"]) for row in fields],
    )
    if found:
        show.table(("rule", "what holds"), [(rule.code, rule.words()) for rule in found])


def rows(fields: Any, before: str = "") -> Iterator[dict[str, Any]]:
    """Each field and what is in it, by path, as the file has them: type in words, unit, protection, default, meaning.

    A type that is used in several places is opened in each of them.
    """
    from schemas.pages import tables

    for each in fields:
        path = before + each["name"]
        inner, step = _opened(each["type"])
        symbols = inner["symbols"] if inner is not None and inner["type"] == "enum" else []
        of = f": {', '.join(symbols)}" if symbols else ""
        yield {
            "path": path,
            "type": _LINK.sub(r"\1", tables.in_words(each["type"], each)) + of,
            "unit": each.get("unit", ""),
            "classification": each.get("classification", "internal"),
            **({"default": each["default"]} if "default" in each else {}),
            "doc": each["doc"],
        }
        if inner is not None and inner["type"] == "record":
            yield from rows(inner["fields"], f"{path}{step}.")


def _opened(node: Any) -> tuple[Mapping[str, Any] | None, str]:
    """The record or enum that a field holds, and how a path steps into it: `[]` in a list, `{}` in a map."""
    from schemas.pages import tables

    if isinstance(node, list):
        found = [_opened(branch) for branch in node if branch != "null"]
        return next((pair for pair in found if pair[0] is not None), (None, ""))
    if isinstance(node, str):
        return (tables.types().get(node.rpartition(".")[2]), "") if "." in node else (None, "")
    match node["type"]:
        case "record" | "enum":
            return node, ""
        case "array":
            inner, step = _opened(node["items"])
            return inner, f"[]{step}"
        case "map":
            inner, step = _opened(node["values"])
            return inner, f"{{}}{step}"
    return None, ""


def _topic(name: EventName) -> dict[str, str]:
    import schemas

    catalogue = schemas.topics()
    rule = next(each for each in catalogue.topic if name.event in each.types)
    return {"topic": rule.name, "key": rule.key, "owner": catalogue.owners[rule.owner].team}

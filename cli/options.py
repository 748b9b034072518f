"""Options that several verbs share: the same name, the same meaning, everywhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


def _said(reason: str) -> str:
    if not reason.strip():
        raise typer.BadParameter("say why; it is kept in the audit trail")
    return reason.strip()


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


Output = Annotated[Format, typer.Option("--output", help="table for people, json for programs")]
Components = Annotated[list[str] | None, typer.Option("--component", help="only this component; may be repeated")]
Codes = Annotated[list[str] | None, typer.Option("--code", help="only this code; may be repeated")]
Types = Annotated[list[str] | None, typer.Option("--type", help="only this event type, e.g. time.TimeApproved")]
Keys = Annotated[list[str] | None, typer.Option("--key", help="only this Kafka key or aggregate id")]
Since = Annotated[str | None, typer.Option(help="failed at or after: 2026-06-30, an instant, or 90m, 2h, 3d ago")]
Until = Annotated[str | None, typer.Option(help="failed before: as --since")]
Limit = Annotated[int | None, typer.Option(min=1, help="at most this many, the oldest first")]
Topic = Annotated[
    str | None, typer.Option("--topic", help="dead letters in this topic, of whichever framework, instead of our own")
]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be done, change nothing")]
Reason = Annotated[str, typer.Option(help="why, for the audit trail")]
Why = Annotated[str, typer.Option("--reason", callback=_said, help="why, for the audit trail")]
Reveal = Annotated[bool, typer.Option("--reveal", help="show personal and confidential values")]
Rate = Annotated[str, typer.Option(help="records a second, e.g. 50 or 50/s; 0 is as fast as the broker takes them")]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="file written by `psfabric replay plan`")]

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def instant(text: str | None, option: str, now: datetime | None = None) -> datetime | None:
    """An aware instant; without a zone it is meant in UTC."""
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    if ago:
        return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date, instant or age (90m, 2h, 3d)", param_hint=option) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def per_second(text: str) -> float:
    """`50/s`, `50` or `0.5`."""
    if not re.fullmatch(r"\d+(\.\d+)?(/s)?", text):
        raise typer.BadParameter(f"{text!r} is no rate; write 50/s", param_hint="--rate")
    return float(text.removesuffix("/s"))

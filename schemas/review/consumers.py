"""Who reads what: one consumer of events, and those outside of this repository, which `consumers.toml` declares.

[[consumer]]
name = "warehouse"
owner = "Data platform"
contact = "data-platform@acme.example"
groups = ["warehouse-loader"]

[consumer.reads]
"time.TimeApproved" = ["worked_seconds", "work_date"]
"invoice.InvoicePosted" = ["*"]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas import toml
from schemas.review.declared import Words, refusing
from schemas.review.files import BadSchema

NAME = "consumers.toml"
FILE = Path(__file__).resolve().parent.parent / NAME
"""Those of this repository."""
ALL = "*"
"""Instead of fields: every field, also one that is added."""

Reads = Mapping[str, tuple[str, ...]]
"""Event -> fields, by path: `rates.hourly_rate.amount` is the same whether `rates` is a record, a list or a map."""


@dataclass(frozen=True)
class Consumer:
    """A reader of events. The head of an event (its first eight fields) is read by all and is not listed."""

    name: str
    kind: str
    """`processor`, `sink` or `external`."""
    reads: Reads
    hands_on: Reads = field(default_factory=dict)
    """Event -> events that it makes of it, into which fields of the same name are copied."""
    owner: str = ""
    contact: str = ""
    groups: tuple[str, ...] = ()


Path_ = Annotated[str, StringConstraints(pattern=r"^(\*|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)$")]
Event = Annotated[str, StringConstraints(pattern=r"^(enriched\.)?[a-z]+\.[A-Z][A-Za-z]+$")]


class External(BaseModel):
    """A system outside of this repository that reads our topics."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    owner: Words
    contact: Words
    """Where the owner is told of a change."""
    groups: tuple[str, ...] = ()
    """Consumer groups, as the broker knows them."""
    reads: dict[Event, tuple[Path_, ...]] = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    consumer: tuple[External, ...] = ()


def external(path: Path) -> tuple[Consumer, ...]:
    """The consumers that a file declares; none where it is not there. Raises `BadSchema`: a mistake, a name twice."""
    try:
        with refusing():
            found = toml.read(path.read_text(encoding="utf-8"), _File, path.name).consumer
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSchema(f"{path}: it cannot be read: {error}") from None
    names = [each.name for each in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadSchema(*(f"{path.name}: {name} is declared twice" for name in twice))
    return tuple(
        Consumer(each.name, "external", each.reads, owner=each.owner, contact=each.contact, groups=each.groups)
        for each in found
    )


def stale(consumer: Consumer, fields: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """Event and field ("" for the event itself) that a consumer is said to read and that are not there.

    fields: event -> every path in it, as `fields_of` gives them.
    """
    for event, paths in consumer.reads.items():
        if event not in fields:
            yield event, ""
        else:
            yield from ((event, path) for path in paths if path != ALL and path not in fields[event])

"""From the filter options to dead letters: shared by `dlq list|stats|export` and `replay plan`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import schemas
from cli import show
from cli.installation import Installation
from replay import Catalogue, DeadLetter, Selection, catalogue
from replay.errors import nearest
from replay.states import UNSETTLED


def chosen(where: Installation, wanted: Selection) -> list[DeadLetter]:
    """The unsettled dead letters that fit, or those in the wanted states. Raises NotThere as `catalogued` does."""
    wanted = unsettled(wanted)
    with catalogued(where, wanted) as found:
        return list(found.letters(wanted))


def unsettled(wanted: Selection) -> Selection:
    """Without a state asked for: those that still want somebody's eye."""
    return wanted if wanted.state else replace(wanted, state=tuple(UNSETTLED))


@contextlib.contextmanager
def catalogued(where: Installation, wanted: Selection, *, worth: bool = False) -> Iterator[Catalogue]:
    """The dead letters of the components wanted, read to their end with progress on standard error.

    Values are decoded for `worth` and for filters on content only. Raises NotThere for a component or code that does
    not exist; Transient when a filter on content cannot be answered because the schema registry is away.
    """
    codec = where.codec if worth or wanted.by_content else None
    with catalogue(where.kafka, where.components(wanted.component), codec, show.progress) as found:
        show.progress_done()
        known = {*schemas.codes(), *found.codes()}
        for code in wanted.code:
            if code not in known:
                raise nearest("code", code, known)
        if found.away and not wanted.by_content:
            show.tell(f"Time and money are not known of all: {found.away}.")
        yield found
        _unjudged(found, wanted)


def _unjudged(found: Catalogue, wanted: Selection) -> None:
    count = found.unjudged(wanted) if wanted.by_content else 0
    if count:
        show.tell(
            f"{count} more may belong here: they are no events, or cannot be read, so client, legal entity and period "
            "are not known."
        )

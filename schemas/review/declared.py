"""What people declare in TOML beside the schemas (accepted findings, consumers, sunsets …): what is alike in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import StringConstraints

from schemas import toml
from schemas.review.files import BadSchema

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]
"""What a person has to say: a reason, a name, a place."""


@contextmanager
def refusing() -> Iterator[None]:
    """Turns what is wrong with a file into `BadSchema`, with a sentence for each mistake."""
    try:
        yield
    except toml.FileError as error:
        raise BadSchema(*str(error).split("\n")) from None

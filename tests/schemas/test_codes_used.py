"""Every code that product code writes is listed in codes.toml: the list cannot fall behind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import schemas

ROOT = Path(schemas.__file__).parent.parent
PRODUCT = ("psfabric", "producers", "processors", "sinks", "replay", "recon", "cli")
CODED = {"Invalid", "Refused", "Rejected"}
"""Calls whose first argument is a code; besides them every argument that is called `code`."""


def written(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every code written as a literal in Python source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            callee = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            places = [word.value for word in node.keywords if word.arg == "code"]
            places += node.args[:1] if callee in CODED else []
            for place in places:
                if isinstance(place, ast.Constant) and isinstance(place.value, str):
                    yield place.lineno, place.value


@pytest.mark.parametrize("folder", PRODUCT)
def test_every_code_written_is_listed(folder: str) -> None:
    unlisted = [
        f"{path.relative_to(ROOT)}:{line}: {code!r}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, code in written(path.read_text(encoding="utf-8"))
        if code not in schemas.codes()
    ]
    assert unlisted == [], "list the code in schemas/codes.toml, with what to do about it, or use one that is there"


def test_the_walk_finds_codes_however_they_are_written() -> None:
    source = """
raise Invalid("one", "why")
errors.Refused(
    "two", why)
models.Rejected(component=c, code="three")
Held(Parent("project", id))
"""
    assert sorted(code for _, code in written(source)) == ["one", "three", "two"]

"""`python -m schemas.generate [--check]`: write what is generated from the contract, or tell what would change.

First `schemas/models/` from `schemas/avro/`, then the pages in `docs/`: these also say who reads each event, which only
adapters can tell, and adapters import the models.

Exit codes: 0 done or up to date, 1 `--check` found a difference or a schema file is wrong, 2 wrong use.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from schemas import contract
from schemas.contract import EventName, Schema
from schemas.pages import DOCS, parties, written
from schemas.render import collect, module, package

MODELS = Path(__file__).parent / "models"


def files() -> dict[str, str]:
    """What `schemas/models/` must hold: file name -> content."""
    types = collect(_roots())
    modules = sorted({known.module for known in types.values()})
    return {"__init__.py": package(types)} | {f"{name}.py": module(types, name) for name in modules}


def _roots() -> list[tuple[Schema, EventName | None]]:
    events = [(contract.avro(event), name) for event, name in contract.names().items()]
    return [(contract.head_schema(), None), *events]


def changes(wanted: dict[str, str], folder: Path) -> dict[Path, str | None]:
    """Files that differ from what is wanted -> the wanted content; None for a file that must go."""
    different: dict[Path, str | None] = _differing(wanted, folder)
    stale = (path for path in sorted(folder.glob("*.py")) if path.name not in wanted)
    return different | dict.fromkeys(stale, None)


def _differing(wanted: Mapping[str, str], folder: Path) -> dict[Path, str | None]:
    paths = {folder / name: text for name, text in sorted(wanted.items())}
    return {path: text for path, text in paths.items() if not path.exists() or path.read_text(encoding="utf-8") != text}


def apply(different: dict[Path, str | None]) -> None:
    """Make the files so."""
    for path, text in different.items():
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None, folder: Path = MODELS, docs: Path | None = DOCS) -> int:
    """Entry point; prints one line per file and returns the exit code. Without `docs` no pages are made."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas.generate",
        description="models from schemas/avro, and docs/events.md, docs/asyncapi.json",
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 and name each file that would")
    check = parser.parse_args(arguments).check
    try:
        different = changes(files(), folder)
        _settle(different, check)
        if docs is not None and not (check and different):
            pages = _differing(written(parties.declared()), docs)
            _settle(pages, check)
            different |= pages
    except (ValueError, KeyError) as error:
        print(f"schemas: {error}", file=sys.stderr)
        return 1
    return 1 if check and different else 0


def _settle(different: dict[Path, str | None], check: bool) -> None:
    """Write what differs, or only tell of it."""
    if not check:
        apply(different)
    for path, text in different.items():
        verb = "would be removed" if text is None else "would change"
        print(
            f"{path.parent.name}/{path.name} {verb}; run: python -m schemas.generate"
            if check
            else f"{path.parent.name}/{path.name} {'removed' if text is None else 'written'}"
        )


if __name__ == "__main__":
    raise SystemExit(main())

"""What the pages say that a program can check: commands, links, paths, topics, variables.

A command stands in a block fenced as `console`, on a line that begins with `$ `; a comment after `#` is for people.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = [ROOT / name for name in ("schemas/README.md", "sandbox/README.md", "deploy/local/README.md")]
"""READMEs of folders, which have tests of their own; here only links, paths and variables."""

PAGES = [*GUIDES, *ROOMS, ROOT / "deploy/local/tryton/README.md"]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
PSFABRIC = ".venv/bin/psfabric"


@dataclass(frozen=True)
class Command:
    """One documented command line."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(self.words)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(page: Path) -> list[Command]:
    found = []
    for kind, body in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "console":
            lines = [line.strip() for line in body.splitlines()]
            found += [
                Command(name(page), tuple(shlex.split(line[2:], comments=True))) for line in lines if line[:2] == "$ "
            ]
    return found


def inline(page: Path) -> list[str]:
    """What stands between single backticks, outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", page.read_text(encoding="utf-8")))


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """As a Markdown viewer makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def variables(text: str) -> set[str]:
    return set(re.findall(r"\bPSF_[A-Z][A-Z_]+\b", text))

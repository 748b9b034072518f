"""The README of the contract shows code that runs and names that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import schemas

FOLDER = Path(schemas.__file__).parent
TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_code_shown_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert blocks
    for block in blocks:
        subprocess.run([sys.executable, "-c", block], check=True, cwd=FOLDER.parent, timeout=60)


def test_every_event_named_is_an_event() -> None:
    named = set(re.findall(r"`((?:enriched\.)?[a-z]+\.[A-Z][A-Za-z]+)`", TEXT))
    assert named
    assert named <= set(schemas.events())

"""A copy of the contract in which events have a second major, and a Python process that works with that copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas import contract
from schemas.contract import EventName, Schema

ROOT = Path(__file__).resolve().parents[3]

GENERATE = "from schemas.generate import main; raise SystemExit(main([], docs=None))"


@dataclass
class Scratch:
    """`top/schemas` is the package as a next release might have it; everything else is that of this checkout."""

    top: Path

    @classmethod
    def make(cls, folder: Path) -> Scratch:
        shutil.copytree(ROOT / "schemas", folder / "schemas", ignore=shutil.ignore_patterns("__pycache__", "examples"))
        return cls(folder)

    @property
    def avro(self) -> Path:
        return self.top / "schemas/avro"

    def write(self, schema: Schema, event: str, major: int, folder: str = "") -> None:
        path = self.avro / folder / f"{event}_v{major}.avsc"
        path.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")

    def rule(self, file: str, text: str) -> None:
        (self.top / "schemas/upgrades" / file).write_text(text, encoding="utf-8")

    def python(self, code: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Run code with the packages of this scratch before those of the checkout."""
        return self._run(code, "", args)

    def _run(self, code: str, given: str, args: Sequence[str]) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": f"{self.top}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        words = [sys.executable, "-c", code, *args]
        return subprocess.run(
            words, input=given, env=environment, cwd=self.top, capture_output=True, text=True, timeout=100, check=False
        )

    def asked(self, code: str, given: str, *args: str) -> subprocess.CompletedProcess[str]:
        """The same with text on standard input."""
        return self._run(code, given, args)

    def generate(self) -> None:
        made = self.python(GENERATE)
        assert made.returncode == 0, made.stderr


def next_major(event: str, edit: dict[str, Any] | None = None, more: list[Schema] | None = None) -> Schema:
    """The schema of an event as major 2: fields by name that are replaced (None: dropped), and further ones."""
    old = contract.schema_of(contract.names()[event])
    edits = edit or {}
    left = [each for each in old["fields"] if edits.get(each["name"], {}) is not None]
    kept = [{**each, **edits.get(each["name"], {})} for each in left]
    at = next((place for place, each in enumerate(kept) if each["name"] == "extensions"), len(kept))
    name = contract.names()[event]
    space = EventName(name.entity, name.name, 2).subject.rpartition(".")[0]
    return {**old, "namespace": space, "fields": [*kept[:at], *(more or []), *kept[at:]]}

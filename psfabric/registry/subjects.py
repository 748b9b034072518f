"""What the registry holds under each subject, and putting more there: for `psfabric schema register` and `drift`.

Speaks the Confluent-compatible API (v7) as `client` does. Nothing is kept: what is asked for is what is there now.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psfabric.errors import FabricError, Invalid, Transient
from psfabric.http import Response
from psfabric.registry.content import is_record

Fetch = Callable[..., Response]

NOT_THERE = {40401, 40402, 40403, 40404, 40405, 40408, 40409}
"""Error codes by which a registry says that it has no such subject, version, schema or level of its own; a proxy's 404
has none of them."""


class RegistryRefuses(FabricError):
    """The registry will not have it: 409 incompatible, 422 invalid or read-only, 401 and 403 not allowed (exit code 4).

    `words` are the registry's own.
    """

    exit_code = 4

    def __init__(self, what: str, answer: Response) -> None:
        self.words = message(answer)
        super().__init__(f"the registry refuses {what} ({answer.status}): {self.words}")


@dataclass(frozen=True)
class Version:
    """One version of a subject; `schema` is None for what is no Avro record."""

    subject: str
    number: int
    id: int
    text: str
    schema: dict[str, Any] | None


class Subjects:
    """Raises Transient when the registry gives no answer, RegistryRefuses when it says no."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        self._url, self._fetch = url, fetch

    def names(self) -> list[str]:
        """Every subject that is there, of whomever."""
        answer = self._ask("GET", "/subjects", "to tell its subjects")
        listed = _json(answer) if answer else None
        if not isinstance(listed, list):
            raise Transient("the registry answered without a list of subjects")
        return sorted(map(str, listed))

    def versions(self, subject: str) -> list[Version]:
        """The oldest first; none when there is no such subject."""
        answer = self._ask("GET", f"/subjects/{subject}/versions", f"to tell the versions of {subject}")
        numbers = _json(answer) if answer else []
        if not isinstance(numbers, list):
            raise Transient(f"the registry answered without a list of versions of {subject}")
        found = (self._version(subject, number) for number in sorted(numbers))
        return [version for version in found if version is not None]

    def _version(self, subject: str, number: int) -> Version | None:
        """None for one that was deleted a moment ago."""
        answer = self._ask("GET", f"/subjects/{subject}/versions/{number}", f"to show version {number} of {subject}")
        return _version(subject, body(answer)) if answer else None

    def find(self, subject: str, text: str) -> int | None:
        """Number of the version that the registry takes this schema for; None when it has none."""
        what = f"to look for a schema under {subject}"
        answer = self._ask("POST", f"/subjects/{subject}", what, _posted(text))
        return _whole(body(answer), "version", subject) if answer else None

    def add(self, subject: str, text: str, number: int) -> int:
        """Register one more schema; its id. `number` is the version that it will be, for what is said of a refusal."""
        what = f"version {number} of {subject}"
        answer = self._ask("POST", f"/subjects/{subject}/versions", what, _posted(text))
        if answer is None:
            raise Transient(f"the registry answered 404 when {what} was registered")
        return _whole(body(answer), "id", subject)

    def level(self, subject: str) -> str | None:
        """The compatibility level that the subject has; None when it has none of its own."""
        answer = self._ask("GET", f"/config/{subject}", f"to tell the compatibility level of {subject}")
        level = body(answer).get("compatibilityLevel") if answer else None
        return level if isinstance(level, str) else None

    def set_level(self, subject: str, level: str) -> None:
        what = f"the compatibility level {level} of {subject}"
        if self._ask("PUT", f"/config/{subject}", what, {"compatibility": level}) is None:
            raise Transient(f"the registry answered 404 when {what} was set")

    def _ask(self, method: str, path: str, what: str, json: Any = None) -> Response | None:
        """None when the registry says that it has no such thing."""
        answer = self._fetch(method, self._url + path, json=json)
        if answer.status == 200:
            return answer
        if answer.status == 404 and body(answer).get("error_code") in NOT_THERE:
            return None
        if answer.status in (401, 403, 409, 422):
            raise RegistryRefuses(what, answer)
        raise Transient(f"the registry answered {answer.status} when asked {what}: {message(answer)}")


def message(answer: Response) -> str:
    """The registry's own words, on one line."""
    return " ".join(str(body(answer).get("message", "no message")).split())


def body(answer: Response) -> dict[str, Any]:
    """The object answered; empty when it is none (a page of a proxy, say)."""
    found = _json(answer)
    return found if isinstance(found, dict) else {}


def _json(answer: Response) -> Any:
    try:
        return answer.json()
    except Invalid:
        return None


def _posted(text: str) -> dict[str, str]:
    return {"schema": text, "schemaType": "AVRO"}


def _version(subject: str, answered: dict[str, Any]) -> Version:
    text = str(answered.get("schema", ""))
    number, id = (_whole(answered, name, subject) for name in ("version", "id"))
    return Version(subject, number, id, text, _record(answered, text))


def _record(answered: dict[str, Any], text: str) -> dict[str, Any] | None:
    """Ours have no references: each schema is self-contained."""
    try:
        schema = json.loads(text) if answered.get("schemaType", "AVRO") == "AVRO" else None
    except (ValueError, RecursionError):
        return None
    return schema if is_record(schema) and not answered.get("references") else None


def _whole(answered: dict[str, Any], name: str, subject: str) -> int:
    found = answered.get(name)
    if not isinstance(found, int):
        raise Transient(f"the registry answered without {name} for {subject}")
    return found

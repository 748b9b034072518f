"""What source adapters share: settings, reads whose lost answer is no loss, and fields that may be absent.

A read has no effect upstream, so a broken connection is only a reason to ask again. What a vendor means by its other
statuses (401, 403, 404) is for its adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, SecretStr, ValidationError

from psfabric import strict_json
from psfabric.errors import Invalid, Transient, Unknown
from psfabric.event import Event, Raw, new_event
from psfabric.http import Http, Response, retry_after
from schemas import Model


def _url(text: str) -> str:
    url = text.rstrip("/")
    if not url.startswith(("https://", "http://")):
        raise ValueError("wanted http://host or https://host")
    return url


def _filled(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("must not be empty")
    return secret


Url = Annotated[str, AfterValidator(_url)]
"""Address of a system, without the slash at its end."""

Secret = Annotated[SecretStr, AfterValidator(_filled)]
"""A secret that may not be empty: an empty one would let everybody in."""


async def read(
    http: Http,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    json: Any = None,
) -> Response:
    """One request without effect upstream. Raises Transient for no answer, 408, 429 and 5xx, with the wait that the
    other side asked for."""
    try:
        answer = await http.request(method, url, headers=headers, params=params, data=data, json=json)
    except Unknown as error:
        raise Transient(error.why) from None
    return settled(answer)


def settled(answer: Response) -> Response:
    """An answer that is not merely a reason to ask again. Raises Transient for 408, 429 and 5xx."""
    if answer.status in (408, 429) or answer.status >= 500:
        raise Transient(f"answered {answer.status}", retry_after(answer))
    return answer


def content(answer: Response) -> dict[str, Any]:
    """The JSON object of an answer, numbers exact. Raises Invalid(upstream-invalid)."""
    found = _json(answer)
    if not isinstance(found, dict):
        raise Invalid("upstream-invalid", f"status {answer.status} with JSON that is not an object")
    return found


def array(answer: Response) -> list[Any]:
    """The JSON array of an answer, as `content`."""
    found = _json(answer)
    if not isinstance(found, list):
        raise Invalid("upstream-invalid", f"status {answer.status} with JSON that is not an array")
    return found


def _json(answer: Response) -> Any:
    try:
        return strict_json.loads(answer.body, limit=strict_json.ANSWER_LIMIT)
    except strict_json.NotJson as error:
        raise Invalid("upstream-invalid", f"status {answer.status} with a body that is not JSON: {error}") from None


def full(raw: Raw, state: Mapping[str, Any], *, absent: bool = False) -> Raw:
    """The full record of a notice: canonical JSON under the notice's key and headers."""
    headers = {**raw.headers, "content-type": "application/json"}
    return Raw(key=raw.key, body=strict_json.dumps(state), headers=headers, absent=absent)


def state_of(record: Raw) -> dict[str, Any]:
    """The inverse of `full`. Raises Invalid(malformed-json)."""
    try:
        found = strict_json.loads(record.body, limit=strict_json.ANSWER_LIMIT)
    except strict_json.NotJson as error:
        raise Invalid("malformed-json", str(error)) from None
    if not isinstance(found, dict):
        raise Invalid("malformed-json", "the record is not a JSON object")
    return found


def at(node: Any, *path: str) -> Any:
    """The value under these names, None when any of them is not there."""
    for name in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node


def text(node: Any, *path: str) -> str:
    """The text under these names, stripped; "" when it is absent, null or not text."""
    found = at(node, *path)
    return found.strip() if isinstance(found, str) else ""


def instant(node: Any, *path: str) -> datetime:
    """An ISO 8601 instant with its zone. Raises Invalid(field-missing | field-invalid), which names the field only."""
    where, found = ".".join(path), text(node, *path)
    if not found:
        raise Invalid("field-missing", f"{where} is missing")
    try:
        moment = datetime.fromisoformat(found)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("field-invalid", f"{where} is not an instant") from None
    if moment.tzinfo is None:
        raise Invalid("field-invalid", f"{where} has no zone")
    return moment


def day(node: Any, *path: str) -> date:
    """A local date `YYYY-MM-DD`. Raises Invalid(field-missing | field-invalid)."""
    where, found = ".".join(path), text(node, *path)
    if not found:
        raise Invalid("field-missing", f"{where} is missing")
    try:
        return date.fromisoformat(found)
    except ValueError:
        raise Invalid("field-invalid", f"{where} is not a date") from None


def canonical(model: type[Model], record: Raw, **facts: Any) -> Event:
    """`new_event` with the record's trace. Raises Invalid(field-invalid) with the fields that break the contract."""
    facts |= {name: record.headers.get(name, "") for name in ("traceparent", "tracestate")}
    try:
        return new_event(model, **facts)
    except ValidationError as error:
        fields = sorted({".".join(map(str, flaw["loc"])) for flaw in error.errors(include_input=False)})
        raise Invalid("field-invalid", f"{model.EVENT} breaks its contract at {', '.join(fields)}") from None

"""Reads from a source system: what every vendor means by a broken connection, a throttle or an outage.

A read has no effect, so a lost answer is only a reason to ask again. What a vendor means by its other statuses (401,
403, 404) is for its adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psfabric import strict_json
from psfabric.errors import Invalid, Transient, Unknown
from psfabric.http import Http, Response, retry_after


async def read(
    http: Http,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    json: Any = None,
    data: Mapping[str, str] | None = None,
) -> Response:
    """One request without effect upstream. Raises Transient for no answer, 429, 408 and 5xx, with the wait the other
    side asked for."""
    try:
        answer = await http.request(method, url, headers=headers, params=params, json=json, data=data)
    except Unknown as error:
        raise Transient(error.why) from None
    if answer.status in (408, 429) or answer.status >= 500:
        raise Transient(f"{method} answered {answer.status}", retry_after(answer))
    return answer


def content(answer: Response) -> Any:
    """The JSON of an answer, numbers exact. Raises Invalid(upstream-malformed)."""
    try:
        return strict_json.loads(answer.body, limit=strict_json.ANSWER_LIMIT)
    except strict_json.NotJson as error:
        raise Invalid("upstream-malformed", f"status {answer.status} with a body that is not JSON: {error}") from None

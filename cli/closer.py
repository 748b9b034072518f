"""One record closer: its envelope and its content, personal and confidential values masked unless asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli import show

if TYPE_CHECKING:
    from cli.installation import Installation
    from psfabric.event import Record


def permitted(where: Installation, reveal: bool) -> None:
    """Raises Declined for `--reveal` where the settings do not allow it."""
    from replay import Declined

    if reveal and not where.settings.reveal:
        raise Declined("personal and confidential values may not be shown here: PSF_REVEAL is false; nothing was shown")


def headers(record: Record, reveal: bool) -> dict[str, str]:
    from cli.masking import masked_header

    texts = {name: (value or b"").decode(errors="backslashreplace") for name, value in record.headers}
    return texts if reveal else {name: masked_header(name, text) for name, text in texts.items()}


def payload(where: Installation, record: Record, reveal: bool) -> Any:
    """An event as its fields; bytes as received only when asked for, since nothing says what is in them."""
    from cli.masking import masked
    from psfabric.errors import Invalid

    if record.value is None:
        return None
    try:
        data = where.codec.data(record.value) if record.header("ce_type") else None
    except Invalid:
        data = None
    if data is not None:
        body = data.model_dump(mode="json")
        return body if reveal else masked(data.EVENT, body)
    if reveal:
        return record.value.decode(errors="backslashreplace")
    return f"{len(record.value)} bytes as received, which may hold personal data; --reveal shows them"


def printed(body: dict[str, Any]) -> None:
    facts = {name: value for name, value in body.items() if name not in ("history", "headers", "payload")}
    if isinstance(body["origin"], dict):
        facts["origin"] = "/".join(map(str, body["origin"].values()))
    show.table(("", ""), [(name, value) for name, value in facts.items() if value not in ("", None)])
    moments = body.get("history", [])
    if moments:
        show.table(list(moments[0]), [list(moment.values()) for moment in moments])
    show.table(("header", "value"), list(body["headers"].items()))
    content = body["payload"]
    if isinstance(content, dict):
        show.table(("field", "value"), list(content.items()))
    else:
        show.say(f"payload: {'null' if content is None else content}")

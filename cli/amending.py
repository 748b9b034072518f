"""`psfabric dlq amend`: what would change is shown, agreed to, and sent as one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cli import closer, letters, show, waiting
from cli.options import Format
from replay import Operator
from replay.amending import Amended, Draft, draft
from replay.amending import amend as send
from replay.fields import parse
from replay.patch import COVERED
from replay.worth import Worth

if TYPE_CHECKING:
    from cli.installation import Installation


def amend(
    where: Installation,
    id: str,
    settings: Sequence[str],
    reason: str,
    output: Format,
    *,
    yes: bool,
    dry_run: bool,
    reveal: bool,
) -> None:
    """Raises NotThere (a path or value that is none), Declined (closed, guarded, against the contract, not agreed)."""
    closer.permitted(where, reveal)
    wanted = [parse(each) for each in settings]
    record, letter = letters.open_one(where, id)
    ready = draft(where.codec, letter, record, wanted)
    if output is Format.TABLE:
        _shown(ready, reveal)
    sent = None
    if not dry_run:
        show.agreed(f"Send {id} amended like this to {letter.component}?", yes)
        sent = send(where.kafka, where.codec, Operator.of(where.kafka, reason), ready)
    idle = waiting.idle_components(where, {letter.component})
    if output is Format.JSON:
        show.as_json({**_as_dict(ready, sent, reveal), "idle": idle})
        return
    show.say(_sentence(ready, sent))
    waiting.tell_idle(idle)


def _shown(ready: Draft, reveal: bool) -> None:
    rows = [(op["op"], op["path"], op.get("old", ""), op.get("value", "")) for op in _patch(ready, reveal)]
    show.table(("", "field", "is", "shall be"), rows)
    before, after = _worth(ready.before), _worth(ready.after)
    if before != after:
        show.say(f"Worth {before or 'unknown'} as it is, {after} amended.")


def _sentence(ready: Draft, sent: Amended | None) -> str:
    if sent is None:
        return f"amend: {ready.letter.id}; nothing was sent (--dry-run)."
    return (
        f"{ready.letter.id} is amended by event {sent.event} (revision {int(sent.revision)}). The owner of the "
        f"partition acts within seconds; psfabric where {ready.event.aggregate_id} tells what becomes of it."
    )


def _as_dict(ready: Draft, sent: Amended | None, reveal: bool) -> dict[str, Any]:
    return {
        "act": "amend",
        "id": ready.letter.id,
        "type": ready.plain.event,
        "aggregate_id": ready.event.aggregate_id,
        "asked": sent is not None,
        "amends": ready.event.id,
        "event": sent.event if sent else None,
        "revision": sent.revision if sent else None,
        "operation": sent.operation if sent else None,
        "patch": _patch(ready, reveal),
        "worth": {"before": _amounts(ready.before), "after": _amounts(ready.after)},
    }


def _patch(ready: Draft, reveal: bool) -> list[dict[str, Any]]:
    return ready.patch(lambda value: value if reveal else COVERED)


def _amounts(worth: Worth | None) -> dict[str, Any] | None:
    if worth is None:
        return None
    return {"seconds": worth.seconds, "money": f"{worth.money.normalize():f}", "currency": worth.currency}


def _worth(worth: Worth | None) -> str:
    return "" if worth is None else f"{worth.hours:f} h, {worth.money.normalize():f} {worth.currency}".rstrip()

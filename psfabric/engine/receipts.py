"""Receipts in `psf.delivery`: for processors, for audit, and for the closing of dead letters.

Key: `<component>/<event id>/terminal` for what is final (delivered, superseded, discarded, amended), `…/state` for
what is not (held, unknown, rejected). Made of the record and the outcome alone, so that the same outcome again gives
the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from psfabric.adapters import Document
from psfabric.engine.applied import Applied
from psfabric.errors import Answer
from psfabric.event import Event, Version, digest
from psfabric.outcomes import Amended, Discarded, Held, Rejected, Superseded
from schemas import Model, models

TOPIC = "psf.delivery"


def receipt_key(component: str, event_id: str, kind: str) -> bytes:
    return f"{component}/{event_id}/{kind}".encode()


def delivered(component: str, event: Event, entry: Applied, cause: bytes, *, duplicate: bool) -> Model:
    """What the target holds, as a terminal receipt. `cause` is the delivered event's framed bytes."""
    return models.Delivered.model_validate(
        {
            **_head(component, event.id, event.data, "Delivered"),
            "component": component,
            "target": component,
            "about_event_id": event.id,
            "about_type": event.data.CE_TYPE,
            "document_version": entry.document_version,
            "reference": entry.reference,
            "number": entry.number,
            "duplicate": duplicate,
            "content_hash": entry.content_hash,
            "facts": dict(entry.facts),
            "cause": cause,
        }
    )


def superseded(component: str, event: Event, reference: str, outcome: Superseded) -> Model:
    return models.Superseded.model_validate(
        {
            **_head(component, event.id, event.data, "Superseded"),
            **_about(component, event.id, event.data.CE_TYPE),
            "code": "superseded",
            "reason": outcome.why,
            "reference": reference,
        }
    )


def state(component: str, about_id: str, about_type: str, data: Model | None, outcome: Held | Rejected) -> Model:
    """Held, unknown or rejected: where the record stands, until something terminal follows."""
    model, code = _standing(outcome)
    return model.model_validate(
        {
            **_head(component, about_id, data, model.EVENT),
            **_about(component, about_id, about_type),
            "code": code,
            "reason": outcome.why[:1024],
        }
    )


def _standing(outcome: Held | Rejected) -> tuple[type[Model], str]:
    if isinstance(outcome, Rejected):
        return models.Rejected, outcome.code
    return (models.Unknown, "outcome-unknown") if isinstance(outcome.until, Answer) else (models.Held, "held")


def discarded(component: str, outcome: Discarded) -> Model:
    """An operator closed the dead letter of the event for good."""
    return models.Discarded.model_validate(
        {
            **_head(component, outcome.about, None, "Discarded"),
            **_about(component, outcome.about, outcome.about_type),
            "code": "discarded",
            "reason": outcome.why[:1024],
        }
    )


def amended(component: str, outcome: Amended) -> Model:
    """Another event goes in the place of the dead letter of this one."""
    return models.Amended.model_validate(
        {
            **_head(component, outcome.about, None, "Amended"),
            **_about(component, outcome.about, outcome.about_type),
            "code": "amended",
            "reason": outcome.why[:1024],
            "amended_by": outcome.by,
        }
    )


def passed_on(component: str, about_id: str, about_type: str) -> Model:
    """A replayed record that a stage before the sink has handled: its dead letter is closed by this."""
    return models.Delivered.model_validate(
        {
            **_head(component, about_id, None, "Delivered"),
            **_about(component, about_id, about_type),
            "document_version": 1,
            "reference": "",
            "number": "",
            "duplicate": False,
            "content_hash": "",
            "facts": {},
            "cause": b"",
        }
    )


def _about(component: str, about_id: str, about_type: str) -> dict[str, str]:
    return {
        "component": component,
        "target": component,
        "about_event_id": about_id,
        "about_type": about_type,
    }


_NO_SEQUENCE = "1970-01-01T00:00:00.000000Z/" + "0" * 20


def _head(component: str, about_id: str, data: Model | None, kind: str) -> dict[str, str]:
    version = Version(data.sequence, data.revision) if data is not None else Version(_NO_SEQUENCE)
    return {
        "event_id": digest("receipt", component, about_id, kind),
        "aggregate_id": data.aggregate_id if data is not None else about_id,
        "partition_key": about_id,
        "sequence": version.sequence,
        "revision": version.revision,
        "legal_entity": data.legal_entity if data is not None else "",
        "client_id": data.client_id if data is not None else "",
        "project_id": data.project_id if data is not None else "",
    }


def applied_entry(
    event: Event, document: Document, reference: str, number: str, version: int, facts: Mapping[str, str]
) -> Applied:
    """What `applied.<target>` stores once the target holds `document` as `event` says."""
    return Applied(
        version=event.version,
        event_id=event.id,
        content_hash=document.content_hash,
        reference=reference,
        number=number,
        document_version=version,
        removed=document.removed,
        facts=dict(facts),
    )

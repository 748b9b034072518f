"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Model, Text


class Amended(Model):
    """Terminal receipt: an operator amended the dead letter of the event; the event named in `amended_by`, of
    the same aggregate and a higher revision, goes in its place. Aggregate: that of the event; key: component,
    event id and `/terminal`.
    """

    EVENT: ClassVar[str] = "delivery.Amended"
    CE_TYPE: ClassVar[str] = "psf.delivery.Amended.v1"
    TOPIC: ClassVar[str] = "psf.delivery"
    SUBJECT: ClassVar[str] = "psf.delivery.Amended"

    component: Text
    """Component that gives the receipt, e.g. `tryton-uk`."""
    target: Text
    """Target system instance that the receipt is about."""
    about_event_id: Text
    """Id of the event that was to be delivered and will not be."""
    about_type: Text
    """Type of that event, e.g. `psf.enriched.time.TimeApproved.v1`."""
    code: Text
    """Stable code, listed in codes.toml."""
    reason: Text
    """Why the operator amended it. (confidential)"""
    amended_by: Text
    """Id of the event that goes in its place (its ce_id)."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class Delivered(Model):
    """Terminal receipt: the effect of an event is durable in a target, now or already before. Aggregate: that
    of the event; key: component, event id and `/terminal`.
    """

    EVENT: ClassVar[str] = "delivery.Delivered"
    CE_TYPE: ClassVar[str] = "psf.delivery.Delivered.v1"
    TOPIC: ClassVar[str] = "psf.delivery"
    SUBJECT: ClassVar[str] = "psf.delivery.Delivered"

    component: Text
    """Component that gives the receipt, e.g. `tryton-uk`."""
    target: Text
    """Target system instance that the receipt is about."""
    about_event_id: Text
    """Id of the event that was to be delivered."""
    about_type: Text
    """Type of that event, e.g. `psf.enriched.time.TimeApproved.v1`."""
    document_version: Annotated[int, Field(ge=0, le=2147483647)]
    """Version of the document in the target: 1, and one more for each reversal and re-post; 0 when the event
    leaves no document there. (unit 1)
    """
    reference: Text
    """Identity of the document in the target; "" when there is none."""
    number: Text
    """Number of the document that people see there; "" when none. (confidential)"""
    duplicate: bool
    """True: an earlier attempt had done it, nothing was written now."""
    content_hash: Text
    """Hash of what the adapter sent, in hex; equal hashes mean equal documents."""
    facts: dict[Text, Text]
    """What the target determined, by name: lines, tax, rate; JSON text where a fact is not a plain word.
    (confidential)
    """
    cause: bytes
    """The delivered event as it came, in wire framing, so that a receipt becomes a canonical event without a
    look-up. (personal)
    """
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class Discarded(Model):
    """Terminal receipt: an operator closed the dead letter of the event for good; it was not delivered and will
    not be. Aggregate: that of the event; key: component, event id and `/terminal`.
    """

    EVENT: ClassVar[str] = "delivery.Discarded"
    CE_TYPE: ClassVar[str] = "psf.delivery.Discarded.v1"
    TOPIC: ClassVar[str] = "psf.delivery"
    SUBJECT: ClassVar[str] = "psf.delivery.Discarded"

    component: Text
    """Component that gives the receipt, e.g. `tryton-uk`."""
    target: Text
    """Target system instance that the receipt is about."""
    about_event_id: Text
    """Id of the event that was to be delivered."""
    about_type: Text
    """Type of that event, e.g. `psf.enriched.time.TimeApproved.v1`."""
    code: Text
    """Stable code, listed in codes.toml."""
    reason: Text
    """Why the operator discarded it. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class Held(Model):
    """State receipt: the event waits for something named and goes on by itself. Aggregate: that of the event;
    key: component, event id and `/state`.
    """

    EVENT: ClassVar[str] = "delivery.Held"
    CE_TYPE: ClassVar[str] = "psf.delivery.Held.v1"
    TOPIC: ClassVar[str] = "psf.delivery"
    SUBJECT: ClassVar[str] = "psf.delivery.Held"

    component: Text
    """Component that gives the receipt, e.g. `tryton-uk`."""
    target: Text
    """Target system instance that the receipt is about."""
    about_event_id: Text
    """Id of the event that was to be delivered."""
    about_type: Text
    """Type of that event, e.g. `psf.enriched.time.TimeApproved.v1`."""
    code: Text
    """Stable code, listed in codes.toml."""
    reason: Text
    """What it waits for. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class Rejected(Model):
    """State receipt: the target refused the event, which is now a dead letter. Aggregate: that of the event;
    key: component, event id and `/state`.
    """

    EVENT: ClassVar[str] = "delivery.Rejected"
    CE_TYPE: ClassVar[str] = "psf.delivery.Rejected.v1"
    TOPIC: ClassVar[str] = "psf.delivery"
    SUBJECT: ClassVar[str] = "psf.delivery.Rejected"

    component: Text
    """Component that gives the receipt, e.g. `tryton-uk`."""
    target: Text
    """Target system instance that the receipt is about."""
    about_event_id: Text
    """Id of the event that was to be delivered."""
    about_type: Text
    """Type of that event, e.g. `psf.enriched.time.TimeApproved.v1`."""
    code: Text
    """Stable code, listed in codes.toml."""
    reason: Text
    """What the target said and what to do. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class Superseded(Model):
    """Terminal receipt: a higher version of the aggregate was already in the target, so nothing was written.
    Aggregate: that of the event; key: component, event id and `/terminal`.
    """

    EVENT: ClassVar[str] = "delivery.Superseded"
    CE_TYPE: ClassVar[str] = "psf.delivery.Superseded.v1"
    TOPIC: ClassVar[str] = "psf.delivery"
    SUBJECT: ClassVar[str] = "psf.delivery.Superseded"

    component: Text
    """Component that gives the receipt, e.g. `tryton-uk`."""
    target: Text
    """Target system instance that the receipt is about."""
    about_event_id: Text
    """Id of the event that was to be delivered."""
    about_type: Text
    """Type of that event, e.g. `psf.enriched.time.TimeApproved.v1`."""
    code: Text
    """Stable code, listed in codes.toml."""
    reason: Text
    """Which version won. (confidential)"""
    reference: Text
    """Identity of the document in the target that stays; "" when there is none."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class Unknown(Model):
    """State receipt: the event was sent, no answer came, and the target cannot yet say whether it took effect;
    it waits. Aggregate: that of the event; key: component, event id and `/state`.
    """

    EVENT: ClassVar[str] = "delivery.Unknown"
    CE_TYPE: ClassVar[str] = "psf.delivery.Unknown.v1"
    TOPIC: ClassVar[str] = "psf.delivery"
    SUBJECT: ClassVar[str] = "psf.delivery.Unknown"

    component: Text
    """Component that gives the receipt, e.g. `tryton-uk`."""
    target: Text
    """Target system instance that the receipt is about."""
    about_event_id: Text
    """Id of the event that was to be delivered."""
    about_type: Text
    """Type of that event, e.g. `psf.enriched.time.TimeApproved.v1`."""
    code: Text
    """Stable code, listed in codes.toml."""
    reason: Text
    """What happened to the request. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """

"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from schemas.base import Model, Text
from schemas.models.common import Money


class MilestoneAccepted(Model):
    """The client accepted a milestone, so its fee may be invoiced. Aggregate and key: the milestone."""

    EVENT: ClassVar[str] = "milestone.MilestoneAccepted"
    CE_TYPE: ClassVar[str] = "psf.milestone.MilestoneAccepted.v1"
    TOPIC: ClassVar[str] = "psf.milestone"
    SUBJECT: ClassVar[str] = "psf.milestone.MilestoneAccepted"

    milestone_name: Text
    """Title of the milestone. (confidential)"""
    amount: Money
    """Fee of the milestone, before tax. (confidential)"""
    accepted_on: date
    """Local date of the acceptance."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class MilestoneCompleted(Model):
    """The work of a milestone is done and handed over; it may not be invoiced before the client accepts it.
    Aggregate and key: the milestone.
    """

    EVENT: ClassVar[str] = "milestone.MilestoneCompleted"
    CE_TYPE: ClassVar[str] = "psf.milestone.MilestoneCompleted.v1"
    TOPIC: ClassVar[str] = "psf.milestone"
    SUBJECT: ClassVar[str] = "psf.milestone.MilestoneCompleted"

    milestone_name: Text
    """Title of the milestone. (confidential)"""
    amount: Money
    """Fee of the milestone, before tax. (confidential)"""
    engagement_id: Text
    """Engagement whose fixed fee the milestone is a part of; "" when not told."""
    due_on: date | None = None
    """Local date by which it was planned; null when not planned."""
    completed_on: date
    """Local date on which the work was done."""
    completed_by: Text
    """Resource id of whoever declared it done; "" when not told. (personal)"""
    deliverable: Text
    """Where the handed-over result is kept, e.g. a document id; "" when not told. (confidential)"""
    deemed_accepted_on: date | None = None
    """Local date on which the contract takes silence for acceptance; null when it never does."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """

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

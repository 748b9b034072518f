"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Model, Text
from schemas.models.common import SystemReference


class CostCenterUpdated(Model):
    """A cost centre of a legal entity, as it is now. Aggregate and key: `<legal entity>:<cost centre>`."""

    EVENT: ClassVar[str] = "costcenter.CostCenterUpdated"
    CE_TYPE: ClassVar[str] = "psf.costcenter.CostCenterUpdated.v1"
    TOPIC: ClassVar[str] = "psf.costcenter"
    SUBJECT: ClassVar[str] = "psf.costcenter.CostCenterUpdated"

    cost_centre: Text
    """The code that projects and postings refer to, e.g. `CC-410`."""
    cost_centre_title: Text
    """What it is called, e.g. the practice."""
    parent_cost_centre: Text
    """Cost centre that it is a part of, in the same legal entity; "" for the top."""
    responsible_id: Text
    """Resource id of whoever answers for it; "" while nobody does. (personal)"""
    profit_centre: Text
    """Profit centre that it reports to; "" when the entity has none."""
    department: Text
    """Department in the HR system whose people work there; "" when none does."""
    valid_from: date
    """First local date on which it may be posted to."""
    valid_until: date | None = None
    """Last local date on which it may be posted to; null while no end is known."""
    posting_allowed: bool
    """True: postings are taken. False: it only sums up others, or is blocked."""
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """Where it lives, one entry for each system that has it, ordered by system."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """

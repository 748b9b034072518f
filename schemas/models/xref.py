"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from schemas.base import Model, Text


class CrossReferenceUpdated(Model):
    """The identity of one of our objects in another system; the only place where ids between systems are kept.
    Aggregate and key: `<system>:<entity>:<entity id>`.
    """

    EVENT: ClassVar[str] = "xref.CrossReferenceUpdated"
    CE_TYPE: ClassVar[str] = "psf.xref.CrossReferenceUpdated.v1"
    TOPIC: ClassVar[str] = "ref.xref"
    SUBJECT: ClassVar[str] = "psf.xref.CrossReferenceUpdated"

    system: Text
    """Instance name of the other system, e.g. `tryton-uk`."""
    entity: Text
    """Kind of our object, e.g. `project`."""
    entity_id: Text
    """Id of our object."""
    reference: Text
    """Its identity in the other system; "" when it is gone there."""
    number: Text
    """Its number there that people see; "" when none."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """

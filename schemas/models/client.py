"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Text
from schemas.models.common import Address


class ClientOnboarded(Model):
    """A firm became a client: a first engagement with it was contracted. Aggregate and key: the client."""

    EVENT: ClassVar[str] = "client.ClientOnboarded"
    CE_TYPE: ClassVar[str] = "psf.client.ClientOnboarded.v1"
    TOPIC: ClassVar[str] = "psf.client"
    SUBJECT: ClassVar[str] = "psf.client.ClientOnboarded"

    name: Text
    """Legal name of the client; a sole trader's is a person's name. (personal)"""
    client_number: Text
    """Number of the client in the CRM that people use; "" when none."""
    address: Address
    """Billing address. (personal)"""
    default_currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency the client is usually invoiced in, ISO 4217 alphabetic code."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """

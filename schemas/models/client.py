"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Record, Text
from schemas.models.common import Address, Money, PaymentTerms


class ClientStatus(StrEnum):
    """Whether business with the client goes on. BLOCKED: no new work and no posting, INACTIVE: nothing is open,
    MERGED: another client stands for it. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    ACTIVE = "ACTIVE"
    BLOCKED = "BLOCKED"
    INACTIVE = "INACTIVE"
    MERGED = "MERGED"


class ClientTaxRegistration(Record):
    """A registration of the client for a tax; of a sole trader it is a person's."""

    SUBJECT: ClassVar[str] = "psf.client.ClientTaxRegistration"

    country_code: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Country of the registration, ISO 3166-1 alpha-2 code."""
    scheme: Text
    """What it is a registration for, as the country calls it, e.g. `VAT`."""
    registration_number: Text
    """Number as registered, without blanks, e.g. `DE123456789`. (personal)"""
    checked_on: date | None = None
    """Local date on which the number was last confirmed by the authority's service; null when never."""
    check_reference: Text
    """Proof of that confirmation, e.g. the consultation number; "" when none. (confidential)"""
    valid_until: date | None = None
    """Last local date on which it holds; null while no end is known."""


class ClientMerged(Model):
    """Two or more client records turned out to be one client, and one of them stands for all from now on.
    Aggregate and key: the survivor, whose full state this is.
    """

    EVENT: ClassVar[str] = "client.ClientMerged"
    CE_TYPE: ClassVar[str] = "psf.client.ClientMerged.v1"
    TOPIC: ClassVar[str] = "psf.client"
    SUBJECT: ClassVar[str] = "psf.client.ClientMerged"

    name: Text
    """Legal name of the client; a sole trader's is a person's name. (personal)"""
    client_number: Text
    """Number of the client in the CRM that people use; "" when none."""
    address: Address
    """Billing address. (personal)"""
    default_currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency the client is usually invoiced in, ISO 4217 alphabetic code."""
    status: Annotated[ClientStatus, Field(strict=False)]
    """Whether business with the client goes on."""
    parent_client_id: Text
    """Client of which this one is a part, e.g. its group; "" when none."""
    tax_registrations: Annotated[tuple[ClientTaxRegistration, ...], Field(strict=False)]
    """Registrations for taxes, one entry for each country and scheme; empty when none is known. (personal)"""
    payment_terms: PaymentTerms | None = None
    """Terms of payment where an engagement has none of its own; null when none are agreed. (confidential)"""
    credit_limit: Money | None = None
    """Most that may be owed and not yet billed at once; null when no limit is set. (confidential)"""
    credit_hold: bool
    """True: finance lets no new work start until something is paid. (confidential)"""
    invoice_email: Text
    """E-mail address that invoices go to; "" when they go another way. (personal)"""
    electronic_address: Text
    """Address in an e-invoicing network with its scheme, e.g. `0088:7300010000001`; "" when none.
    (confidential)
    """
    language: Text
    """Language of documents for the client, BCP 47 tag, e.g. `en-GB`; "" when none is preferred."""
    account_manager_id: Text
    """Resource id of whoever answers for the client; "" when nobody does. (personal)"""
    survivor_id: Text
    """Client that stands for all of them; equal to `client_id`."""
    merged_ids: Annotated[tuple[Text, ...], Field(strict=False)]
    """Ids of all clients that were ever merged into the survivor, in the order of merging, never the survivor's
    own. What refers to them belongs to the survivor.
    """
    merged_at: Annotated[datetime, Instant()]
    """Instant at which the latest of them was merged."""
    merged_by: Text
    """User who merged them, as upstream knows the person; "" when a rule did. (personal)"""
    reason: Text
    """Why they are one client, e.g. the same registration. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


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


class ClientUpdated(Model):
    """What is known of a client has changed: name, address, tax registrations, terms of payment, credit.
    Aggregate and key: the client.
    """

    EVENT: ClassVar[str] = "client.ClientUpdated"
    CE_TYPE: ClassVar[str] = "psf.client.ClientUpdated.v1"
    TOPIC: ClassVar[str] = "psf.client"
    SUBJECT: ClassVar[str] = "psf.client.ClientUpdated"

    name: Text
    """Legal name of the client; a sole trader's is a person's name. (personal)"""
    client_number: Text
    """Number of the client in the CRM that people use; "" when none."""
    address: Address
    """Billing address. (personal)"""
    default_currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency the client is usually invoiced in, ISO 4217 alphabetic code."""
    status: Annotated[ClientStatus, Field(strict=False)]
    """Whether business with the client goes on."""
    parent_client_id: Text
    """Client of which this one is a part, e.g. its group; "" when none."""
    tax_registrations: Annotated[tuple[ClientTaxRegistration, ...], Field(strict=False)]
    """Registrations for taxes, one entry for each country and scheme; empty when none is known. (personal)"""
    payment_terms: PaymentTerms | None = None
    """Terms of payment where an engagement has none of its own; null when none are agreed. (confidential)"""
    credit_limit: Money | None = None
    """Most that may be owed and not yet billed at once; null when no limit is set. (confidential)"""
    credit_hold: bool
    """True: finance lets no new work start until something is paid. (confidential)"""
    invoice_email: Text
    """E-mail address that invoices go to; "" when they go another way. (personal)"""
    electronic_address: Text
    """Address in an e-invoicing network with its scheme, e.g. `0088:7300010000001`; "" when none.
    (confidential)
    """
    language: Text
    """Language of documents for the client, BCP 47 tag, e.g. `en-GB`; "" when none is preferred."""
    account_manager_id: Text
    """Resource id of whoever answers for the client; "" when nobody does. (personal)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """

"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Record, Scaled, Text
from schemas.models.common import (
    ApprovalStep,
    CurrencyConversion,
    DocumentReference,
    InputTaxLine,
    Money,
    PostingReversal,
)


class ExpenseKind(StrEnum):
    """What an expense rests on: a receipt, a distance driven, or a daily allowance. UNKNOWN: something else; it
    is not posted without a person.
    """

    UNKNOWN = "UNKNOWN"
    RECEIPT = "RECEIPT"
    MILEAGE = "MILEAGE"
    PER_DIEM = "PER_DIEM"


class PaymentMeans(StrEnum):
    """Who paid: the person with their own money, to be reimbursed; a company card, to be matched with its
    statement; or the company itself by invoice. UNKNOWN: not given; nothing is reimbursed.
    """

    UNKNOWN = "UNKNOWN"
    OWN_MONEY = "OWN_MONEY"
    COMPANY_CARD = "COMPANY_CARD"
    COMPANY_ACCOUNT = "COMPANY_ACCOUNT"


class PolicyOutcome(StrEnum):
    """What a policy says: not checked yet, within its limits, outside but allowed with a reason, or against it.
    UNKNOWN: an outcome that this release does not know; it allows nothing.
    """

    UNKNOWN = "UNKNOWN"
    NOT_CHECKED = "NOT_CHECKED"
    WITHIN = "WITHIN"
    EXCEPTION = "EXCEPTION"
    VIOLATION = "VIOLATION"


class PolicyResult(Record):
    """What the expense policy found."""

    SUBJECT: ClassVar[str] = "psf.expense.PolicyResult"

    policy: Text
    """Policy that was applied, with its version, e.g. `travel/3`; "" while not checked."""
    outcome: Annotated[PolicyOutcome, Field(strict=False)]
    """What it says."""
    findings: Annotated[tuple[Text, ...], Field(strict=False)]
    """Codes of the policy for what is outside of it, e.g. `hotel-above-limit`; empty when nothing is."""
    justification: Text
    """Why it shall be allowed all the same, in the words of the person; "" when none. (personal)"""


class ExpenseApproved(Model):
    """An expense passed its approval chain and may be posted. Aggregate: the expense item; key: its expense
    report, so that the items of one are in order.
    """

    EVENT: ClassVar[str] = "expense.ExpenseApproved"
    CE_TYPE: ClassVar[str] = "psf.expense.ExpenseApproved.v1"
    TOPIC: ClassVar[str] = "psf.expense"
    SUBJECT: ClassVar[str] = "psf.expense.ExpenseApproved"

    report_id: Text
    """Expense report that the item belongs to, and its key; an item that stands alone has its own id here."""
    resource_id: Text
    """Id of the person who spent it; the name is only in the resource record. (personal)"""
    kind: Annotated[ExpenseKind, Field(strict=False)]
    """What it rests on."""
    category: Text
    """Category of the expense policy, e.g. `hotel`; the ERP's account comes from it."""
    receipt_date: date
    """Local date of the receipt, the trip or the allowance in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `receipt_date` is meant."""
    merchant: Text
    """Who was paid, as on the receipt; "" when there is none. (personal)"""
    purpose: Text
    """What it was for, in the words of the person; on the invoice when it is billable. (personal)"""
    country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of where it was spent, for tax; "" when not known. (personal)"""
    subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it; "" when it does not matter or is not known. (personal)"""
    quantity: Annotated[Decimal, Scaled(20, 4)]
    """How much of `quantity_unit`: the distance or the days; 1 for a receipt. (personal, unit 1)"""
    quantity_unit: Text
    """What is counted: `km`, `mi` or `day`; "" for a receipt."""
    receipt_amount: Money
    """All that was paid, tax included, in the currency of the receipt. (confidential)"""
    tax_lines: Annotated[tuple[InputTaxLine, ...], Field(strict=False)]
    """The receipt by rate of tax, in its currency: all `net` and all `tax` together are `receipt_amount`. Empty
    while it is not split. (confidential)
    """
    book_amount: CurrencyConversion | None = None
    """`receipt_amount` in the currency of the books of the legal entity: what is posted and reimbursed. Null
    while not converted. (confidential)
    """
    project_amount: CurrencyConversion | None = None
    """Cost to the project, in the currency of the contract: `receipt_amount` less all reclaimable tax, before
    mark-up. Null while not converted, or without a project. (confidential)
    """
    billable: bool
    """Whether the client is charged."""
    mark_up: Annotated[Decimal, Scaled(9, 6)]
    """What is added to `project_amount` when it is charged, as a fraction: 0.100000 is 10 %; 0 when none.
    (confidential, unit 1)
    """
    payment_means: Annotated[PaymentMeans, Field(strict=False)]
    """Who paid: it decides whether anything is reimbursed. (personal)"""
    card_transaction_id: Text
    """Transaction on the company card, by which it is matched with the statement; "" when none. (personal)"""
    receipts: Annotated[tuple[DocumentReference, ...], Field(strict=False)]
    """Receipts, in the order of upload; empty when there are none. (confidential)"""
    cost_centre: Text
    """Cost centre that is charged when no project is; "" when the project's is."""
    policy_result: PolicyResult
    """What the expense policy found. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)]
    """Decisions about the item so far, in their order; empty while there are none. (personal)"""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was submitted upstream."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ExpensePosting(Record):
    """What the ERP holds for a posted expense item."""

    SUBJECT: ClassVar[str] = "psf.expense.ExpensePosting"

    system: Text
    """Instance name of the ERP, e.g. `tryton-uk`."""
    reference: Text
    """Identity of the posted line there."""
    number: Text
    """Number of the document that people see; "" when the ERP gives none."""
    document_version: Annotated[int, Field(ge=1, le=2147483647)]
    """Version of the posting: 1, and one more for each reversal and re-post. (unit 1)"""
    accounting_date: date
    """Local date in the books of the legal entity under which it is posted."""
    cost: Money
    """Expense as booked: without the tax that is reclaimed, in the currency of the books. (confidential)"""
    reclaimed_tax: Money
    """Input tax as booked, in the currency of the books. (confidential)"""
    billable: bool
    """Whether the posted expense will be invoiced."""


class ExpensePosted(Model):
    """An approved expense is in the ERP. Aggregate: the expense item; key: its expense report, so that the
    items of one are in order.
    """

    EVENT: ClassVar[str] = "expense.ExpensePosted"
    CE_TYPE: ClassVar[str] = "psf.expense.ExpensePosted.v1"
    TOPIC: ClassVar[str] = "psf.expense"
    SUBJECT: ClassVar[str] = "psf.expense.ExpensePosted"

    report_id: Text
    """Expense report that the item belongs to, and its key; an item that stands alone has its own id here."""
    resource_id: Text
    """Id of the person who spent it; the name is only in the resource record. (personal)"""
    kind: Annotated[ExpenseKind, Field(strict=False)]
    """What it rests on."""
    category: Text
    """Category of the expense policy, e.g. `hotel`; the ERP's account comes from it."""
    receipt_date: date
    """Local date of the receipt, the trip or the allowance in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `receipt_date` is meant."""
    merchant: Text
    """Who was paid, as on the receipt; "" when there is none. (personal)"""
    purpose: Text
    """What it was for, in the words of the person; on the invoice when it is billable. (personal)"""
    country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of where it was spent, for tax; "" when not known. (personal)"""
    subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it; "" when it does not matter or is not known. (personal)"""
    quantity: Annotated[Decimal, Scaled(20, 4)]
    """How much of `quantity_unit`: the distance or the days; 1 for a receipt. (personal, unit 1)"""
    quantity_unit: Text
    """What is counted: `km`, `mi` or `day`; "" for a receipt."""
    receipt_amount: Money
    """All that was paid, tax included, in the currency of the receipt. (confidential)"""
    tax_lines: Annotated[tuple[InputTaxLine, ...], Field(strict=False)]
    """The receipt by rate of tax, in its currency: all `net` and all `tax` together are `receipt_amount`. Empty
    while it is not split. (confidential)
    """
    book_amount: CurrencyConversion | None = None
    """`receipt_amount` in the currency of the books of the legal entity: what is posted and reimbursed. Null
    while not converted. (confidential)
    """
    project_amount: CurrencyConversion | None = None
    """Cost to the project, in the currency of the contract: `receipt_amount` less all reclaimable tax, before
    mark-up. Null while not converted, or without a project. (confidential)
    """
    billable: bool
    """Whether the client is charged."""
    mark_up: Annotated[Decimal, Scaled(9, 6)]
    """What is added to `project_amount` when it is charged, as a fraction: 0.100000 is 10 %; 0 when none.
    (confidential, unit 1)
    """
    payment_means: Annotated[PaymentMeans, Field(strict=False)]
    """Who paid: it decides whether anything is reimbursed. (personal)"""
    card_transaction_id: Text
    """Transaction on the company card, by which it is matched with the statement; "" when none. (personal)"""
    receipts: Annotated[tuple[DocumentReference, ...], Field(strict=False)]
    """Receipts, in the order of upload; empty when there are none. (confidential)"""
    cost_centre: Text
    """Cost centre that is charged when no project is; "" when the project's is."""
    policy_result: PolicyResult
    """What the expense policy found. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)]
    """Decisions about the item so far, in their order; empty while there are none. (personal)"""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was submitted upstream."""
    posting: ExpensePosting
    """What the ERP holds. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ExpenseRejected(Model):
    """An expense was refused and must not be posted. Aggregate: the expense item; key: its expense report, so
    that the items of one are in order.
    """

    EVENT: ClassVar[str] = "expense.ExpenseRejected"
    CE_TYPE: ClassVar[str] = "psf.expense.ExpenseRejected.v1"
    TOPIC: ClassVar[str] = "psf.expense"
    SUBJECT: ClassVar[str] = "psf.expense.ExpenseRejected"

    report_id: Text
    """Expense report that the item belongs to, and its key; an item that stands alone has its own id here."""
    resource_id: Text
    """Id of the person who spent it; the name is only in the resource record. (personal)"""
    kind: Annotated[ExpenseKind, Field(strict=False)]
    """What it rests on."""
    category: Text
    """Category of the expense policy, e.g. `hotel`; the ERP's account comes from it."""
    receipt_date: date
    """Local date of the receipt, the trip or the allowance in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `receipt_date` is meant."""
    merchant: Text
    """Who was paid, as on the receipt; "" when there is none. (personal)"""
    purpose: Text
    """What it was for, in the words of the person; on the invoice when it is billable. (personal)"""
    country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of where it was spent, for tax; "" when not known. (personal)"""
    subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it; "" when it does not matter or is not known. (personal)"""
    quantity: Annotated[Decimal, Scaled(20, 4)]
    """How much of `quantity_unit`: the distance or the days; 1 for a receipt. (personal, unit 1)"""
    quantity_unit: Text
    """What is counted: `km`, `mi` or `day`; "" for a receipt."""
    receipt_amount: Money
    """All that was paid, tax included, in the currency of the receipt. (confidential)"""
    tax_lines: Annotated[tuple[InputTaxLine, ...], Field(strict=False)]
    """The receipt by rate of tax, in its currency: all `net` and all `tax` together are `receipt_amount`. Empty
    while it is not split. (confidential)
    """
    book_amount: CurrencyConversion | None = None
    """`receipt_amount` in the currency of the books of the legal entity: what is posted and reimbursed. Null
    while not converted. (confidential)
    """
    project_amount: CurrencyConversion | None = None
    """Cost to the project, in the currency of the contract: `receipt_amount` less all reclaimable tax, before
    mark-up. Null while not converted, or without a project. (confidential)
    """
    billable: bool
    """Whether the client is charged."""
    mark_up: Annotated[Decimal, Scaled(9, 6)]
    """What is added to `project_amount` when it is charged, as a fraction: 0.100000 is 10 %; 0 when none.
    (confidential, unit 1)
    """
    payment_means: Annotated[PaymentMeans, Field(strict=False)]
    """Who paid: it decides whether anything is reimbursed. (personal)"""
    card_transaction_id: Text
    """Transaction on the company card, by which it is matched with the statement; "" when none. (personal)"""
    receipts: Annotated[tuple[DocumentReference, ...], Field(strict=False)]
    """Receipts, in the order of upload; empty when there are none. (confidential)"""
    cost_centre: Text
    """Cost centre that is charged when no project is; "" when the project's is."""
    policy_result: PolicyResult
    """What the expense policy found. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)]
    """Decisions about the item so far, in their order; empty while there are none. (personal)"""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was submitted upstream."""
    code: Text
    """Stable code of the refusal, listed in codes.toml."""
    reason: Text
    """What is wrong and what to change, for the person who claimed it. (personal)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ExpenseRemovalCause(StrEnum):
    """Why an expense item goes: deleted upstream, refused in approval, or routed to another target. UNKNOWN:
    another cause; it goes all the same.
    """

    UNKNOWN = "UNKNOWN"
    DELETED = "DELETED"
    REJECTED = "REJECTED"
    ROUTED_ELSEWHERE = "ROUTED_ELSEWHERE"


class ExpenseRemoved(Model):
    """The expense item is no longer to be found where this event goes: deleted, rejected, or posted elsewhere.
    Aggregate: the expense item; key: its expense report, so that the items of one are in order.
    """

    EVENT: ClassVar[str] = "expense.ExpenseRemoved"
    CE_TYPE: ClassVar[str] = "psf.expense.ExpenseRemoved.v1"
    TOPIC: ClassVar[str] = "psf.expense"
    SUBJECT: ClassVar[str] = "psf.expense.ExpenseRemoved"

    report_id: Text
    """Expense report that the item belonged to, and its key; an item that stood alone has its own id here."""
    cause: Annotated[ExpenseRemovalCause, Field(strict=False)]
    """Why the item goes."""
    removed_at: Annotated[datetime, Instant()]
    """Instant at which the removal took effect upstream."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ExpenseReversed(Model):
    """A posting of an expense was reversed in the ERP; when the expense was corrected, another posting takes
    its place. Aggregate: the expense item; key: its expense report, so that the items of one are in order.
    """

    EVENT: ClassVar[str] = "expense.ExpenseReversed"
    CE_TYPE: ClassVar[str] = "psf.expense.ExpenseReversed.v1"
    TOPIC: ClassVar[str] = "psf.expense"
    SUBJECT: ClassVar[str] = "psf.expense.ExpenseReversed"

    report_id: Text
    """Expense report that the item belongs to, and its key; an item that stands alone has its own id here."""
    resource_id: Text
    """Id of the person who spent it; the name is only in the resource record. (personal)"""
    kind: Annotated[ExpenseKind, Field(strict=False)]
    """What it rests on."""
    category: Text
    """Category of the expense policy, e.g. `hotel`; the ERP's account comes from it."""
    receipt_date: date
    """Local date of the receipt, the trip or the allowance in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `receipt_date` is meant."""
    merchant: Text
    """Who was paid, as on the receipt; "" when there is none. (personal)"""
    purpose: Text
    """What it was for, in the words of the person; on the invoice when it is billable. (personal)"""
    country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of where it was spent, for tax; "" when not known. (personal)"""
    subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it; "" when it does not matter or is not known. (personal)"""
    quantity: Annotated[Decimal, Scaled(20, 4)]
    """How much of `quantity_unit`: the distance or the days; 1 for a receipt. (personal, unit 1)"""
    quantity_unit: Text
    """What is counted: `km`, `mi` or `day`; "" for a receipt."""
    receipt_amount: Money
    """All that was paid, tax included, in the currency of the receipt. (confidential)"""
    tax_lines: Annotated[tuple[InputTaxLine, ...], Field(strict=False)]
    """The receipt by rate of tax, in its currency: all `net` and all `tax` together are `receipt_amount`. Empty
    while it is not split. (confidential)
    """
    book_amount: CurrencyConversion | None = None
    """`receipt_amount` in the currency of the books of the legal entity: what is posted and reimbursed. Null
    while not converted. (confidential)
    """
    project_amount: CurrencyConversion | None = None
    """Cost to the project, in the currency of the contract: `receipt_amount` less all reclaimable tax, before
    mark-up. Null while not converted, or without a project. (confidential)
    """
    billable: bool
    """Whether the client is charged."""
    mark_up: Annotated[Decimal, Scaled(9, 6)]
    """What is added to `project_amount` when it is charged, as a fraction: 0.100000 is 10 %; 0 when none.
    (confidential, unit 1)
    """
    payment_means: Annotated[PaymentMeans, Field(strict=False)]
    """Who paid: it decides whether anything is reimbursed. (personal)"""
    card_transaction_id: Text
    """Transaction on the company card, by which it is matched with the statement; "" when none. (personal)"""
    receipts: Annotated[tuple[DocumentReference, ...], Field(strict=False)]
    """Receipts, in the order of upload; empty when there are none. (confidential)"""
    cost_centre: Text
    """Cost centre that is charged when no project is; "" when the project's is."""
    policy_result: PolicyResult
    """What the expense policy found. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)]
    """Decisions about the item so far, in their order; empty while there are none. (personal)"""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was submitted upstream."""
    posting: ExpensePosting
    """What the ERP holds. (confidential)"""
    reversal: PostingReversal
    """What the ERP holds for the reversal of that posting. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ExpenseSubmitted(Model):
    """A person claims an expense, or changed the claim. A correction is the same aggregate with a higher
    version. Aggregate: the expense item; key: its expense report, so that the items of one are in order.
    """

    EVENT: ClassVar[str] = "expense.ExpenseSubmitted"
    CE_TYPE: ClassVar[str] = "psf.expense.ExpenseSubmitted.v1"
    TOPIC: ClassVar[str] = "psf.expense"
    SUBJECT: ClassVar[str] = "psf.expense.ExpenseSubmitted"

    report_id: Text
    """Expense report that the item belongs to, and its key; an item that stands alone has its own id here."""
    resource_id: Text
    """Id of the person who spent it; the name is only in the resource record. (personal)"""
    kind: Annotated[ExpenseKind, Field(strict=False)]
    """What it rests on."""
    category: Text
    """Category of the expense policy, e.g. `hotel`; the ERP's account comes from it."""
    receipt_date: date
    """Local date of the receipt, the trip or the allowance in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `receipt_date` is meant."""
    merchant: Text
    """Who was paid, as on the receipt; "" when there is none. (personal)"""
    purpose: Text
    """What it was for, in the words of the person; on the invoice when it is billable. (personal)"""
    country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of where it was spent, for tax; "" when not known. (personal)"""
    subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it; "" when it does not matter or is not known. (personal)"""
    quantity: Annotated[Decimal, Scaled(20, 4)]
    """How much of `quantity_unit`: the distance or the days; 1 for a receipt. (personal, unit 1)"""
    quantity_unit: Text
    """What is counted: `km`, `mi` or `day`; "" for a receipt."""
    receipt_amount: Money
    """All that was paid, tax included, in the currency of the receipt. (confidential)"""
    tax_lines: Annotated[tuple[InputTaxLine, ...], Field(strict=False)]
    """The receipt by rate of tax, in its currency: all `net` and all `tax` together are `receipt_amount`. Empty
    while it is not split. (confidential)
    """
    book_amount: CurrencyConversion | None = None
    """`receipt_amount` in the currency of the books of the legal entity: what is posted and reimbursed. Null
    while not converted. (confidential)
    """
    project_amount: CurrencyConversion | None = None
    """Cost to the project, in the currency of the contract: `receipt_amount` less all reclaimable tax, before
    mark-up. Null while not converted, or without a project. (confidential)
    """
    billable: bool
    """Whether the client is charged."""
    mark_up: Annotated[Decimal, Scaled(9, 6)]
    """What is added to `project_amount` when it is charged, as a fraction: 0.100000 is 10 %; 0 when none.
    (confidential, unit 1)
    """
    payment_means: Annotated[PaymentMeans, Field(strict=False)]
    """Who paid: it decides whether anything is reimbursed. (personal)"""
    card_transaction_id: Text
    """Transaction on the company card, by which it is matched with the statement; "" when none. (personal)"""
    receipts: Annotated[tuple[DocumentReference, ...], Field(strict=False)]
    """Receipts, in the order of upload; empty when there are none. (confidential)"""
    cost_centre: Text
    """Cost centre that is charged when no project is; "" when the project's is."""
    policy_result: PolicyResult
    """What the expense policy found. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)]
    """Decisions about the item so far, in their order; empty while there are none. (personal)"""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was submitted upstream."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """

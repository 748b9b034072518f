"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Record, Scaled, Text


class Head(Record):
    """The head that begins every canonical and enriched record: what routing reads without decoding the rest."""

    SUBJECT: ClassVar[str] = "psf.common.Head"

    event_id: Text
    """Deterministic id of this event (ce_id): BLAKE2b-128 in hex over what caused it, never a random number."""
    aggregate_id: Text
    """Id of the object whose full state this event carries (ce_subject)."""
    partition_key: Text
    """Kafka key: everything that must stay in order shares it (ce_partitionkey)."""
    sequence: Annotated[Text, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z/[0-9]{20}$")]
    """Upstream version, first half of the version: instant in UTC with six decimals, `/`, a tie-break of twenty
    digits (ce_sequence).
    """
    revision: Annotated[Text, StringConstraints(pattern=r"^[0-9]{20}$")]
    """Second half of the version: number of the replay or amendment in twenty digits, all zeros in live traffic
    (ce_revision).
    """
    legal_entity: Text
    """Code of our legal entity that contracts, employs or invoices, e.g. `UK01`; "" while not known
    (ce_legalentity).
    """
    client_id: Text
    """Id of the client; "" when none or not known."""
    project_id: Text
    """Id of the project, the PSA project code; "" when none."""


class Money(Record):
    """An amount in one currency. Rounded to the minor unit only where a document is made."""

    SUBJECT: ClassVar[str] = "psf.common.Money"

    amount: Annotated[Decimal, Scaled(20, 6)]
    """Amount in major units of `currency`; negative for a reduction. (confidential, unit currency)"""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """ISO 4217 alphabetic code."""


class Address(Record):
    """A postal address; a part that upstream does not give is ""."""

    SUBJECT: ClassVar[str] = "psf.common.Address"

    street: Text
    """Street and number, lines separated by a line feed; "" when none. (personal)"""
    city: Text
    """City or town; "" when none. (personal)"""
    postal_code: Text
    """Postal or ZIP code as written; "" when none. (personal)"""
    region: Text
    """State, province or county as upstream names it; "" when none."""
    country_code: Text
    """ISO 3166-1 alpha-2 code; "" when none."""


class PaymentTerms(Record):
    """When an invoice is due, and what is allowed for paying early."""

    SUBJECT: ClassVar[str] = "psf.common.PaymentTerms"

    terms_code: Text
    """Code of the terms in the ERP, e.g. `NET30`; "" when they have none."""
    net_days: Annotated[int, Field(ge=0, le=2147483647)]
    """Number of days until the invoice is due. (unit 1)"""
    from_month_end: bool
    """True: days are counted from the last day of the month of the invoice date. False: from the invoice date."""
    discount_days: Annotated[int, Field(ge=0, le=2147483647)]
    """Number of days within which the discount is allowed; 0 when there is none. (unit 1)"""
    discount: Annotated[Decimal, Scaled(9, 6)]
    """Cash discount as a fraction of the amount owed; 0 when there is none. (confidential, unit 1)"""


class SystemReference(Record):
    """Where an object lives in another system."""

    SUBJECT: ClassVar[str] = "psf.common.SystemReference"

    system: Text
    """Instance name of the system, as in the pipeline file, e.g. `tryton-uk`."""
    reference: Text
    """Identity there, e.g. the record id; stable, not for display."""
    number: Text
    """The number people see there; "" when the system gives none."""


class BillingModel(StrEnum):
    """How an engagement is billed: by worked time, or a fixed fee for each accepted milestone."""

    TIME_AND_MATERIALS = "TIME_AND_MATERIALS"
    FIXED_FEE_MILESTONE = "FIXED_FEE_MILESTONE"


class RoleRate(Record):
    """What one hour of one role costs the client under this engagement."""

    SUBJECT: ClassVar[str] = "psf.common.RoleRate"

    role: Text
    """Role as the engagement names it; a time entry is priced by the same text."""
    hourly_rate: Money
    """Price of one hour, before tax. (confidential)"""
    billable: bool
    """False: time of this role is recorded and never invoiced."""


class BillingMethod(StrEnum):
    """How work is paid for: by worked time, one agreed fee, an amount for each period, or our cost with a
    mark-up. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    TIME_AND_MATERIALS = "TIME_AND_MATERIALS"
    FIXED_FEE = "FIXED_FEE"
    RETAINER = "RETAINER"
    COST_PLUS = "COST_PLUS"
    NOT_BILLED = "NOT_BILLED"


class BillingInterval(StrEnum):
    """How often something is billed or counted anew; ONCE: over the whole term, ON_EVENT: whenever its event
    happens. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"
    ONCE = "ONCE"
    ON_EVENT = "ON_EVENT"


class BillingCap(Record):
    """A ceiling of what may be billed, in money, in time, or in both: whichever is reached first."""

    SUBJECT: ClassVar[str] = "psf.common.BillingCap"

    interval: Annotated[BillingInterval, Field(strict=False)]
    """Span after which the ceiling is counted anew; ONCE for the whole engagement."""
    role: Text
    """Role that it limits; "" for all of them together."""
    amount: Money | None = None
    """Most that may be billed in one such span, before tax; null when only time is limited. (confidential)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Most worked time that may be billed in one such span; 0 when only money is limited. (unit s)"""
    binding: bool
    """True: what goes beyond is never billed without a change order. False: somebody is warned, and it is
    billed.
    """


class AgreedMilestone(Record):
    """A part of a fixed fee, and when it falls due by the contract."""

    SUBJECT: ClassVar[str] = "psf.common.AgreedMilestone"

    milestone_id: Text
    """Id of the milestone, under which it is completed, accepted and billed."""
    milestone_name: Text
    """Title of the milestone. (confidential)"""
    amount: Money
    """Fee of the milestone, before tax. (confidential)"""
    due_on: date | None = None
    """Local date by which it is planned to be accepted; null when the contract names none."""


class RetainerTerms(Record):
    """An amount that is billed for each period whether or not its time was used."""

    SUBJECT: ClassVar[str] = "psf.common.RetainerTerms"

    interval: Annotated[BillingInterval, Field(strict=False)]
    """Length of the period."""
    amount: Money
    """Amount of one period, before tax. (confidential)"""
    included_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Worked time that the amount of one period covers; 0 when it is not measured in time. (unit s)"""
    roll_over_intervals: Annotated[int, Field(ge=0, le=2147483647)]
    """Number of later periods in which unused time may still be used; 0: it lapses at the end of its own. (unit
    1)
    """
    roll_over_limit_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Most unused time that is carried forward at once; 0 when there is no limit. (unit s)"""
    in_advance: bool
    """True: billed on the first day of the period. False: after its last."""
    excess_billed: bool
    """True: time beyond the included and carried time is billed by the price list. False: it is not billed."""


class CostBasis(StrEnum):
    """Which cost a mark-up is added to: what was really paid, or the standard cost rate of the role. UNKNOWN: a
    symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    ACTUAL = "ACTUAL"
    STANDARD = "STANDARD"


class CostPlusTerms(Record):
    """Our cost, and what is added to it to give the price."""

    SUBJECT: ClassVar[str] = "psf.common.CostPlusTerms"

    basis: Annotated[CostBasis, Field(strict=False)]
    """Cost that the mark-up is added to."""
    mark_up: Annotated[Decimal, Scaled(9, 6)]
    """What is added, as a fraction of that cost: 0.150000 adds fifteen hundredths. (confidential, unit 1)"""
    fee_limit: Money | None = None
    """Most that the added part may come to over the whole engagement; null when there is no limit.
    (confidential)
    """


class ExpenseBilling(StrEnum):
    """What becomes of expenses: billed at what they cost, billed with a mark-up, within the fee, or not billed
    at all. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    AT_COST = "AT_COST"
    MARKED_UP = "MARKED_UP"
    INCLUDED = "INCLUDED"
    NOT_BILLED = "NOT_BILLED"


class BillingTerms(Record):
    """Billing terms of a contract in full. Parts that belong to another method are null or empty."""

    SUBJECT: ClassVar[str] = "psf.common.BillingTerms"

    method: Annotated[BillingMethod, Field(strict=False)]
    """How the work is paid for. The `billing_model` beside these terms says which of two roads that takes: by
    worked time (TIME_AND_MATERIALS, COST_PLUS), or by amounts that fall due (FIXED_FEE, RETAINER).
    """
    interval: Annotated[BillingInterval, Field(strict=False)]
    """How often an invoice is made; ON_EVENT: when a milestone is accepted."""
    rate_card_id: Text
    """Rate card that the price list was taken from; "" when it was agreed for this contract alone."""
    caps: Annotated[tuple[BillingCap, ...], Field(strict=False)]
    """Ceilings, each of which holds; empty when there is none. (confidential)"""
    fixed_fee: Money | None = None
    """The agreed fee, before tax, which is the sum of the milestones; null when there is none. (confidential)"""
    milestones: Annotated[tuple[AgreedMilestone, ...], Field(strict=False)]
    """Parts of the fixed fee, in the order of the contract; empty when there is none. (confidential)"""
    retainer: RetainerTerms | None = None
    """Terms of a retainer; null when there is none. (confidential)"""
    cost_plus: CostPlusTerms | None = None
    """Terms of cost plus; null when there is none. (confidential)"""
    expenses: Annotated[ExpenseBilling, Field(strict=False)]
    """What becomes of expenses of the work."""
    expense_mark_up: Annotated[Decimal, Scaled(9, 6)]
    """What is added to billed expenses, as a fraction of their cost; 0 when nothing is. (confidential, unit 1)"""


class RevenueMethod(StrEnum):
    """When the price of an obligation becomes revenue: when invoiced, as hours are worked (right to invoice),
    by cost or by effort against the whole, with each milestone, evenly over the term, or at one point in time.
    UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    AS_INVOICED = "AS_INVOICED"
    AS_WORKED = "AS_WORKED"
    COST_TO_COST = "COST_TO_COST"
    EFFORT = "EFFORT"
    MILESTONE = "MILESTONE"
    STRAIGHT_LINE = "STRAIGHT_LINE"
    POINT_IN_TIME = "POINT_IN_TIME"


class PerformanceObligation(Record):
    """A distinct service that the contract promises, with its part of the transaction price."""

    SUBJECT: ClassVar[str] = "psf.common.PerformanceObligation"

    obligation_id: Text
    """Id of the obligation; revenue events refer to it."""
    description: Text
    """What is promised, as the contract assessment words it. (confidential)"""
    method: Annotated[RevenueMethod, Field(strict=False)]
    """How its revenue is recognised."""
    standalone_price: Money | None = None
    """Stand-alone selling price by which the transaction price was allocated, before tax; null when it was not
    estimated. (confidential)
    """
    allocated_price: Money
    """Its part of the transaction price, before tax. (confidential)"""


class RevenueTerms(Record):
    """How revenue of a contract is recognised: the outcome of the contract assessment."""

    SUBJECT: ClassVar[str] = "psf.common.RevenueTerms"

    standard: Text
    """Accounting standard it follows, e.g. `IFRS 15`."""
    method: Annotated[RevenueMethod, Field(strict=False)]
    """How revenue is recognised where an obligation says nothing else."""
    combined_with: Text
    """Id of the contract group that is assessed as one contract; "" when it stands alone."""
    transaction_price: Money | None = None
    """Price of the contract with the variable part as estimated, before tax; the obligations sum to it. Null
    while not assessed. (confidential)
    """
    obligations: Annotated[tuple[PerformanceObligation, ...], Field(strict=False)]
    """Performance obligations; empty while the contract is not assessed. (confidential)"""


class ChangeOrder(Record):
    """A signed change of the contract after it was first signed."""

    SUBJECT: ClassVar[str] = "psf.common.ChangeOrder"

    change_order_number: Text
    """Number of the change order, unique in the engagement."""
    signed_on: date | None = None
    """Local date on which the last party signed; null while it is only agreed in writing otherwise."""
    effective_on: date
    """First local date on which the changed terms hold."""
    value_change: Money
    """What it adds to the value of the contract, before tax; negative for a reduction. (confidential)"""
    summary: Text
    """What was changed, in a sentence. (confidential)"""


class Severity(StrEnum):
    """How soon somebody must act: only know of it, act before the period ends, or act now. UNKNOWN: a symbol of
    a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class InputTaxLine(Record):
    """One rate of tax on a receipt or on the invoice of a supplier."""

    SUBJECT: ClassVar[str] = "psf.common.InputTaxLine"

    tax_code: Text
    """Tax in the legal entity, e.g. `DE-VAT-7`; "" when none applies, e.g. on a city tax."""
    rate: Annotated[Decimal, Scaled(9, 6)]
    """Rate as a fraction of `net`: 0.190000 is 19 %; 0 when exempt. (confidential, unit 1)"""
    net: Money
    """Part of the document to which the rate applies, before tax. (confidential)"""
    tax: Money
    """Tax on it as the document states it. (confidential)"""
    reclaimable: Money
    """Part of `tax` that the legal entity can reclaim; zero when none. The rest is cost. (confidential)"""


class CurrencyConversion(Record):
    """An amount carried into another currency, with the rate by which that was done."""

    SUBJECT: ClassVar[str] = "psf.common.CurrencyConversion"

    amount: Money
    """The amount in the other currency. (confidential)"""
    rate: Annotated[Decimal, Scaled(20, 10)]
    """Units of the currency of `amount` for one unit of the original currency; 1 when they are the same.
    (confidential, unit 1)
    """
    rate_date: date
    """Local date for which the rate was published or charged."""
    rate_source: Text
    """Who says the rate, e.g. `ECB` or `card-statement`; "" when the currencies are the same."""


class DocumentReference(Record):
    """Where a document is kept, and a proof of what it said."""

    SUBJECT: ClassVar[str] = "psf.common.DocumentReference"

    system: Text
    """Instance name of the system that keeps it, e.g. `concur` or `archive-uk`."""
    reference: Text
    """Identity there; an access right is still needed to read it. (confidential)"""
    sha256: Annotated[Text, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
    """SHA-256 of its bytes in hex, so that an auditor sees that it was not exchanged; "" when the system gives
    none.
    """


class ApprovalDecision(StrEnum):
    """What an approver decided: approved, rejected, or returned to whoever entered it for changes. UNKNOWN: a
    decision that this release does not know; it approves nothing.
    """

    UNKNOWN = "UNKNOWN"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    RETURNED = "RETURNED"


class ApprovalStep(Record):
    """One decision of an approval chain, by a person or by a policy."""

    SUBJECT: ClassVar[str] = "psf.common.ApprovalStep"

    level: Annotated[int, Field(ge=1, le=2147483647)]
    """Level of the chain that decided; 1 is the first. (unit 1)"""
    decision: Annotated[ApprovalDecision, Field(strict=False)]
    """What was decided."""
    approver_id: Text
    """Id of the person who decided; "" when a policy decided. (personal)"""
    on_behalf_of_id: Text
    """Id of the person in whose place was decided; "" when the approver decided as such. (personal)"""
    policy: Text
    """Policy that decided or asked for the decision, with its version, e.g. `travel/3`; "" when none."""
    decided_at: Annotated[datetime, Instant()]
    """Instant of the decision, as the approving system says it."""
    comment: Text
    """Words of the approver; "" when none. (personal)"""


class ReversalCause(StrEnum):
    """Why a posting was reversed: its content was corrected, what it posts was removed, it belongs to another
    target, or finance reversed it by hand. UNKNOWN: another cause, or none is given.
    """

    UNKNOWN = "UNKNOWN"
    CORRECTED = "CORRECTED"
    REMOVED = "REMOVED"
    ROUTED_ELSEWHERE = "ROUTED_ELSEWHERE"
    BY_FINANCE = "BY_FINANCE"


class PostingReversal(Record):
    """What the ERP holds for the reversal of one posting."""

    SUBJECT: ClassVar[str] = "psf.common.PostingReversal"

    reference: Text
    """Identity of the reversing line or document there."""
    reversed_version: Annotated[int, Field(ge=1, le=2147483647)]
    """Document version of the posting that is reversed. (unit 1)"""
    accounting_date: date
    """Local date in the books of the legal entity under which it is reversed; another period than the posting's
    when that one is closed.
    """
    cause: Annotated[ReversalCause, Field(strict=False)]
    """Why it is reversed."""
    reposted: bool
    """True: a posting of the next document version takes its place. False: nothing does."""


class JurisdictionLevel(StrEnum):
    """Whose tax it is: of a country, of a state or province, of a county, of a city, or of a special district.
    UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    COUNTRY = "COUNTRY"
    STATE = "STATE"
    COUNTY = "COUNTY"
    CITY = "CITY"
    DISTRICT = "DISTRICT"


class TaxTreatment(StrEnum):
    """How a supply is treated: taxed at the standard, a reduced or the zero rate, exempt, taxed with the client
    instead of us, or outside the tax. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    STANDARD = "STANDARD"
    REDUCED = "REDUCED"
    ZERO = "ZERO"
    EXEMPT = "EXEMPT"
    REVERSE_CHARGE = "REVERSE_CHARGE"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"


class TaxLine(Record):
    """The tax of one jurisdiction on one line of a document, or on all of them."""

    SUBJECT: ClassVar[str] = "psf.common.TaxLine"

    line_number: Annotated[int, Field(ge=0, le=2147483647)]
    """Line of the document that is taxed, counted from 1; 0 when the whole document is. (unit 1)"""
    tax_code: Text
    """Tax code in the legal entity, e.g. `GB-VAT-20`; "" when the engine names only the jurisdiction."""
    country_code: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Country whose tax it is, ISO 3166-1 alpha-2 code."""
    jurisdiction: Text
    """Name of the jurisdiction as the engine gives it, e.g. `TX STATE TAX`; "" when the country says it."""
    level: Annotated[JurisdictionLevel, Field(strict=False)]
    """Whose tax it is."""
    treatment: Annotated[TaxTreatment, Field(strict=False)]
    """How the supply is treated there."""
    rate: Annotated[Decimal, Scaled(9, 6)]
    """Rate as a fraction of the taxable amount: 0.200000 is one fifth. 0 where nothing is charged.
    (confidential, unit 1)
    """
    taxable: Money
    """Amount that the rate applies to, before tax. (confidential)"""
    exempt: Money
    """Part of the amount that is not taxed there, before tax. (confidential)"""
    tax: Money
    """Tax charged to the client; 0 where the client owes it itself. (confidential)"""
    reason: Text
    """Why nothing is charged, as printed on the invoice, e.g. the article of the law; "" where tax is charged.
    (confidential)
    """


class TaxProof(Record):
    """By whom and on what ground tax was determined, so that an auditor can ask there."""

    SUBJECT: ClassVar[str] = "psf.common.TaxProof"

    engine: Text
    """System that determined it, as in the pipeline file, or `erp` when the tax code alone did."""
    engine_version: Text
    """Version of the engine or of its content, as it says; "" when it says none."""
    engine_reference: Text
    """Id of the determination there, e.g. of its transaction; "" when it keeps none. (confidential)"""
    answer_hash: Annotated[Text, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
    """BLAKE2b-256 in hex over the answer as received; "" when it was not kept."""
    determined_at: Annotated[datetime, Instant()]
    """Instant of the determination, as the engine says."""
    exemption_certificate: Text
    """Certificate that an exemption rests on; "" when none does. (confidential)"""
    registration_check: Text
    """Proof that the client's registration was confirmed, e.g. a consultation number; "" when none was needed.
    (confidential)
    """


class TaxSetup(Record):
    """What decides the tax of a project's invoices, besides its tax code."""

    SUBJECT: ClassVar[str] = "psf.common.TaxSetup"

    supply_country: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """Country in which the service counts as supplied, ISO 3166-1 alpha-2 code; "" while not decided."""
    supply_region: Text
    """State or province in which it counts as supplied, as the tax engine names it; "" when the country has one
    tax.
    """
    our_registration: Text
    """Our registration number printed on its invoices; "" when none."""
    client_registration_country: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """Country of the client's registration that the treatment rests on, ISO 3166-1 alpha-2 code; the number is
    in the client record. "" when none.
    """
    reverse_charge: bool
    """True: the client owes the tax, and the invoice says so."""
    exemption_certificate: Text
    """Certificate by which the client pays no tax; "" when none. (confidential)"""
    exempt_until: date | None = None
    """Last local date on which the certificate holds; null when open or there is none."""


class WorkingCalendar(Record):
    """Which days are worked on a project, for schedules and for what a working day is."""

    SUBJECT: ClassVar[str] = "psf.common.WorkingCalendar"

    calendar_id: Text
    """Id of the calendar upstream, e.g. `UK-ENG`."""
    zone: Text
    """IANA zone in which the dates of the project are meant, e.g. `Europe/London`."""
    holiday_region: Text
    """Whose public holidays are free, ISO 3166-2 code, e.g. `GB-ENG`; "" when none are."""
    working_days: Annotated[Text, StringConstraints(pattern=r"^1?2?3?4?5?6?7?$")]
    """Days that are worked, ISO weekday numbers in order, e.g. `12345`."""
    day_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Worked time of one full working day. (unit s)"""


class ProjectBudget(Record):
    """What the project may take, as last approved."""

    SUBJECT: ClassVar[str] = "psf.common.ProjectBudget"

    budget_version: Text
    """Version of the budget, e.g. `2`."""
    approved_on: date | None = None
    """Local date on which this version was approved; null while it is a proposal."""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Worked time planned in all; 0 when it is not planned in time. (unit s)"""
    cost: Money | None = None
    """Labour and other cost planned in all; null when not planned. (confidential)"""
    revenue: Money | None = None
    """Revenue planned in all, before tax; null when not planned. (confidential)"""
    expenses: Money | None = None
    """Expenses planned in all, within `cost`; null when not planned. (confidential)"""


class TransferPricing(StrEnum):
    """How lent work is priced between two of our legal entities: at cost, at cost with a mark-up, by a rate
    card, or as a share of what the client pays. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    COST = "COST"
    COST_PLUS = "COST_PLUS"
    RATE_CARD = "RATE_CARD"
    REVENUE_SHARE = "REVENUE_SHARE"


class IntercompanyLending(Record):
    """People of another of our legal entities work on the project, and that one charges the project's for it."""

    SUBJECT: ClassVar[str] = "psf.common.IntercompanyLending"

    lending_entity: Text
    """Legal entity that employs the people, e.g. `PL01`."""
    pricing: Annotated[TransferPricing, Field(strict=False)]
    """How one charges the other."""
    share: Annotated[Decimal, Scaled(9, 6)]
    """Mark-up on cost, or share of what the client pays, as a fraction; 0 when the pricing needs none.
    (confidential, unit 1)
    """
    rate_card_id: Text
    """Rate card of the lent roles; "" when the pricing needs none."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency in which one charges the other, ISO 4217 alphabetic code."""
    tax_code: Text
    """Tax treatment between the two, e.g. `PL-RC`; "" when none."""
    agreement: Text
    """Number of the agreement between the two entities, for the transfer pricing file; "" when none.
    (confidential)
    """


class MilestoneStatus(StrEnum):
    """How far a milestone is. UNKNOWN: a symbol of a later version, or not told."""

    UNKNOWN = "UNKNOWN"
    PLANNED = "PLANNED"
    COMPLETED = "COMPLETED"
    ACCEPTED = "ACCEPTED"
    INVOICED = "INVOICED"
    CANCELLED = "CANCELLED"


class ProjectMilestone(Record):
    """A milestone of the plan, billed or not."""

    SUBJECT: ClassVar[str] = "psf.common.ProjectMilestone"

    milestone_id: Text
    """Id of the milestone."""
    milestone_name: Text
    """Title of the milestone. (confidential)"""
    amount: Money | None = None
    """Fee of the milestone, before tax; null when it bills nothing. (confidential)"""
    due_on: date | None = None
    """Local date by which it is planned; null when not planned."""
    status: Annotated[MilestoneStatus, Field(strict=False)]
    """How far it is."""


class Billability(StrEnum):
    """Whether work is meant to be invoiced, as its source says. UNKNOWN: the source does not say."""

    UNKNOWN = "UNKNOWN"
    BILLABLE = "BILLABLE"
    NOT_BILLABLE = "NOT_BILLABLE"

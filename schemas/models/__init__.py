"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from schemas.models.billing import BillingKind, BillingRequested
from schemas.models.client import ClientOnboarded
from schemas.models.common import Address, BillingModel, Head, Money, RoleRate, SystemReference
from schemas.models.delivery import Amended, Delivered, Discarded, Held, Rejected, Superseded, Unknown
from schemas.models.engagement import EngagementContracted
from schemas.models.enriched import (
    EnrichedBillingRequested,
    EnrichedInvoicePosted,
    EnrichedProjectRequested,
    EnrichedTimeApproved,
    EnrichedTimeRemoved,
)
from schemas.models.enrichment import (
    BillingRequestedEnrichment,
    InvoicePostedEnrichment,
    ProjectRequestedEnrichment,
    TimeApprovedEnrichment,
    TimeRemovedEnrichment,
)
from schemas.models.invoice import InvoiceLine, InvoicePosted
from schemas.models.milestone import MilestoneAccepted
from schemas.models.project import ProjectCreated, ProjectRequested
from schemas.models.time import (
    RemovalCause,
    TimeApproved,
    TimePosted,
    TimePosting,
    TimeRejected,
    TimeRemoved,
    TimeSubmitted,
)
from schemas.models.xref import CrossReferenceUpdated

__all__ = [
    "Address",
    "Amended",
    "BillingKind",
    "BillingModel",
    "BillingRequested",
    "BillingRequestedEnrichment",
    "ClientOnboarded",
    "CrossReferenceUpdated",
    "Delivered",
    "Discarded",
    "EngagementContracted",
    "EnrichedBillingRequested",
    "EnrichedInvoicePosted",
    "EnrichedProjectRequested",
    "EnrichedTimeApproved",
    "EnrichedTimeRemoved",
    "Head",
    "Held",
    "InvoiceLine",
    "InvoicePosted",
    "InvoicePostedEnrichment",
    "MilestoneAccepted",
    "Money",
    "ProjectCreated",
    "ProjectRequested",
    "ProjectRequestedEnrichment",
    "Rejected",
    "RemovalCause",
    "RoleRate",
    "Superseded",
    "SystemReference",
    "TimeApproved",
    "TimeApprovedEnrichment",
    "TimePosted",
    "TimePosting",
    "TimeRejected",
    "TimeRemoved",
    "TimeRemovedEnrichment",
    "TimeSubmitted",
    "Unknown",
]

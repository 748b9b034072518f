"""A contracted engagement asks for its project, once its terms are complete enough to bill by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import ClassVar

from psfabric.adapters import Entities, Fields, Known, Processor, Types
from psfabric.errors import Invalid
from psfabric.event import Event
from schemas.models import BillingModel, EngagementContracted, ProjectRequested


class RequestProject(Processor):
    """No settings. Refuses an engagement that could not be billed as it stands, naming everything that is wrong."""

    accepts: ClassVar[Types] = (EngagementContracted.EVENT,)
    emits: ClassVar[Types] = (ProjectRequested.EVENT,)
    reads: ClassVar[Fields] = {
        EngagementContracted.EVENT: (
            "billing_model",
            "contract_value.amount",
            "contract_value.currency",
            "currency",
            "engagement_name",
            "rates.billable",
            "rates.hourly_rate.amount",
            "rates.hourly_rate.currency",
            "rates.role",
            "tax_code",
        ),
    }
    hands_on: ClassVar[Fields] = {EngagementContracted.EVENT: (ProjectRequested.EVENT,)}
    needs: ClassVar[Entities] = ("client",)

    def process(self, event: Event, known: Known) -> Iterable[Event]:
        """One ProjectRequested under the project's id. Raises Invalid(engagement-incomplete), Held for the client."""
        terms = event.data
        if not isinstance(terms, EngagementContracted):
            raise TypeError(f"{self.name} was given {event.type}")
        wrong = [*_missing(terms), *_wrong_prices(terms)]
        if wrong:
            raise Invalid("engagement-incomplete", f"engagement {event.aggregate_id}: {'; '.join(wrong)}")
        known.client(terms.client_id)
        yield event.derive(
            ProjectRequested,
            component=self.name,
            aggregate_id=terms.project_id,
            partition_key=terms.project_id,
            engagement_id=event.aggregate_id,
            project_name=terms.engagement_name,
        )


def _missing(terms: EngagementContracted) -> Iterator[str]:
    for field in ("client_id", "project_id", "legal_entity", "engagement_name", "tax_code"):
        if not getattr(terms, field).strip():
            yield f"{field} is empty"
    if not terms.rates:
        yield "no role has a rate"


def _wrong_prices(terms: EngagementContracted) -> Iterator[str]:
    if terms.contract_value.currency != terms.currency:
        yield f"the contract value is in {terms.contract_value.currency}, the contract in {terms.currency}"
    if terms.contract_value.amount < 0:
        yield "the contract value is negative"
    for role, times in sorted(Counter(rate.role for rate in terms.rates).items()):
        if not role.strip():
            yield "a rate has no role"
        elif times > 1:
            yield f"role {role!r} has {times} rates"
    for rate in terms.rates:
        if rate.hourly_rate.currency != terms.currency:
            yield f"role {rate.role!r} is priced in {rate.hourly_rate.currency}, the contract is in {terms.currency}"
        if rate.hourly_rate.amount < 0:
            yield f"role {rate.role!r} has a negative rate"
    if terms.rates and terms.billing_model is BillingModel.TIME_AND_MATERIALS and not _earns(terms):
        yield "it is billed by time, but no billable role has a rate above zero"


def _earns(terms: EngagementContracted) -> bool:
    return any(rate.billable and rate.hourly_rate.amount > 0 for rate in terms.rates)

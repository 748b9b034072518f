"""One company's side of Tryton: its own records, looked up once a session, and the calls every document needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psfabric.errors import Invalid
from sinks.tryton_erp.rpc import Session, Values

PRICE_DIGITS = 4
"""Decimals that Tryton keeps of a price; it refuses more."""


@dataclass(frozen=True, slots=True)
class Company:
    """The company of this sink in Tryton."""

    id: int
    currency: str
    currency_id: int
    digits: int


@dataclass
class Names:
    """External ids of one company's records. `legal_entity` is its code; its party has external id `le:<code>`."""

    legal_entity: str

    def id(self, kind: str, *parts: str) -> str:
        """External id of a record of this company: unique over the whole database, so the legal entity comes first."""
        return ":".join((self.legal_entity, kind, *parts))

    def task_id(self, project_id: str, role: str) -> str:
        """External id of the task that holds a role's time; a colon in the project's id must not look like ours."""
        return self.id("task", project_id.replace("%", "%25").replace(":", "%3A"), role)


@dataclass
class Books(Names):
    """Calls made as one company. Time is billed with the product `hour_product`, milestones with `fee_product`."""

    session: Session
    hour_product: str
    fee_product: str
    _company: Company | None = None
    _products: dict[str, int] = field(default_factory=dict)

    async def company(self) -> Company:
        if self._company is None:
            fields = ["currency.code", "currency.digits"]
            domain = [["party.external_id", "=", f"le:{self.legal_entity}"]]
            rows = await self.session.call("model.company.company.search_read", domain, 0, 1, None, fields)
            if not rows:
                raise Invalid("legal-entity-unknown", f"no company in Tryton is le:{self.legal_entity}")
            currency = rows[0]["currency."]
            self._company = Company(rows[0]["id"], currency["code"], currency["id"], currency["digits"])
        return self._company

    async def call(
        self, model: str, method: str, *params: Any, timestamps: Mapping[str, str] | None = None, **context: Any
    ) -> Any:
        """A method of a model in the context of this company. `timestamps` (record -> `_timestamp` as read) makes a
        write fail, as Transient, when one of those records was changed since."""
        context["company"] = (await self.company()).id
        if timestamps:
            context["_timestamp"] = dict(timestamps)
        return await self.session.call(f"model.{model}.{method}", *params, context=context)

    async def rows(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        limit: int | None = None,
        order: Sequence[Any] | None = None,
        **context: Any,
    ) -> list[Values]:
        """Records of a search; the company is not a filter by itself, so `domain` has to name it or an external id."""
        search = (list(domain), 0, limit, order, list(fields))
        found: list[Values] = await self.call(model, "search_read", *search, **context)
        return found

    async def by_external_id(self, model: str, ids: Iterable[str], fields: Sequence[str] = ()) -> dict[str, Values]:
        """Records by external id, archived ones too: they still hold the id, and who has left may have worked."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        domain = [["external_id", "in", wanted]]
        rows = await self.rows(model, domain, ["external_id", *fields], active_test=False)
        return {row["external_id"]: row for row in rows}

    async def one(self, model: str, domain: Sequence[Any], code: str, why: str) -> int:
        """Id of the first record found; raises Invalid(code, why) when there is none."""
        rows = await self.rows(model, domain, ["id"], limit=1)
        if not rows:
            raise Invalid(code, why)
        return int(rows[0]["id"])

    async def product(self, code: str) -> int:
        if code not in self._products:
            why = f"no product in Tryton has the code {code}"
            self._products[code] = await self.one("product.product", [["code", "=", code]], "erp-refused", why)
        return self._products[code]

    async def tax(self, code: str) -> int:
        """The company's tax whose description is the fabric's tax code."""
        domain = [["company", "=", (await self.company()).id], ["description", "=", code]]
        return await self.one("account.tax", domain, "tax-unknown", f"{self.legal_entity} has no tax {code!r}")

    async def check_currency(self, currency: str) -> None:
        own = (await self.company()).currency
        if currency != own:
            raise Invalid("currency-mismatch", f"{self.legal_entity} keeps its books in {own}, not in {currency}")


def price(amount: Decimal) -> Decimal:
    """The amount as a price Tryton takes; raises Invalid when it has more than four decimals."""
    placed = amount.quantize(Decimal(1).scaleb(-PRICE_DIGITS))
    if placed != amount:
        raise Invalid("field-invalid", f"Tryton keeps {PRICE_DIGITS} decimals of a price")
    return placed


def compact(value: Any) -> str:
    """JSON text for a fact, the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

"""Reference events and a stand-in codec: bytes are JSON behind the name of the event."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import schemas
from psfabric.event import Event, Record, new_event, sequence
from schemas.models import ClientOnboarded, Money, ProjectCreated, RoleRate

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def project(id_: str = "PRJ-1", **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "engagement_id": "006A",
        "project_name": "Ledger renewal",
        "billing_model": "TIME_AND_MATERIALS",
        "currency": "GBP",
        "cost_centre": "CC-10",
        "tax_code": "GB-VAT-20",
        "revenue_rule": "AS_BILLED",
        "purchase_order": "",
        "contracted_on": date(2026, 3, 1),
        "rates": (RoleRate(role="Consultant", hourly_rate=Money(amount=Decimal(150), currency="GBP"), billable=True),),
        "references": (),
        **changes,
    }
    return new_event(
        ProjectCreated,
        source="salesforce-acme",
        native_id=id_,
        aggregate_id=id_,
        sequence=sequence(AT),
        time=AT,
        legal_entity="UK01",
        client_id="001A",
        project_id=id_,
        **fields,
    )


def client(id_: str = "001A") -> Event:
    return new_event(
        ClientOnboarded,
        source="salesforce-acme",
        native_id=id_,
        aggregate_id=id_,
        sequence=sequence(AT),
        time=AT,
        client_id=id_,
        name="Northwind Mills",
        client_number="C-7",
        address={"street": "", "city": "Leeds", "postal_code": "", "region": "", "country_code": "GB"},
        default_currency="GBP",
    )


def encode(event: Event) -> bytes:
    return f"{event.type}\n{event.data.model_dump_json()}".encode()


def decode(framed: bytes) -> Event:
    name, _, body = framed.decode().partition("\n")
    return Event(schemas.model(name).model_validate_json(body), AT, "test", "c-1")


def ref(entity: str, id_: str, offset: int, value: bytes | None, partition: int = 0) -> Record:
    return Record(f"ref.{entity}", partition, offset, f"{entity}:{id_}".encode(), value)

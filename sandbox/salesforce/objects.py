"""The objects of the simulated org, and Salesforce's record ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Kind = Literal["id", "string", "date", "datetime", "currency", "double", "boolean"]
READ_ONLY = frozenset({"Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp"})
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class SObject:
    """`prefix` begins every id; `topic` is where its changes are told ("" = nowhere)."""

    name: str
    prefix: str
    fields: dict[str, Kind]
    required: tuple[str, ...] = ()
    external_id: str = ""
    topic: str = ""


def _object(
    name: str, prefix: str, required: str = "", external_id: str = "", topic: str = "", **kinds: str
) -> SObject:
    fields: dict[str, Kind] = {"Id": "id", "IsDeleted": "boolean"}
    for kind, names in kinds.items():
        fields |= dict.fromkeys(names.split(), kind)  # type: ignore[arg-type]
    fields |= {"CreatedDate": "datetime", "LastModifiedDate": "datetime", "SystemModstamp": "datetime"}
    return SObject(name, prefix, fields, tuple(required.split()), external_id, topic)


OBJECTS = {
    made.name: made
    for made in (
        _object(
            "Account",
            "001",
            required="Name",
            string="Name AccountNumber BillingStreet BillingCity BillingPostalCode BillingState BillingCountryCode "
            "CurrencyIsoCode",
        ),
        _object(
            "Opportunity",
            "006",
            required="Name StageName CloseDate",
            topic="/data/OpportunityChangeEvent",
            string="Name StageName CurrencyIsoCode PSA_Project_Code__c Legal_Entity__c Billing_Model__c Cost_Center__c "
            "Tax_Code__c Purchase_Order__c Rev_Rec_Rule__c",
            id="AccountId",
            date="CloseDate",
            currency="Amount",
        ),
        _object(
            "OpportunityLineItem",
            "00k",
            required="OpportunityId",
            id="OpportunityId",
            string="Role__c",
            currency="UnitPrice",
            double="Quantity",
        ),
        _object(
            "pse__Milestone__c",
            "a0M",
            topic="/data/pse__Milestone__ChangeEvent",
            string="Name Project_Code__c CurrencyIsoCode pse__Status__c",
            currency="pse__Milestone_Amount__c",
            date="pse__Actual_Date__c",
        ),
        _object(
            "pse__Billing_Event__c",
            "a0B",
            topic="/data/pse__Billing_Event__ChangeEvent",
            string="Name Project_Code__c pse__Status__c",
            date="pse__Date__c",
        ),
        _object(
            "PSF_Invoice__c",
            "a0V",
            external_id="External_Id__c",
            string="Name External_Id__c Project_Code__c Number__c CurrencyIsoCode Status__c",
            id="Opportunity__c",
            currency="Net__c Tax__c Total__c",
            date="Invoice_Date__c",
        ),
    )
}
TOPICS = {made.topic: made for made in OBJECTS.values() if made.topic}


def record_id(prefix: str, number: int) -> str:
    """The 18-character id of the record with that number: 15 case-sensitive characters and their check."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return checked(prefix + "5g" + digits.rjust(10, "0"))


def checked(id: str) -> str:
    """The 18-character form of a 15-character id; other texts come back as they are."""
    if len(id) != 15:
        return id
    chunks = (id[start : start + 5] for start in (0, 5, 10))
    return id + "".join(_ALPHABET[sum(char.isupper() << place for place, char in enumerate(chunk))] for chunk in chunks)


def taken(kind: Kind, name: str, value: Any) -> Any:
    """The value as it is held: Decimal, date, text, bool or None. Raises ValueError with a sentence."""
    if value is None or value == "":
        return None
    if kind in ("currency", "double") and not isinstance(value, bool):
        try:
            return Decimal(value)
        except (InvalidOperation, TypeError):
            pass
    elif kind == "date" and isinstance(value, str):
        return date.fromisoformat(value[:10])
    elif kind == "datetime" and isinstance(value, str):
        return datetime.fromisoformat(value)
    elif (kind == "boolean") == isinstance(value, bool) and isinstance(value, bool | str):
        return checked(value) if kind == "id" and isinstance(value, str) else value
    raise ValueError(f"Cannot deserialize instance of {kind} from {value!r} in field {name}")


def shown(value: Any) -> Any:
    """The JSON form of a held value."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return value.isoformat() if isinstance(value, date) else value

"""Salesforce and its PSA package: won opportunities, accepted milestones and released billing events.

Change events come over the Pub/Sub API and say only which records changed, in part or (gap events) not at all, so every
one is thin: `hydrate` reads the records whole by REST. A version is the latest SystemModstamp of what was read; it has
whole seconds, so the commit number of the event breaks ties: a later event never yields an equal version.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from pydantic import PrivateAttr

from producers import salesforce_statement
from producers.salesforce_pubsub import Batch, Change, Login, PubSub, SignedOut, header_of
from producers.salesforce_rest import Fields, Rest, login_of, quoted
from producers.salesforce_translate import translated
from psfabric import strict_json, upstream
from psfabric.adapters import Line, Page, Polled, Stated, Thin, Types
from psfabric.errors import Invalid, Transient
from psfabric.event import Event, Raw
from psfabric.oauth import ClientCredentials
from psfabric.upstream import text

TOPICS = (
    "/data/OpportunityChangeEvent",
    "/data/pse__Milestone__ChangeEvent",
    "/data/pse__Billing_Event__ChangeEvent",
)

OBJECTS: dict[str, tuple[str, ...]] = {
    "Account": (
        *("Id", "Name", "AccountNumber", "BillingStreet", "BillingCity", "BillingPostalCode", "BillingState"),
        *("BillingCountryCode", "CurrencyIsoCode", "SystemModstamp"),
    ),
    "Opportunity": (
        *("Id", "Name", "AccountId", "StageName", "CloseDate", "Amount", "CurrencyIsoCode", "PSA_Project_Code__c"),
        *("Legal_Entity__c", "Billing_Model__c", "Cost_Center__c", "Tax_Code__c", "Purchase_Order__c"),
        *("Rev_Rec_Rule__c", "SystemModstamp", "IsDeleted"),
    ),
    "OpportunityLineItem": ("Id", "OpportunityId", "Role__c", "UnitPrice", "Quantity", "SystemModstamp"),
    "pse__Milestone__c": (
        *("Id", "Name", "Project_Code__c", "pse__Milestone_Amount__c", "CurrencyIsoCode", "pse__Status__c"),
        *("pse__Actual_Date__c", "SystemModstamp"),
    ),
    "pse__Billing_Event__c": ("Id", "Name", "Project_Code__c", "pse__Date__c", "pse__Status__c", "SystemModstamp"),
}
"""The fields read of each object; a full record holds exactly these."""

SNAPSHOTS = 3
T = TypeVar("T")
_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_OVERFLOW_ID = "000000000000000AAA"


class Salesforce(Polled, Thin, Stated):
    """Settings of one Salesforce org.

    base_url                   My Domain address: REST and token endpoint, e.g. https://acme.my.salesforce.com
    pubsub                     host:port of the Pub/Sub API, e.g. api.pubsub.salesforce.com:7443
    client_id, client_secret   connected app with the client credentials flow
    api_version                version of the REST API, e.g. 64.0
    tls                        false only for a simulator on this machine
    """

    emits: ClassVar[Types] = (
        "client.ClientOnboarded",
        "engagement.EngagementContracted",
        "milestone.MilestoneAccepted",
        "billing.BillingRequested",
    )

    base_url: upstream.Url
    pubsub: str
    client_id: str
    client_secret: upstream.Secret
    api_version: str = "64.0"
    tls: bool = True

    _credentials: ClientCredentials | None = PrivateAttr(default=None)
    _schemas: dict[str, str] = PrivateAttr(default_factory=dict)

    async def read(self, cursor: str | None) -> AsyncIterator[Page]:
        """Change events of all topics as they come. The cursor is JSON: topic to replay id in base64."""
        positions = _positions(cursor)
        async with PubSub(self.pubsub, tls=self.tls) as bus:
            login = await self._renewing(lambda login: bus.check(TOPICS[0], login))
            batches = bus.batches({topic: positions.get(topic) for topic in TOPICS}, login)
            try:
                async for batch in batches:
                    raws = [await self._raw(bus, batch.topic, change, login) for change in batch.changes]
                    before, positions = positions, {**positions, batch.topic: _position(batch)}
                    if positions != before:
                        yield Page(tuple(raws), _cursor(positions))
            except SignedOut:
                self._sign_in.forget(login.token)
                raise
            finally:
                await batches.aclose()

    async def hydrate(self, raw: Raw) -> Raw:
        """Read every record that the event names; {"notice", "records": [{"object", "id", "record", …}]}."""
        notice = await self._header(raw)
        ids, object = notice["recordIds"], notice["entityName"]
        if "OVERFLOW" in notice["changeType"] or _OVERFLOW_ID in ids or any("*" in id for id in ids):
            raise Invalid("resync-needed", f"{object}: Salesforce only says that many records changed")
        if not all(_RECORD_ID.fullmatch(id) for id in ids):
            raise Invalid("field-invalid", "recordIds holds something that is no record id")
        known = object in ("Opportunity", "pse__Milestone__c", "pse__Billing_Event__c")
        records = [await self._record(object, id) for id in ids] if known else []
        absent = bool(records) and all(found["record"] is None for found in records)
        return upstream.full(raw, {"notice": notice, "records": records}, absent=absent)

    def translate(self, full: Raw) -> Iterable[Event]:
        """What the records read mean; nothing for one that is gone or not that far."""
        return [] if full.absent else translated(self.name, full)

    def statement(self, entity: str) -> AsyncIterator[Line]:
        """`rate`: the prices of won opportunities; `milestone`: the accepted ones."""
        if entity not in ("rate", "milestone"):
            raise ValueError(f"Salesforce has no statement of {entity!r}: rate or milestone")
        read = salesforce_statement.rates if entity == "rate" else salesforce_statement.milestones
        return read(self._rest())

    # ------------------------------------------------------------------------------------------------ change events

    async def _raw(self, bus: PubSub, topic: str, change: Change, login: Login) -> Raw:
        """One event as received. An unreadable one is stored too, for `hydrate` to bury with its bytes."""
        replay = _b64(change.replay_id)
        headers = {
            "fabric-sf-topic": topic,
            "fabric-sf-schema-id": change.schema_id,
            "fabric-sf-replay-id": replay,
            "fabric-notice-id": change.id or replay,
            "content-type": "avro/binary",
        }
        try:
            ids = header_of(await self._schema(bus, change.schema_id, login), change.payload)["recordIds"]
        except Invalid:
            ids = []
        return Raw(key=next(iter(ids), "") or f"{topic}/{replay}", body=change.payload, headers=headers)

    async def _header(self, raw: Raw) -> Fields:
        schema_id = raw.headers.get("fabric-sf-schema-id", "")
        if schema_id not in self._schemas:
            async with PubSub(self.pubsub, tls=self.tls) as bus:
                await self._renewing(lambda login: self._schema(bus, schema_id, login))
        return header_of(self._schemas[schema_id], raw.body)

    async def _schema(self, bus: PubSub, schema_id: str, login: Login) -> str:
        """A schema never changes under its id, so it is asked for once."""
        if schema_id not in self._schemas:
            self._schemas[schema_id] = await bus.schema(schema_id, login)
        return self._schemas[schema_id]

    # ------------------------------------------------------------------------------------------------ records

    @property
    def _sign_in(self) -> ClientCredentials:
        if self._credentials is None:
            secret = self.client_secret.get_secret_value()
            url = f"{self.base_url}/services/oauth2/token"
            self._credentials = ClientCredentials(url, self.client_id, secret)
        return self._credentials

    async def _login(self) -> Login:
        return login_of(await self._sign_in.granted(self.http), self.base_url)

    async def _renewing(self, call: Callable[[Login], Awaitable[T]]) -> T:
        """A call that finds the token expired is made once more with a new one."""
        login = await self._login()
        try:
            return await call(login)
        except SignedOut:
            self._sign_in.forget(login.token)
            return await call(await self._login())

    def _rest(self) -> Rest:
        return Rest(self.http, self.base_url, self.api_version, self._sign_in)

    async def _record(self, object: str, id: str) -> Fields:
        if object == "Opportunity":
            return await self._opportunity(id)
        return {"object": object, "id": id, "record": await self._rest().record(object, id, OBJECTS[object])}

    async def _opportunity(self, id: str) -> Fields:
        """An opportunity with its account and lines as they were at one moment.

        The opportunity is read first: lines not newer than it were already so then. Otherwise it must not have changed
        meanwhile, or an old opportunity would travel under the version of a new line.
        """
        rest, account, lines = self._rest(), None, []
        found = await rest.record("Opportunity", id, OBJECTS["Opportunity"])
        for _ in range(SNAPSHOTS):
            if found is None:
                return {"object": "Opportunity", "id": id, "record": None, "account": None, "lines": []}
            account = await self._account(rest, text(found, "AccountId"))
            lines = await rest.query(_lines_of(id))
            state = {"object": "Opportunity", "id": id, "record": found, "account": account, "lines": lines}
            if all(_stamp(line) <= _stamp(found) for line in lines):
                return state
            before, found = found, await rest.record("Opportunity", id, OBJECTS["Opportunity"])
            if found == before:
                return state
        raise Transient("the opportunity keeps changing while it is read")

    async def _account(self, rest: Rest, id: str) -> Fields | None:
        return await rest.record("Account", id, OBJECTS["Account"]) if _RECORD_ID.fullmatch(id) else None


def _lines_of(opportunity: str) -> str:
    fields = ", ".join(OBJECTS["OpportunityLineItem"])
    return f"SELECT {fields} FROM OpportunityLineItem WHERE OpportunityId = {quoted(opportunity)} ORDER BY Id"


def _stamp(record: Any) -> datetime:
    return upstream.instant(record, "SystemModstamp")


def _positions(cursor: str | None) -> dict[str, bytes]:
    """Raises Invalid(cursor-expired) for a cursor that is none of ours: then too everything has to be read again."""
    if cursor is None:
        return {}
    try:
        return {
            topic: base64.b64decode(place, validate=True) for topic, place in strict_json.loads(cursor.encode()).items()
        }
    except (strict_json.NotJson, AttributeError, TypeError, binascii.Error):
        raise Invalid("cursor-expired", "the stored cursor is not JSON of topic to replay id") from None


def _cursor(positions: dict[str, bytes]) -> str:
    return strict_json.dumps({topic: _b64(place) for topic, place in positions.items()}).decode()


def _position(batch: Batch) -> bytes:
    return batch.latest or batch.changes[-1].replay_id


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()

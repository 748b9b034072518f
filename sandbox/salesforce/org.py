"""What the simulated org holds: records, access tokens, the count of API calls, and the topics of change events."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.salesforce.changes import Change, Topic
from sandbox.salesforce.objects import OBJECTS, READ_ONLY, TOPICS, SObject, checked, record_id, taken
from sandbox.web import Faults

Record = dict[str, Any]


class Problem(Exception):
    """An error in Salesforce's form."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields

    def shown(self) -> dict[str, Any]:
        return {"message": self.message, "errorCode": self.code, "fields": list(self.fields)}


def sobject(name: str) -> SObject:
    """The object of that name, in any case. Raises Problem."""
    for known, made in OBJECTS.items():
        if known.lower() == name.lower():
            return made
    raise Problem(404, "NOT_FOUND", "The requested resource does not exist")


@dataclass
class Org:
    """`base` is the address of the instance; `client_id` and `client_secret` are those of the connected app."""

    base: str
    client_id: str
    client_secret: str
    id: str = "00D5g000000SandEAG"
    user_id: str = "0055g000000SandAAG"
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    call_limit: int = 100_000
    calls: int = 0
    records: dict[str, dict[str, Record]] = field(default_factory=lambda: {name: {} for name in OBJECTS})
    topics: dict[str, Topic] = field(default_factory=lambda: {name: Topic(made) for name, made in TOPICS.items()})
    tokens: set[str] = field(default_factory=set)
    commits: int = 11_657_372_700_000

    def sign_in(self, client_id: str, client_secret: str) -> str | None:
        """A new access token for the right client id and secret, else None."""
        right = hmac.compare_digest(client_id.encode(), self.client_id.encode())
        if not hmac.compare_digest(client_secret.encode(), self.client_secret.encode()) or not right:
            return None
        token = f"{self.id[:15]}!{secrets.token_urlsafe(48)}"
        self.tokens.add(token)
        return token

    def count_call(self) -> None:
        """One API call more. Raises Problem above the limit of the org."""
        if self.calls >= self.call_limit:
            raise Problem(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.calls += 1

    def find(self, made: SObject, id: str) -> Record:
        """The record of that id. Raises Problem when there is none or it is deleted."""
        found = self.records[made.name].get(checked(id))
        if found is None:
            raise Problem(404, "NOT_FOUND", "The requested resource does not exist")
        if found["IsDeleted"]:
            raise Problem(404, "ENTITY_IS_DELETED", "entity is deleted")
        return found

    def matching(self, made: SObject, name: str, value: str) -> list[Record]:
        """Live records whose field has that text; without regard to case, as Salesforce compares external ids."""
        records = self.records[made.name].values()
        return [r for r in records if not r["IsDeleted"] and str(r[name] or "").casefold() == value.casefold()]

    def create(
        self, made: SObject, given: Mapping[str, Any], *, at: datetime | None = None, id: str = "", origin: str = ""
    ) -> Record:
        """A new record. Raises Problem for a wrong field, value or id."""
        values = self._values(made, given)
        if missing := tuple(name for name in made.required if values.get(name) is None):
            raise Problem(
                400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing
            )
        id = checked(id) or record_id(made.prefix, len(self.records[made.name]) + 1)
        if id in self.records[made.name]:
            raise Problem(400, "DUPLICATE_VALUE", f"duplicate value found: Id with value {id}", ("Id",))
        record = dict.fromkeys(made.fields) | values | {"Id": id, "IsDeleted": False}
        when = self._stamp(record, at, new=True)
        self.records[made.name][id] = record
        told = {name: value for name, value in record.items() if value is not None}
        self._tell(made, "CREATE", record, told, when, origin)
        return record

    def update(
        self, made: SObject, record: Record, given: Mapping[str, Any], *, at: datetime | None = None, origin: str = ""
    ) -> Record:
        """Change fields of a record. Raises Problem for a wrong field or value."""
        values = self._values(made, given)
        if emptied := tuple(name for name in made.required if name in values and values[name] is None):
            raise Problem(
                400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(emptied)}]", emptied
            )
        changed = {name: value for name, value in values.items() if record[name] != value}
        record |= changed
        when = self._stamp(record, at)
        self._tell(made, "UPDATE", record, changed | {"LastModifiedDate": when}, when, origin)
        return record

    def delete(self, made: SObject, record: Record, *, at: datetime | None = None, origin: str = "") -> None:
        """Into the recycle bin."""
        record["IsDeleted"] = True
        self._tell(made, "DELETE", record, {}, self._stamp(record, at), origin)

    def gap(self, made: SObject, record: Record, kind: str) -> None:
        """Tell a change as a gap event: a header without any field."""
        self._tell(made, f"GAP_{kind}", record, {}, self.clock.now(), "")

    def _values(self, made: SObject, given: Mapping[str, Any]) -> Record:
        values: Record = {}
        for name, value in given.items():
            if name == "attributes":
                continue
            if name not in made.fields:
                message = f"No such column '{name}' on sobject of type {made.name}"
                raise Problem(400, "INVALID_FIELD", message)
            if name in READ_ONLY:
                message = f"Unable to create/update fields: {name}. Please check the security settings of this field."
                raise Problem(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, (name,))
            values[name] = self._value(made, name, value)
        return values

    def _value(self, made: SObject, name: str, value: Any) -> Any:
        try:
            held = taken(made.fields[name], name, value)
        except ValueError as wrong:
            raise Problem(400, "JSON_PARSER_ERROR", str(wrong)) from wrong
        if isinstance(held, str) and len(held) > 255:
            raise Problem(400, "STRING_TOO_LONG", f"{name}: data value too large (max length=255)", (name,))
        return held

    def _stamp(self, record: Record, at: datetime | None, *, new: bool = False) -> datetime:
        """Whole seconds, as Salesforce keeps them: two writes within one second share their SystemModstamp."""
        when = (at or self.clock.now()).astimezone(UTC).replace(microsecond=0)
        record |= {"LastModifiedDate": when, "SystemModstamp": when} | ({"CreatedDate": when} if new else {})
        return when

    def _tell(self, made: SObject, kind: str, record: Record, values: Record, at: datetime, origin: str) -> None:
        if not made.topic:
            return
        self.commits += 1
        source = "com/salesforce/api/rest/64.0" + (f";client={origin}" if origin else "")
        self.topics[made.topic].tell(Change(kind, (record["Id"],), values, at, self.commits, self.user_id, source))

"""A finance person's hands in Tryton, over its own HTTP interface: people are on-boarded, documents counted and read,
periods closed. For the demo and for tests; the fabric itself never uses it.
"""

from __future__ import annotations

import datetime as dt
import json
import urllib.error
import urllib.request
from base64 import b64encode
from decimal import Decimal
from typing import Any

Row = dict[str, Any]


class TrytonRefused(Exception):
    """Tryton's own words for why it did not do it."""


class TrytonAdmin:
    """One login, synchronous. `company` is everywhere the code of the legal entity, e.g. `UK01`.

    The user `fabric` may on-board and read; closing periods needs `admin`.
    """

    def __init__(self, url: str, database: str, user: str, password: str, *, timeout: float = 60.0) -> None:
        self._url, self._timeout = f"{url.rstrip('/')}/{database}/rpc/", timeout
        self._authorization = ""
        user_id, token, *_ = self.call("common.db.login", user, {"password": password}, "en")
        self._authorization = "Session " + b64encode(f"{user}:{user_id}:{token}".encode()).decode()
        self._companies: dict[str, int] = {}

    def call(self, method: str, *params: Any) -> Any:
        """One method; a model's method wants its context as the last parameter."""
        body = json.dumps({"id": 1, "method": method, "params": params}, default=_encode).encode()
        headers = {"Content-Type": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        request = urllib.request.Request(self._url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                answer = json.loads(response.read(), parse_float=Decimal, object_hook=_decode)
        except urllib.error.HTTPError as error:
            raise TrytonRefused(f"{method}: Tryton answered {error.code}") from None
        if "error" in answer:
            raise TrytonRefused(f"{method}: {answer['error']}")
        return answer["result"]

    def company(self, company: str) -> int:
        """Tryton's id of the company. Raises TrytonRefused when there is none."""
        if company not in self._companies:
            rows = self.rows("company.company", [["party.external_id", "=", f"le:{company}"]], ["id"])
            if not rows:
                raise TrytonRefused(f"no company in Tryton is le:{company}")
            self._companies[company] = rows[0]["id"]
        return self._companies[company]

    def rows(self, model: str, domain: list[Any], fields: list[str]) -> list[Row]:
        found: list[Row] = self.call(f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], fields, {})
        return found

    def count(self, model: str, domain: list[Any] | None = None) -> int:
        """Number of records, e.g. `count("timesheet.line", [["external_id", "like", "UK01:%"]])`."""
        return int(self.call(f"model.{model}.search_count", domain or [], {}))

    def documents(self, company: str) -> dict[str, int]:
        """How many projects, tasks, time lines, posted and unposted customer invoices the company has."""
        mine = ["company", "=", self.company(company)]
        posted = ["state", "in", ["posted", "paid", "cancelled"]]
        unposted = ["state", "in", ["draft", "validated"]]
        return {
            "projects": self.count("project.work", [mine, ["type", "=", "project"]]),
            "tasks": self.count("project.work", [mine, ["type", "=", "task"]]),
            "time": self.count("timesheet.line", [mine]),
            "posted": self.count("account.invoice", [mine, ["type", "=", "out"], posted]),
            "unposted": self.count("account.invoice", [mine, ["type", "=", "out"], unposted]),
        }

    def onboard(self, company: str, resource_id: str, name: str) -> int:
        """Make a person an employee of the company (external id `<company>:resource:<resource id>`), unless he is one.

        Returns Tryton's id of the employee.
        """
        external_id = f"{company}:resource:{resource_id}"
        found = self.rows("company.employee", [["external_id", "=", external_id]], ["id"])
        if found:
            return int(found[0]["id"])
        id = self.company(company)
        (party,) = self.call("model.party.party.create", [{"name": name}], {})
        values = {"party": party, "company": id, "external_id": external_id}
        (employee,) = self.call("model.company.employee.create", [values], {"company": id})
        return int(employee)

    def time_lines(self, company: str) -> list[Row]:
        """Time lines: `id`, `external_id`, `date`, `duration` (timedelta), `invoice_line` (None while unbilled)."""
        fields = ["external_id", "date", "duration", "invoice_line"]
        return self.rows("timesheet.line", [["company", "=", self.company(company)]], fields)

    def invoices(self, company: str) -> list[Row]:
        """Customer invoices: `id`, `external_id`, `number`, `state`, `invoice_date`, the three amounts."""
        fields = ["external_id", "number", "state", "invoice_date", "untaxed_amount", "tax_amount", "total_amount"]
        return self.rows("account.invoice", [["company", "=", self.company(company)], ["type", "=", "out"]], fields)

    def close_period(self, company: str, month: str) -> None:
        """Close the accounting period of a month `YYYY-MM`: nothing can be posted into it until it is opened again."""
        self._period(company, month, "close")

    def reopen_period(self, company: str, month: str) -> None:
        self._period(company, month, "reopen")

    def _period(self, company: str, month: str, method: str) -> None:
        id, first = self.company(company), dt.date.fromisoformat(f"{month}-01")
        rows = self.rows("account.period", [["company", "=", id], ["start_date", "=", first]], ["state"])
        if not rows:
            raise TrytonRefused(f"{company} has no period {month}")
        self.call(f"model.account.period.{method}", [rows[0]["id"]], {"company": id})


def _encode(value: Any) -> Any:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case dt.date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
        case dt.timedelta():
            return {"__class__": "timedelta", "seconds": value // dt.timedelta(seconds=1)}
        case _:
            raise TypeError(f"{type(value).__name__} cannot be sent to Tryton")


def _decode(found: dict[str, Any]) -> Any:
    match found.get("__class__"):
        case "Decimal":
            return Decimal(found["decimal"])
        case "date":
            return dt.date(found["year"], found["month"], found["day"])
        case "timedelta":
            return dt.timedelta(seconds=int(found["seconds"]))
        case _:
            return found

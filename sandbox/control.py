"""Steer the simulated vendors: act in them as people do, at past instants too, and decide what webhooks do.

Used by the working day and by tests. Every call goes to an endpoint under `/_sandbox/`; what each takes is written in
`sandbox.jira.control` and `sandbox.salesforce.control`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import Any, Self

import httpx

BATCH = 200
Row = dict[str, Any]


class ControlError(Exception):
    """The sandbox refused a control call; the text is its reason."""


class NotSettled(ControlError):
    """Webhooks were still on their way when the time was up."""


class Control:
    """A connection to one running sandbox. Use it as a context manager, or close it."""

    def __init__(self, jira_url: str, salesforce_url: str, *, timeout: float = 30.0) -> None:
        self._jira = _client(jira_url, timeout)
        self._salesforce = _client(salesforce_url, timeout)

    def close(self) -> None:
        self._jira.close()
        self._salesforce.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Jira

    def act(self, actions: Iterable[Mapping[str, Any]]) -> list[int | None]:
        """Perform actions in order. Returns the id of what each made or changed (None for a deletion)."""
        ids: list[int | None] = []
        for batch in _batches(actions):
            ids += self._post(self._jira, "actions", {"actions": batch})["ids"]
        return ids

    def release(self, labels: Sequence[str] | None = None) -> int:
        """Send the webhooks held under these labels, or all that are held. Returns how many."""
        body = {} if labels is None else {"labels": list(labels)}
        return int(self._post(self._jira, "deliveries/release", body)["released"])

    def redeliver(self) -> int:
        """Post everything that was ever posted once more, under the same identifiers. Returns how many."""
        return int(self._post(self._jira, "deliveries/redeliver", {})["redelivered"])

    def deliver_raw(self, body: str, signature: str = "valid") -> Row:
        """Post a body that Jira would not send; `signature` is "valid", "forged" or "none". Returns its delivery."""
        delivery: Row = self._post(self._jira, "deliveries/raw", {"body": body, "signature": signature})
        return delivery

    def deliveries(self, status: str | None = None) -> list[Row]:
        """Webhooks: id, event, about, status, attempts, answer, hold, flow."""
        params = {} if status is None else {"status": status}
        return list(self._get(self._jira, "deliveries", params))

    def summary(self) -> dict[str, int]:
        """How many webhooks are held, pending, delivered, refused, gave_up, silent."""
        return dict(self._get(self._jira, "deliveries/summary"))

    def settle(self, within: float = 60.0) -> dict[str, int]:
        """Wait until no webhook is on its way. Returns the summary; raises NotSettled after `within` seconds."""
        end = time.monotonic() + within
        while (summary := self.summary())["pending"]:
            if time.monotonic() > end:
                raise NotSettled(f"{summary['pending']} webhooks did not reach intake within {within:g} s")
            time.sleep(0.05)
        return summary

    def worklogs(self) -> list[Row]:
        """What Jira truly holds, by id: issue, project_code, role, author, seconds, date, or deleted."""
        return list(self._get(self._jira, "worklogs"))

    def set_intake(self, url: str) -> None:
        """Where webhooks go from now on."""
        self._post(self._jira, "intake", {"url": url})

    def jira_faults(self, **faults: Any) -> None:
        """See sandbox.web.Faults."""
        self._post(self._jira, "faults", faults)

    # Salesforce

    def write(self, writes: Iterable[Mapping[str, Any]]) -> list[str]:
        """Make or change records of given ids, in order. Returns the ids."""
        ids: list[str] = []
        for batch in _batches(writes):
            ids += self._post(self._salesforce, "writes", {"writes": batch})["ids"]
        return ids

    def records(self, sobject: str) -> list[Row]:
        """All records of an object, deleted ones too."""
        return list(self._get(self._salesforce, f"records/{sobject}"))

    def gap(self, sobject: str, id: str, kind: str = "UPDATE") -> None:
        """A gap event for a record: a change event that tells no field."""
        self._post(self._salesforce, "gaps", {"object": sobject, "id": id, "kind": kind})

    def expire_tokens(self) -> None:
        """No access token is good any more."""
        self._post(self._salesforce, "tokens/expire", {})

    def limit_calls(self, calls: int) -> None:
        """Set the daily allocation of API calls."""
        self._post(self._salesforce, "limits", {"calls": calls})

    def salesforce_faults(self, **faults: Any) -> None:
        """See sandbox.web.Faults."""
        self._post(self._salesforce, "faults", faults)

    # both

    def hold_clock(self, at: datetime | None) -> None:
        """Both systems believe it is `at`; None lets their clocks run again."""
        body = {"now": at and at.isoformat()}
        self._post(self._jira, "clock", body)
        self._post(self._salesforce, "clock", body)

    def _post(self, client: httpx.Client, path: str, body: object) -> Any:
        return _answer(client.post(path, json=body))

    def _get(self, client: httpx.Client, path: str, params: Mapping[str, str] | None = None) -> Any:
        return _answer(client.get(path, params=params))


def _client(url: str, timeout: float) -> httpx.Client:
    # Plain HTTP on the loopback address: reading the certificates of the machine would only cost time.
    return httpx.Client(base_url=f"{url.rstrip('/')}/_sandbox/", timeout=timeout, verify=False)


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterable[list[Mapping[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield batch


def _answer(response: httpx.Response) -> Any:
    if response.status_code >= 400:
        raise ControlError(response.json().get("error", response.text))
    return response.json()

"""Outgoing webhooks of the simulated Jira: signed, retried, recorded; on request held back, repeated, silent.

The rules are those of Atlassian's page "Webhooks": `X-Hub-Signature` over the raw body, an identifier that stays the
same across retries, retries on 408, 409, 425, 429, 5xx and time-outs, no promise about order. The waits between tries
are seconds here, not minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.web import dump

RETRIED = frozenset({408, 409, 425, 429})


@dataclass(frozen=True)
class Emission:
    """How one action is told: `times` posts (0 = never), kept back under `hold` until that label is released."""

    times: int = 1
    hold: str = ""
    flow: str = "Primary"


@dataclass
class Delivery:
    """One webhook and what became of it.

    status: held | pending | delivered | refused (an answer that is not retried) | gave_up | silent
    """

    event: str
    about: str
    body: bytes
    signature: str
    flow: str = "Primary"
    hold: str = ""
    posts_left: int = 1
    status: str = "pending"
    attempts: int = 0
    failures: int = 0
    retry: int = 0
    answer: int | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def shown(self) -> dict[str, Any]:
        """For the control endpoint."""
        names = ("id", "event", "about", "status", "attempts", "answer", "hold", "flow")
        return {name: getattr(self, name) for name in names}


class Outbox:
    """All deliveries of a site. They go to `<intake>/in/jira-acme`; while that is "" they wait."""

    def __init__(
        self, intake: str, secret: str, *, workers: int = 8, tries: int = 80, longest_wait: float = 2.0
    ) -> None:
        self.intake = intake
        self.deliveries: list[Delivery] = []
        self._secret = secret.encode()
        self._workers = workers
        self._tries = tries
        self._longest_wait = longest_wait
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()

    def sign(self, body: bytes) -> str:
        """The value of X-Hub-Signature."""
        return "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()

    def tell(self, payload: dict[str, Any], about: str, emission: Emission) -> Delivery:
        """Record a webhook and send it as `emission` says."""
        body = dump(payload)
        made = Delivery(str(payload["webhookEvent"]), about, body, self.sign(body), emission.flow, emission.hold)
        made.posts_left = emission.times
        return self._start(made)

    def tell_raw(self, body: bytes, signature: str) -> Delivery:
        """Send bytes that Jira would never send; `signature` is "valid", "forged" or "none"."""
        signed = {"valid": self.sign(body), "forged": "sha256=" + "0" * 64, "none": ""}[signature]
        return self._start(Delivery("raw", signature, body, signed))

    def _start(self, delivery: Delivery) -> Delivery:
        self.deliveries.append(delivery)
        if delivery.posts_left == 0:
            delivery.status = "silent"
        elif delivery.hold:
            delivery.status = "held"
        else:
            self._queue.put_nowait(delivery)
        return delivery

    def release(self, labels: Iterable[str] | None = None) -> int:
        """Send what was held under these labels (None = everything). Returns how many."""
        wanted = None if labels is None else set(labels)
        freed = [d for d in self.deliveries if d.status == "held" and (wanted is None or d.hold in wanted)]
        for delivery in freed:
            delivery.status = "pending"
            self._queue.put_nowait(delivery)
        return len(freed)

    def redeliver(self) -> int:
        """Post everything that was ever posted once more, under the same identifiers. Returns how many."""
        again = [d for d in self.deliveries if d.status in ("delivered", "refused", "gave_up")]
        for delivery in again:
            delivery.status, delivery.posts_left, delivery.failures = "pending", 1, 0
            delivery.retry += 1
            self._queue.put_nowait(delivery)
        return len(again)

    def summary(self) -> dict[str, int]:
        """How many deliveries are in each status."""
        counted = Counter(delivery.status for delivery in self.deliveries)
        return {name: counted[name] for name in ("held", "pending", "delivered", "refused", "gave_up", "silent")}

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with httpx.AsyncClient(timeout=5) as client, asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work(client))

    async def _work(self, client: httpx.AsyncClient) -> None:
        while True:
            delivery = await self._queue.get()
            self._note(delivery, await self._post(client, delivery))

    async def _post(self, client: httpx.AsyncClient, delivery: Delivery) -> int | None:
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": "Atlassian HttpClient",
            "X-Atlassian-Webhook-Identifier": delivery.id,
            "X-Atlassian-Webhook-Retry": str(delivery.retry),
            "X-Atlassian-Webhook-Flow": delivery.flow,
        }
        if delivery.signature:
            headers["X-Hub-Signature"] = delivery.signature
        if not self.intake:
            return None
        try:
            answer = await client.post(
                f"{self.intake.rstrip('/')}/in/jira-acme", content=delivery.body, headers=headers
            )
        except httpx.HTTPError:
            return None
        return answer.status_code

    def _note(self, delivery: Delivery, answer: int | None) -> None:
        delivery.attempts += 1
        delivery.answer = answer
        if answer is None or answer in RETRIED or answer >= 500:
            self._retry(delivery)
        elif answer >= 300:
            delivery.status = "refused"
        else:
            self._delivered(delivery)

    def _delivered(self, delivery: Delivery) -> None:
        delivery.posts_left -= 1
        delivery.failures = 0
        if delivery.posts_left:
            delivery.retry += 1
            self._queue.put_nowait(delivery)
        else:
            delivery.status = "delivered"

    def _retry(self, delivery: Delivery) -> None:
        delivery.failures += 1
        if delivery.failures >= self._tries:
            delivery.status = "gave_up"
            return
        delivery.retry += 1
        wait = min(self._longest_wait, 0.1 * 2 ** min(delivery.failures, 6))
        asyncio.get_running_loop().call_later(wait, self._queue.put_nowait, delivery)

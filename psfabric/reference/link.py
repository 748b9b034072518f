"""The one module that imports the Redis client: run a script, or say in one word why that could not be done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from psfabric.errors import Misconfigured, Transient

CONNECT_TIMEOUT = 1.0
"""Seconds; lookups run in the event loop's thread, so an unreachable Redis must be noticed soon."""

PAUSE = 0.5
"""Seconds for which, after a failure to reach Redis, callers are told so without trying: with a Redis that hangs,
each of a thousand waiting records would otherwise cost a whole time-out."""


class Link:
    """A connection pool to one Redis. Thread-safe; connects when first used. `whose` it is called in messages."""

    def __init__(self, url: str, timeout: float, whose: str = "the reference store's Redis") -> None:
        try:
            self._redis = redis.Redis.from_url(
                url,
                socket_connect_timeout=min(CONNECT_TIMEOUT, timeout),
                socket_timeout=timeout,
                # Once, at once: a pooled connection whose server was restarted meanwhile only shows when used.
                retry=Retry(NoBackoff(), 1),
                retry_on_error=[redis.ConnectionError],
                protocol=2,
                decode_responses=False,
            )
        except ValueError as error:
            raise Misconfigured(
                [f"the Redis URL: {error}; wanted redis://[user:password@]host:port/database"]
            ) from None
        self._whose = whose
        self._scripts: dict[str, Any] = {}
        self._quiet_until = 0.0

    def run(self, script: str, key: str, args: Sequence[bytes | str | int]) -> list[Any]:
        """The script's answer. Raises Transient for whatever Redis or the network has against it."""
        if time.monotonic() < self._quiet_until:
            raise Transient(f"{self._whose} was not reachable a moment ago")
        try:
            answer = self._script(script)(keys=[key], args=list(args))
        except redis.RedisError as error:
            if isinstance(error, redis.ConnectionError | redis.TimeoutError):
                self._quiet_until = time.monotonic() + PAUSE
            # The class name only: messages of the client may show the URL, and with it the password.
            raise Transient(f"{self._whose}: {_reason(error)}") from None
        if not isinstance(answer, list) or not answer:
            raise Transient(f"{self._whose} gave an answer that is none of ours")
        return answer

    def reachable(self) -> bool:
        """Whether Redis answers now, whatever it holds."""
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def close(self) -> None:
        self._redis.close()

    def _script(self, text: str) -> Any:
        if text not in self._scripts:
            self._scripts[text] = self._redis.register_script(text)
        return self._scripts[text]


def _reason(error: redis.RedisError) -> str:
    known: tuple[tuple[type[redis.RedisError], str], ...] = (
        (redis.exceptions.OutOfMemoryError, "out of memory (raise maxmemory; policy noeviction)"),
        (redis.exceptions.ReadOnlyError, "is a read-only replica"),
        (redis.exceptions.BusyLoadingError, "is loading its own data"),
        (redis.AuthenticationError, "refused the credentials"),
        (
            redis.exceptions.NoPermissionError,
            "the user lacks a permission (EVALSHA, SCRIPT, INFO and hashes of our key)",
        ),
        (redis.TimeoutError, "did not answer in time"),
        (redis.ConnectionError, "not reachable"),
    )
    for kind, words in known:
        if isinstance(error, kind):
            return words
    if "maxmemory" in str(error):
        return known[0][1]
    return type(error).__name__

"""Signing in as a program: OAuth 2.0 client credentials (RFC 6749, section 4.4), and the one renewal when it expires.

The token is a cache of the connection, not state: losing it costs one sign-in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from psfabric import upstream
from psfabric.errors import Invalid, Transient
from psfabric.http import Http, Response


class ClientCredentials:
    """The access token of one client, shared by all calls of an instance; however many find it expired, one renews."""

    def __init__(self, token_url: str, client_id: str, client_secret: str) -> None:
        self._url = token_url
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        self._granted: dict[str, Any] = {}
        self._lock = asyncio.Lock()

    async def token(self, http: Http) -> str:
        """A token believed good. Raises Transient; wrong credentials are Transient too: a person repairs them, and
        no record is to blame."""
        return upstream.text(await self.granted(http), "access_token")

    async def granted(self, http: Http) -> dict[str, Any]:
        """The whole answer that the token came with: some vendors say more in it, e.g. which tenant it is for."""
        async with self._lock:
            if not self._granted:
                answer = await upstream.read(http, "POST", self._url, data=self._form)
                if answer.status != 200:
                    raise Transient(f"the token endpoint refused the client id or secret ({answer.status})")
                self._granted = _granted(answer)
            return self._granted

    def forget(self, token: str) -> None:
        """Sign in anew next time, unless somebody did already."""
        if upstream.text(self._granted, "access_token") == token:
            self._granted = {}

    async def request(
        self,
        http: Http,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Response:
        """One authenticated request, sent again once with a new token when the answer is 401: that one had no effect.

        Raises what `Http.request` raises, and Transient when a fresh token is refused too.
        """
        for _ in range(2):
            token = await self.token(http)
            bearer = {**(headers or {}), "authorization": f"Bearer {token}"}
            answer = await http.request(method, url, headers=bearer, params=params, content=content)
            if answer.status != 401:
                return answer
            self.forget(token)
        raise Transient("a fresh access token was refused")


def _granted(answer: Response) -> dict[str, Any]:
    try:
        granted = upstream.content(answer)
    except Invalid as error:
        raise Transient(f"the token endpoint: {error.why}") from None
    if not upstream.text(granted, "access_token"):
        raise Transient("the token endpoint gave no access_token")
    return granted

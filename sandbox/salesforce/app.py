"""The HTTP application of the simulated Salesforce org."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce.control import Steering
from sandbox.salesforce.org import Org
from sandbox.salesforce.rest import Rest
from sandbox.web import reply


def application(org: Org) -> Starlette:
    """REST, control and health of one org."""

    async def health(request: Request) -> Response:
        return reply({"ready": True})

    return Starlette(routes=[Route("/health", health), *Rest(org).routes(), *Steering(org).routes()])

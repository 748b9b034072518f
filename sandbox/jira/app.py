"""The HTTP application of the simulated Jira."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.jira.control import Steering
from sandbox.jira.rest import Rest
from sandbox.jira.site import Site
from sandbox.web import reply


def application(site: Site) -> Starlette:
    """REST, control and health of one site."""

    async def health(request: Request) -> Response:
        return reply({"ready": True})

    routes = [Route("/health", health), *Rest(site).routes(), *Steering(site).routes()]
    return Starlette(routes=routes)

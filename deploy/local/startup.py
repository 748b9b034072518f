"""Start parts in the order of their needs, independent ones at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from deploy.local.part import Part

_PATIENCE = 3.0  # seconds that interrupted threads get to let go; they are daemons and hold nothing beyond the process


class Interrupted(Exception):
    """Another part failed, or a person has had enough: this start is given up."""


def start_in_order(parts: Mapping[str, Part], start: Callable[[str], None], abort: threading.Event) -> None:
    """Call `start(name)` for each part, in a thread of its own, once all of `parts` that it needs have been started.

    The first error sets `abort`, on which `start` should raise Interrupted, and is raised when all threads have ended.
    """
    abort.clear()
    done = {name: threading.Event() for name in parts}
    errors: list[BaseException] = []

    def run(name: str) -> None:
        try:
            for need in parts[name].needs:
                _wait(done.get(need), abort)
            start(name)
            done[name].set()
        except Interrupted:
            return
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            errors.append(error)
            abort.set()

    threads = [threading.Thread(target=run, args=(name,), daemon=True, name=f"start-{name}") for name in parts]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        abort.set()
        for thread in threads:
            thread.join(_PATIENCE)
        raise
    if errors:
        raise errors[0]


def _wait(event: threading.Event | None, abort: threading.Event) -> None:
    while event is not None and not event.wait(0.02):
        if abort.is_set():
            raise Interrupted

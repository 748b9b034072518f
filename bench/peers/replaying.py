"""An operator beside the live traffic, in a process of its own: applies one plan for each line of standard input."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bench.meter import asked
from bench.work import codec
from psfabric.connection import Kafka
from replay import Operator, Selection, Terms, apply, dead_letters, make_plan


def main(want: Mapping[str, Any]) -> None:
    """Prints `ready` once the plans are made, and after each the number of records sent."""
    kafka, name, size = Kafka(want["bootstrap"]), want["group"], want["records"]
    letters = sorted(dead_letters(kafka, [name]), key=lambda each: each.offset)
    parts = [letters[at : at + size] for at in range(0, len(letters), size)]
    coding, now = codec(lazy=True), datetime.now(UTC)
    plans = [make_plan(kafka, coding, part, Selection(), [name], who="bench", now=now) for part in parts]
    print("ready", flush=True)
    for plan, _ in zip(plans, sys.stdin, strict=False):
        done = apply(kafka, plan, Operator("bench"), Terms(rate=want["rate"]))
        print(done.sent, flush=True)


if __name__ == "__main__":
    main(asked())

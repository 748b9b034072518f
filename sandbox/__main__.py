"""`python -m sandbox serve` runs the simulated vendors, `play` plays an invented month into running ones.

Credentials come from the environment (PSF_JIRA_USER, …).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import Any

from sandbox.play import ACTS, FIRST, NotPlayed, play
from sandbox.serve import Options, Unusable, serve


def main() -> int:
    """0 when done or after a signal to stop, 2 when it cannot be done as asked."""
    given = vars(_parser().parse_args())
    act = given.pop("act")
    try:
        act(given)
    except (Unusable, NotPlayed) as why:
        print(f"sandbox: {why}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Simulated Jira Cloud and Salesforce.")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    verb = verbs.add_parser("play", help="play an invented month into the stack of `make up`")
    verb.add_argument("--seed", type=int, default=1, help="which month; the same seed gives the same month")
    acts = f"of: {', '.join(ACTS)}; none = {' '.join(FIRST)}"
    verb.add_argument("acts", nargs="*", metavar="act", help=acts)
    verb.set_defaults(act=_play)
    verb = verbs.add_parser("serve", help="serve both vendors on the loopback address until SIGTERM")
    verb.set_defaults(act=_serve)
    for name in ("jira", "salesforce", "pubsub"):
        verb.add_argument(f"--{name}-port", type=int, default=0, help="0 = the kernel chooses")
    verb.add_argument(
        "--intake-url",
        default="",
        help="webhooks go to <intake-url>/in/jira-acme; without it they wait until /_sandbox/intake names one",
    )
    verb.add_argument("--keep-alive", type=float, default=60.0, help="seconds between empty Pub/Sub responses")
    verb.add_argument("--webhook-tries", type=int, default=80, help="tries before a webhook is given up")
    return parser


def _play(given: dict[str, Any]) -> None:
    acts = given["acts"] or FIRST
    unknown = [name for name in acts if name not in ACTS]
    if unknown:
        raise NotPlayed(f"no act is called {unknown[0]}; there is {', '.join(ACTS)}")
    play(os.environ, given["seed"], acts, lambda sentence: print(sentence, file=sys.stderr))


def _serve(given: dict[str, Any]) -> None:
    asyncio.run(serve(Options(**given), os.environ))


if __name__ == "__main__":
    sys.exit(main())

"""`python -m sandbox serve`: run the simulated vendors. Credentials come from the environment (PSF_JIRA_USER, …)."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from sandbox.serve import Options, Unusable, serve


def main() -> int:
    """0 after a signal to stop, 2 when it cannot start as asked."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Simulated Jira Cloud and Salesforce.")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    verb = verbs.add_parser("serve", help="serve both vendors on the loopback address until SIGTERM")
    for name in ("jira", "salesforce", "pubsub"):
        verb.add_argument(f"--{name}-port", type=int, default=0, help="0 = the kernel chooses")
    verb.add_argument(
        "--intake-url",
        default="",
        help="webhooks go to <intake-url>/in/jira-acme; without it they wait until /_sandbox/intake names one",
    )
    verb.add_argument("--keep-alive", type=float, default=60.0, help="seconds between empty Pub/Sub responses")
    verb.add_argument("--webhook-tries", type=int, default=80, help="tries before a webhook is given up")
    given = parser.parse_args()
    try:
        asyncio.run(serve(Options(**vars(given)), os.environ))
    except Unusable as why:
        print(f"sandbox: {why}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m deploy.local up|down|status|logs|restart|fetch`: the stack that `make up` leaves running."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from deploy.local import ALL, Console, LocalError, PartStatus, Stack
from deploy.local.part import Part
from deploy.local.startup import Interrupted

ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: Sequence[str] | None = None, catalogue: Mapping[str, Part] = ALL) -> int:
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ended_by)
    try:
        parts = options.parts or list(catalogue)
        tell = Console()
        stack = Stack(options.root, options.stack, parts, on_progress=tell, detached=True, catalogue=catalogue)
        return int(options.run(stack, options))
    except LocalError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, Interrupted):
        print("\nInterrupted; what this command had started is stopped again.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="The local stack of this checkout.")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--stack", default="up", help="name of the stack (default: up)")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, run, about in (
        ("up", _up, "start all parts, or those named, and leave them running"),
        ("down", _down, "stop everything that `up` started; data is kept"),
        ("status", _status, "show each part"),
        ("logs", _logs, "show the end of each part's log"),
        ("restart", _restart, "stop and start the parts named"),
        ("fetch", _fetch, "only download and build what the parts need"),
    ):
        verb = verbs.add_parser(name, help=about, description=about)
        verb.set_defaults(run=run)
        verb.add_argument("parts", nargs="+" if name == "restart" else "*", help=f"of: {', '.join(ALL)}")
        if name == "logs":
            verb.add_argument("-n", "--lines", type=int, default=15)
    return parser


def _up(stack: Stack, _: argparse.Namespace) -> int:
    begun = time.monotonic()
    stack.up()
    path = os.path.relpath(stack.folder.path)
    print(f"\nup in {time.monotonic() - begun:.1f} s\n", file=sys.stderr)
    _table(stack.status())
    print(f"\nEndpoints and secrets: {path}/endpoints.env   logs: {path}/log/   stop: make down", file=sys.stderr)
    return 0


def _down(stack: Stack, _: argparse.Namespace) -> int:
    stack.down()
    return 0


def _status(stack: Stack, _: argparse.Namespace) -> int:
    parts = stack.status()
    _table(parts)
    return 0 if all(part.state in ("ready", "given", "done") for part in parts) else 1


def _logs(stack: Stack, options: argparse.Namespace) -> int:
    for part in stack.parts:
        if stack.log(part).exists():
            print(f"==> {os.path.relpath(stack.log(part))} <==")
            print("\n".join(stack.log_tail(part, options.lines)), end="\n\n")
    return 0


def _restart(stack: Stack, _: argparse.Namespace) -> int:
    for part in list(stack.parts):
        stack.restart(part)
    return 0


def _fetch(stack: Stack, _: argparse.Namespace) -> int:
    begun = time.monotonic()
    stack.fetch()
    print(f"\nfetched in {time.monotonic() - begun:.1f} s", file=sys.stderr)
    return 0


def _table(parts: Sequence[PartStatus]) -> None:
    for part in parts:
        pid = str(part.pid or "")
        age = "" if part.seconds is None else f"{part.seconds:.0f} s"
        print(f"{part.name:<9} {part.state:<10} {pid:>8} {age:>9}  {part.endpoint}".rstrip())


def _ended_by(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

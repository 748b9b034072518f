"""`psfabric publish`: events from a file, or from another program, straight to Kafka."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import exits, show
from cli.options import DryRun, Format, Output

if TYPE_CHECKING:
    from psfabric.publish import Draft, Mistake, NotAcknowledged, Publisher, Sent

LARGEST = 256 << 20
"""Bytes of a file: all of it is checked before anything is sent, so all of it is held."""

AT_ONCE = 1000
"""Events that are waited for together."""

File = Annotated[str, typer.Argument(metavar="FILE", help="JSON Lines, one JSON object, or an array; - reads stdin")]
Source = Annotated[
    str, typer.Option("--source", help="the system that says it: ids rest on this name; a line may name its own")
]
Ingress = Annotated[
    str, typer.Option("--ingress", metavar="NAME", help="write to ingress.NAME, which the border checks")
]
SkipInvalid = Annotated[bool, typer.Option("--skip-invalid", help="send what is right though other lines are wrong")]
Within = Annotated[float, typer.Option(min=1, max=3600, help="seconds that an acknowledgement may take")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric publish events.jsonl --source payroll-acme --dry-run")(publish)


def publish(
    file: File,
    source: Source,
    ingress: Ingress = "",
    skip_invalid: SkipInvalid = False,
    within: Within = 30.0,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Check events and publish them; each is acknowledged by the broker when it is listed.

    A line is a CloudEvents JSON object: {"type": "time.TimeSubmitted", "time": "2026-06-03T16:20:11Z", "data": {…}}.
    When a line is wrong nothing is sent and the exit code is 2, unless --skip-invalid: then it is 1. The same line
    again has the same id, so that after a time-out (exit 3 or 5) the command can be repeated.
    """
    from cli.installation import quiet
    from psfabric.publish import Publisher

    quiet()
    lines = _Lines(file)
    drafts, wrong = lines.judged(source)
    if wrong and not skip_invalid:
        _refuse(wrong, output)
    if dry_run:
        rows = [(line, one.event.id, one.event.type, f"ingress.{ingress}" if ingress else one.rule.name)
                for line, one in lines.ready]  # fmt: skip
        _print(rows, wrong, output, dry_run=True)
    else:
        with Publisher(source, ingress=ingress, within=within) as publisher:
            _send(publisher, drafts, wrong, output)
    if wrong:
        raise typer.Exit(exits.FINDINGS)


class _Lines:
    """The entries of a file by where they stand: a line, or an item of an array."""

    def __init__(self, file: str) -> None:
        self._entries: list[tuple[str, Any]] = []
        self._wrong: list[tuple[str, str, str, str]] = []
        self._read(_bytes(file))
        self.ready: list[tuple[str, Any]] = []

    def judged(self, source: str) -> tuple[list[tuple[str, Draft]], list[tuple[str, str, str, str]]]:
        """What may be sent, and every mistake as (place, field, code, why)."""
        from psfabric.publish import Draft, WrongInput, draft_of
        from psfabric.publish.publisher import checked

        drafts: list[tuple[str, Draft]] = []
        wrong = list(self._wrong)
        for place, body in self._entries:
            draft = draft_of(body)
            if isinstance(draft, Draft):
                drafts.append((place, draft))
            else:
                wrong += [(place, name, "malformed-json", why) for name, why in draft]
        while True:
            try:
                ready = checked([draft for _, draft in drafts], source)
            except WrongInput as error:
                wrong += [_placed(drafts, mistake) for mistake in error.mistakes]
                bad = {mistake.at for mistake in error.mistakes}
                drafts = [pair for at, pair in enumerate(drafts) if at not in bad]
                continue
            self.ready = [(place, one) for (place, _), one in zip(drafts, ready, strict=True)]
            return drafts, sorted(wrong, key=lambda row: self._order(row[0]))

    def _read(self, content: bytes) -> None:
        from psfabric import strict_json

        whole = content.strip()
        if not whole:
            raise _usage("there is nothing in it")
        first = whole.splitlines()[0]
        if whole[:1] == b"[" or _reason(first):
            try:
                body = strict_json.loads(whole, limit=LARGEST)
            except strict_json.NotJson as error:
                if whole[:1] == b"[":
                    raise _usage(f"is no JSON array: {error}") from None
            else:
                items = body if isinstance(body, list) else [body]
                self._entries = [(f"item {n}", item) for n, item in enumerate(items, 1)]
                return
        for number, line in enumerate(content.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                self._entries.append((f"line {number}", strict_json.loads(line.strip())))
            except strict_json.NotJson as error:
                self._wrong.append((f"line {number}", "line", "malformed-json", str(error)))

    @staticmethod
    def _order(place: str) -> int:
        return int(place.rpartition(" ")[2])


def _reason(line: bytes) -> str:
    """Why a line is no JSON, "" when it is."""
    from psfabric import strict_json

    try:
        strict_json.loads(line)
    except strict_json.NotJson as error:
        return str(error)
    return ""


def _bytes(file: str) -> bytes:
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise _usage(f"cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise _usage(f"has more than {LARGEST >> 20} MiB; split it")
    return content


def _usage(why: str) -> typer.BadParameter:
    return typer.BadParameter(why, param_hint="FILE")


def _placed(drafts: Sequence[tuple[str, Draft]], mistake: Mistake) -> tuple[str, str, str, str]:
    return drafts[mistake.at][0], mistake.field, mistake.code, mistake.why


def _send(
    publisher: Publisher,
    drafts: Sequence[tuple[str, Draft]],
    wrong: Sequence[tuple[str, str, str, str]],
    output: Format,
) -> None:
    from psfabric.publish import NotAcknowledged

    sent: list[tuple[str, Sent]] = []
    for start in range(0, len(drafts), AT_ONCE):
        some = drafts[start : start + AT_ONCE]
        show.progress(f"{len(sent)} of {len(drafts)} acknowledged")
        try:
            found = publisher.publish([draft for _, draft in some])
        except NotAcknowledged as error:
            show.progress_done()
            sent += [(some[at][0], one) for at, one in error.sent.items()]
            _interrupted(sent, some, len(drafts) - start - len(some), error, output)
        sent += [(place, one) for (place, _), one in zip(some, found, strict=True)]
    show.progress_done()
    _print(_rows(sent), wrong, output, dry_run=False)


def _rows(sent: Sequence[tuple[str, Sent]]) -> list[tuple[str, str, str, str]]:
    return [(place, one.event_id, one.type, f"{one.topic}/{one.partition}/{one.offset}") for place, one in sent]


def _interrupted(
    sent: Sequence[tuple[str, Sent]],
    some: Sequence[tuple[str, Draft]],
    untried: int,
    error: NotAcknowledged,
    output: Format,
) -> None:
    unknown = {some[at][0]: why for at, why in error.unknown.items()}
    refused = {some[at][0]: why for at, why in error.refused.items()}
    if output is Format.JSON:
        show.as_json({**_body(_rows(sent), (), False), "unknown": unknown, "refused": refused, "not_tried": untried})
    for place, why in refused.items():
        show.tell(f"psfabric: {place}: not written: {why}")
    for place, why in list(unknown.items())[:5]:
        show.tell(f"psfabric: {place}: not known whether it was written: {why}")
    show.tell(
        f"psfabric: {len(sent)} acknowledged, {len(unknown)} unknown, {len(refused)} refused, {untried} not tried. "
        "Run the same command again: what was written is written under the same id."
    )
    raise typer.Exit(exits.PARTIAL if sent else exits.UNREACHABLE)


def _refuse(wrong: Sequence[tuple[str, str, str, str]], output: Format) -> None:
    if output is Format.JSON:
        show.as_json(_body((), wrong, False))
    for place, field, code, why in wrong:
        show.tell(f"psfabric: {place}: {field}: {why} [{code}]")
    show.tell("psfabric: nothing was sent")
    raise typer.Exit(exits.USAGE)


def _print(
    rows: Sequence[tuple[str, str, str, str]],
    wrong: Sequence[tuple[str, str, str, str]],
    output: Format,
    *,
    dry_run: bool,
) -> None:
    for place, field, code, why in wrong:
        show.tell(f"psfabric: {place} was left out: {field}: {why} [{code}]")
    if output is Format.JSON:
        show.as_json(_body(rows, wrong, dry_run))
        return
    if rows:
        show.table(("event of", "id", "type", "goes to" if dry_run else "lies at"), rows)
    show.say(f"{len(rows)} events {'would be' if dry_run else 'were'} published.")


def _body(
    rows: Sequence[tuple[str, str, str, str]], wrong: Sequence[tuple[str, str, str, str]], dry_run: bool
) -> dict[str, Any]:
    names, mistakes = ("place", "event_id", "type", "at"), ("place", "field", "code", "why")
    return {
        "dry_run": dry_run,
        "published": [dict(zip(names, row, strict=True)) for row in rows],
        "wrong": [dict(zip(mistakes, row, strict=True)) for row in wrong],
    }

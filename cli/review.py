"""`psfabric schema diff`, `lint` and `check`: what a change breaks, what is wrong with a file. They touch no system."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import exits, reality, show
from cli.options import Format, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.review import Diff, Finding, Level, Severity
    from schemas.review.checked import Report
    from schemas.review.reality import Strand

Old = Annotated[Path, typer.Argument(metavar="OLD.avsc", help="the schema as it was")]
New = Annotated[Path, typer.Argument(metavar="NEW.avsc", help="the schema as it shall be")]
Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="files or folders; the bundled schemas when none is given"),
]
Compatibility = Annotated[
    str,
    typer.Option(
        "--compatibility",
        metavar="LEVEL",
        help="BACKWARD (new reads old), FORWARD (old reads new), FULL, each also with _TRANSITIVE, or NONE",
    ),
]


class CheckFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"


Schemas = Annotated[Path, typer.Argument(metavar="[FOLDER]", help="folder of the schemas, in a git repository")]
Against = Annotated[
    str, typer.Option(metavar="BRANCH", help="the main line; or origin/BRANCH where that is all there is")
]
Accepted = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="acceptances; ../accepted of the schemas by default")
]
CheckOutput = Annotated[CheckFormat, typer.Option("--output", help="table for people, markdown for a pull request")]
Sarif = Annotated[Path | None, typer.Option("--sarif", metavar="FILE", help="write SARIF to a file, too")]
Comment = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="write the comment to a file, too")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric schema diff main/time.avsc branch/time.avsc --compatibility BACKWARD")(diff)
    app.command(epilog="Example: psfabric schema check --against main --output markdown")(check)
    app.command(epilog="Example: psfabric schema lint schemas/avro")(lint)


def diff(
    old: Old,
    new: New,
    compatibility: Compatibility = "FULL",
    against_topic: reality.Topics = None,
    against_dlq: reality.DeadLetters = False,
    component: reality.Components = None,
    sample: reality.Most = reality.MOST,
    output: Output = Format.TABLE,
) -> None:
    """Review a change between two Avro files: what becomes unreadable, and what changes its meaning.

    Exit 0 without findings, 1 with; notes alone do not fail. A record that another file defines is looked for in the
    other .avsc files of its folder and among the bundled schemas. With --against-topic and --against-dlq the new
    schema is tried on records that are there; exit 5 when these cannot be reached, after all else was told.
    """
    from schemas import review

    asked = reality.Asked.of(against_topic, against_dlq, component, sample)
    level = _level(compatibility)
    before = review.Version(old.name, review.read(old, not_in=(new,)).type)
    after = review.Version(new.name, review.read(new, not_in=(old,)).type)
    if before.name == after.name:
        before, after = review.Version(str(old), before.type), review.Version(str(new), after.type)
    found = review.diff([before], after, level)
    if asked.anything:
        asked.look(reality.of_files(old, new))
    findings: list[Finding | Strand] = [*asked.strands(str(new)), *found.findings]
    if output is Format.JSON:
        show.as_json(
            {
                "compatible": {direction.value: fine for direction, fine in found.compatible.items()},
                "findings": [each.as_dict() for each in findings],
                **({"reality": asked.as_dict()} if asked.anything else {}),
            }
        )
    else:
        _table(found, findings)
        for sentence in asked.told():
            show.say(sentence)
    _reached(asked)
    if found.failed or len(findings) > len(found.findings):
        raise typer.Exit(exits.FINDINGS)


def lint(paths: Paths = None, output: Output = Format.TABLE) -> None:
    """Check schema files: whether they are Avro, and whether they keep the rules of the house. Exit 1 with findings.

    Of a folder also what lies beside it: upgrade rules, sunsets of superseded majors, consumers of other systems.
    """
    from datetime import UTC, datetime

    from psfabric.reach import consumers
    from schemas.review.files import BUNDLED
    from schemas.review.lint import lint as linted

    names = {each.name for each in consumers()}
    remarks = linted(paths or [BUNDLED], datetime.now(UTC).date(), names)
    if output is Format.JSON:
        show.as_json({"findings": [each.as_dict() for each in remarks]})
    elif remarks:
        rows = [(each.severity.value, each.code, each.file, each.message) for each in remarks]
        show.table(("severity", "code", "file", "what is wrong"), rows)
    else:
        show.say("Nothing is wrong.")
    if remarks:
        raise typer.Exit(exits.FINDINGS)


def check(
    folder: Schemas = Path("schemas/avro"),
    against: Against = "main",
    compatibility: Compatibility = "FULL_TRANSITIVE",
    accepted: Accepted = None,
    against_topic: reality.Topics = None,
    against_dlq: reality.DeadLetters = False,
    component: reality.Components = None,
    sample: reality.Most = reality.MOST,
    output: CheckOutput = CheckFormat.TABLE,
    sarif: Sarif = None,
    markdown: Comment = None,
) -> None:
    """Review what this branch changes in the schemas of a repository, against every version of the main line.

    What was so at the merge base is not told again. Each finding names the consumers that read what has changed. Exit 1
    with findings; notes and accepted ones do not fail. With --against-topic and --against-dlq changed schemas are tried
    on records that are there; exit 5 when these cannot be reached, after all else was told.
    """
    from datetime import UTC, datetime

    from psfabric.reach import consumers
    from schemas.review import accepted as acceptances
    from schemas.review import reports
    from schemas.review.check import check as checked

    asked = reality.Asked.of(against_topic, against_dlq, component, sample)
    level = _level(compatibility)
    given = acceptances.read(accepted or folder.parent / "accepted")
    report = checked(folder, against, level, given, datetime.now(UTC).date(), consumers(), reality.look_of(asked))
    if sarif:
        _write(sarif, json.dumps(reports.sarif(report), indent=1) + "\n", "--sarif")
    if markdown:
        _write(markdown, reports.markdown(report), "--markdown")
    if output is CheckFormat.SARIF:
        show.as_json(reports.sarif(report))
    elif output is CheckFormat.MARKDOWN:
        print(reports.markdown(report), end="")
    elif output is CheckFormat.JSON:
        changed = [path.as_posix() for path in report.changed]
        body = {"base": report.base, "changed": changed, "findings": [each.as_dict() for each in report.findings]}
        show.as_json({**body, **({"reality": asked.as_dict()} if asked.anything else {})})
    else:
        _report_table(report)
    _reached(asked)
    if report.failed:
        raise typer.Exit(exits.FINDINGS)


def _write(file: Path, text: str, option: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error.strerror}", param_hint=option) from None


def _reached(asked: reality.Asked) -> None:
    """Raises Unavailable when records could not be tried; everything else is told by then."""
    from psfabric.errors import Unavailable

    if asked.away:
        raise Unavailable(f"{asked.away}. Not all was tried on records; the review of the schemas themselves is whole")


def _report_table(report: Report) -> None:
    if report.findings:
        rows = [
            (
                "accepted" if each.accepted else each.severity.value,
                each.id,
                each.message,
                ", ".join(hit.consumer.name for hit in each.reaches) or "-",
            )
            for each in report.findings
        ]
        show.table(("severity", "finding", "what it means", "reaches"), rows)
    show.say(
        f"{len(report.changed)} files changed since {report.base[:12]}, compared with {report.compared} versions: "
        f"{counted([each.severity for each in report.findings if not each.accepted])}."
    )
    for sentence in report.tried:
        show.say(sentence)


def _level(text: str) -> Level:
    from schemas.review import Level

    try:
        return Level(text.upper())
    except ValueError:
        levels = ", ".join(level.value for level in Level)
        raise typer.BadParameter(f"{text!r} is no level; there are {levels}", param_hint="--compatibility") from None


def _table(found: Diff, findings: Sequence[Finding | Strand]) -> None:
    from schemas.review import Direction

    findings_table(findings)
    said = {Direction.BACKWARD: "new reads old", Direction.FORWARD: "old reads new"}
    verdict = ", ".join(f"{text}: {'yes' if found.compatible[each] else 'no'}" for each, text in said.items())
    show.say(f"{counted([each.severity for each in findings])}; {verdict}.")


def findings_table(findings: Sequence[Finding | Strand]) -> None:
    if findings:
        rows = [(each.severity.value, each.code, each.path or "-", each.message) for each in findings]
        show.table(("severity", "code", "path", "what it means"), rows)


def counted(severities: Sequence[Severity]) -> str:
    """`1 break, 2 hazards, 0 notes`."""
    from schemas.review import Severity

    counts = {each: severities.count(each) for each in Severity}
    return ", ".join(f"{count} {each.value}{'' if count == 1 else 's'}" for each, count in counts.items())

"""A check as other tools read it: SARIF for code scanning, Markdown for the comment of a pull request."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from schemas.review import check as checking
from schemas.review import finding, lint, reality, ruled, topics
from schemas.review.checked import Checked, Report
from schemas.review.finding import BREAK, HAZARD, NOTE, SHORT_NAMES
from schemas.review.mainline import SHORT
from schemas.review.reach import Hit

MARKER = "<!-- psfabric-schema-check -->"
"""First line of the comment, by which the next run finds it and writes over it."""

LARGEST = 60_000
"""Characters of the comment; GitHub takes 65 536."""

LEVELS = {BREAK: "error", HAZARD: "warning", NOTE: "note"}
CODES = finding.CODES | lint.CODES | checking.CODES | topics.CODES | ruled.CODES | reality.CODES


def sarif(report: Report) -> dict[str, Any]:
    """SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"): one run, a rule for each code found."""
    codes = sorted({each.code for each in report.findings})
    rules = [{"id": code, "shortDescription": {"text": CODES[code].meaning}} for code in codes]
    driver = {"name": "psfabric schema check", "rules": rules}
    results = [_result(report.top, each, codes.index(each.code)) for each in report.findings]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _result(top: Path, found: Checked, rule: int) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": found.file.as_posix(), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": line_of(top / found.file, found.path)},
    }
    result: dict[str, Any] = {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": LEVELS[found.severity],
        "message": {"text": found.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"findingId/v1": found.id},
    }
    if found.reaches:
        result["message"]["text"] += f" Reaches {', '.join(each.way for each in found.reaches)}."
        result["properties"] = {"consumers": [each.as_dict() for each in found.reaches]}
    if found.accepted:
        justification = f"{found.accepted.reason} ({found.accepted.approver}, until {found.accepted.expiry})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result


def line_of(file: Path, path: str) -> int:
    """Line at which the field of a path is defined, following the path from field to field; or that of the entry of a
    topic. 1 where it is not found."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return 1
    if file.suffix == ".toml":
        entry = re.search(rf'^name = "{re.escape(path.split("/")[0])}"|^{re.escape(path)} =', text, re.MULTILINE)
        return text.count("\n", 0, entry.start()) + 1 if entry and path else 1
    at = 0
    for name in re.findall(r"[A-Za-z_]\w*(?![^<]*>)", path):
        found = re.compile(rf'"name"\s*:\s*"{re.escape(name)}"').search(text, at)
        at = found.end() if found else at
    return text.count("\n", 0, at) + 1


def markdown(report: Report) -> str:
    """One comment: what was found by severity, what was accepted by whom, and how to accept. Begins with `MARKER`."""
    left = [each for each in report.findings if not each.accepted]
    counts = ", ".join(f"{sum(each.severity is s for each in left)} {SHORT_NAMES[s]}" for s in LEVELS)
    verdict = "does not pass" if report.failed else "passes"
    lines = [MARKER, f"## Schema review {verdict}: {counts}", "", _scope(report)]
    lines += ["", *(f"- {_safe(each)}" for each in report.tried)] if report.tried else []
    for severity in LEVELS:
        lines += _section(f"{SHORT_NAMES[severity].capitalize()}", [each for each in left if each.severity is severity])
    lines += _consumers(left)
    lines += _accepted([each for each in report.findings if each.accepted])
    grave = next((each for each in left if each.severity is not NOTE), None)
    return _fitting([*lines, *(_how(grave) if grave else [])])


def _fitting(lines: list[str]) -> str:
    """The lines, without the last ones where they are too many for a comment; the gravest stand first."""
    text = "\n".join(lines) + "\n"
    if len(text) <= LARGEST:
        return text
    kept = text[:LARGEST].rpartition("\n")[0]
    return f"{kept}\n\nThe rest does not fit into a comment; `psfabric schema check --output json` lists all.\n"


def _scope(report: Report) -> str:
    files = ", ".join(f"`{each.stem}`" for each in report.changed) or "none"
    base, count = report.base[:SHORT], report.compared
    return f"Changed since `{base}`: {files}; compared with {count} versions of the main line."


def _section(title: str, found: list[Checked]) -> list[str]:
    rows = [f"| `{each.file.stem}` | {_code(each.path)} | `{each.code}` | {_safe(each.message)} |" for each in found]
    return (
        ["", f"### {title}", "", "| schema | field | code | what it means |", "|---|---|---|---|", *rows]
        if rows
        else []
    )


def _consumers(found: list[Checked]) -> list[str]:
    """Whom the findings reach, each consumer once, with what it reads and whom to tell."""
    rows: dict[str, list[str]] = {}
    for each in found:
        for hit in each.reaches:
            read = f"`{hit.field}` of `{hit.event}`" if hit.field else f"`{hit.event}`"
            way = f" (by way of {', '.join(hit.via)})" if hit.via else ""
            rows.setdefault(_who(hit), []).append(f"{read}{way}")
    told = [f"| {who} | {'; '.join(dict.fromkeys(what))} |" for who, what in rows.items()]
    return ["", "### Consumers hit", "", "| consumer | reads |", "|---|---|", *told] if told else []


def _who(hit: Hit) -> str:
    who = hit.consumer
    owner = f", {_safe(who.owner)}, {_safe(who.contact)}" if who.owner else ""
    return f"**{who.name}** ({who.kind}{owner})"


def _accepted(found: list[Checked]) -> list[str]:
    rows = [
        f"| `{each.id}` | {_safe(each.accepted.reason)} | {_safe(each.accepted.approver)} | {each.accepted.expiry} |"
        for each in found
        if each.accepted
    ]
    return ["", "### Accepted", "", "| finding | reason | by | until |", "|---|---|---|---|", *rows] if rows else []


def _how(example: Checked) -> list[str]:
    return [
        "",
        "<details><summary>How to accept a finding</summary>",
        "",
        "Add it to a file in `schemas/accepted/`, in this pull request, so that it is reviewed with the change:",
        "",
        "```toml",
        "[[accepted]]",
        f'id = "{example.id}"',
        'reason = "why it does no harm, or who bears it"',
        'approver = "who answers for the records of this topic"',
        "expiry = 2026-12-31",
        "```",
        "",
        "</details>",
    ]


def _code(path: str) -> str:
    return f"`{path}`" if path else ""


def _safe(text: str) -> str:
    """Text of a schema in a cell of a table: no HTML, no new cell, nobody called."""
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|").replace("@", "&#64;")

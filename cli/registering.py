"""`psfabric schema register` and `drift`: the registry, and the schemas of the reviewed main line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import exits, show
from cli.options import DryRun, Format, Output, Yes

if TYPE_CHECKING:
    from cli.installation import Parts
    from psfabric.registry import Registry
    from psfabric.registry.drift import Drift, History
    from psfabric.registry.planning import Done, Plan
    from schemas.review.mainline import Mainline

MainLine = Annotated[
    str, typer.Option("--main-line", metavar="REF", help="the reviewed main line; or origin/REF where that is all")
]
FromWorkingTree = Annotated[
    bool, typer.Option("--from-working-tree", help="the schemas as they lie here, reviewed or not; needs no git")
]
LISTED = 5
"""Files that a sentence names."""


def register(app: typer.Typer) -> None:
    app.command("register", epilog="Example: psfabric schema register --main-line origin/main --yes")(register_)
    app.command("drift", epilog="Example: psfabric schema drift --output json")(drift)


def register_(
    main_line: MainLine = "main",
    from_working_tree: FromWorkingTree = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Register every schema of the main line that the registry lacks, and set each subject to FULL_TRANSITIVE.

    Shows what it would do and asks; a second run changes nothing. Enriched events have a schema for each registered
    version of their canonical part and of their enrichment. What the registry would refuse is refused before anything
    is done (exit 4). Broken off in the middle (exit 3), it is run again. The ids are kept in `fabric.schemas` as well,
    so that a process can start while the registry is away.
    """
    from cli.installation import parts
    from psfabric.registry import planning

    line = None if from_working_tree else _reviewed(main_line, "registered")
    where = parts()
    plan = planning.make_plan(where.registry.subjects)
    begun = bool(plan.steps and not plan.conflicts and not dry_run)
    if output is Format.TABLE and plan.steps:
        _print(plan, line)
    done = planning.Done(0, (), "")
    if begun:
        show.agreed(f"Register {_schemas(plan)} and set {_levels(plan)} compatibility levels?", yes)
        done = planning.carry_out(where.registry.subjects, plan, show.progress)
        show.progress_done()
    whole = not (plan.conflicts or done.broken_off or done.refused)
    ids = ids_of(where.registry) if whole else {}
    if whole and not dry_run:
        _keep(where, {event: id for event, id in ids.items() if id is not None})
    if output is Format.JSON:
        show.as_json({**_as_dict(plan, line), "done": done.steps, "refused": list(done.refused), "schemas": rows(ids)})
    elif not plan.steps and whole:
        show.say(f"Nothing to register: {len(plan.subjects)} subjects are as they shall be.")
    elif begun:
        show.say(f"{done.steps} of {plan.steps} steps done.")
    elif dry_run:
        show.say("Nothing was done (--dry-run).")
    _explain(plan, done)


def drift(
    main_line: MainLine = "main", from_working_tree: FromWorkingTree = False, output: Output = Format.TABLE
) -> None:
    """Compare the registry with the main line: what is missing, what nobody reviewed, which levels are others.

    Exit 1 when anything differs. What a registry is known to drop or to write its own way (a change of doc or aliases
    alone, order of attributes, white space) is no difference; it is counted. Nothing is changed.
    """
    from cli.installation import registry
    from psfabric.registry.drift import drift as compared

    line = None if from_working_tree else _reviewed(main_line, "compared")
    found = compared(registry().subjects, _history(line) if line else None)
    if output is Format.JSON:
        show.as_json(_drift_as_dict(found, line))
    else:
        _print_drift(found)
    if found.differences:
        raise typer.Exit(exits.FINDINGS)


# ------------------------------------------------------------------------------------------------ the main line


def _reviewed(main_line: str, what: str) -> Mainline:
    """The main line, of which the schemas of this installation are. Raises Declined when they are not."""
    from replay.errors import Declined
    from schemas import contract
    from schemas.review import BadSchema
    from schemas.review.mainline import SHORT, Mainline

    folder = contract.AVRO.parent
    escape = "--from-working-tree takes the schemas as they lie here"
    try:
        line = Mainline.tip(folder, main_line)
        differing = line.differing(folder) if line.holds(folder) else None
    except BadSchema as error:
        raise Declined(f"{error}. Nothing was {what}; {escape}") from None
    if differing is None:
        raise Declined(f"{main_line} has nothing in {folder}: nothing was {what}; {escape}")
    if differing:
        more = f" and {len(differing) - LISTED} more" if len(differing) > LISTED else ""
        files = ", ".join(path.as_posix() for path in differing[:LISTED])
        raise Declined(
            f"{files}{more} differ from {main_line} ({line.base[:SHORT]}), and only what was reviewed is {what}: merge "
            f"them first, or check out {main_line}; nothing was {what}. {escape}"
        )
    return line


def _history(line: Mainline) -> History:
    """Every version that the main line has of each schema file; what was no schema is left out."""
    from psfabric.registry.drift import History
    from schemas import contract

    stored = line.versions(contract.AVRO)
    contents = line.contents(each.blob for versions in stored.values() for each in versions)

    def of(folder: Path) -> dict[str, list[dict[str, Any]]]:
        inside = {path: versions for path, versions in stored.items() if line.top / path.parent == folder.resolve()}
        return {
            path.stem.partition("_v")[0]: [read for each in versions if (read := _record(contents[each.blob]))]
            for path, versions in inside.items()
        }

    return History(of(contract.AVRO), of(contract.AVRO / "enrichment"))


def _record(content: bytes) -> dict[str, Any] | None:
    from psfabric.registry.content import is_record
    from schemas.review.json_text import NotJson, loads

    try:
        found = loads(content)
    except NotJson:
        return None
    return found if is_record(found) else None


# ------------------------------------------------------------------------------------------------ registering


def _schemas(plan: Plan) -> str:
    count = sum(len(each.missing) for each in plan.subjects)
    return f"{count} schema{'' if count == 1 else 's'}"


def _levels(plan: Plan) -> int:
    from psfabric.registry.planning import LEVEL

    return sum(each.level != LEVEL for each in plan.subjects)


def _print(plan: Plan, line: Mainline | None) -> None:
    from psfabric.registry.planning import LEVEL
    from schemas.review.mainline import SHORT

    show.say(f"Schemas of the main line at {line.base[:SHORT]}:" if line else "Schemas as they lie here, unreviewed:")
    found = [
        (each.name, each.change, len(each.missing), "" if each.level == LEVEL else f"{each.level or 'none'} to {LEVEL}")
        for each in plan.subjects
    ]
    show.table(("subject", "change", "schemas", "compatibility level"), found)


def _as_dict(plan: Plan, line: Mainline | None) -> dict[str, Any]:
    from psfabric.registry.planning import LEVEL

    found = [
        {
            "event": each.event,
            "subject": each.name,
            "change": each.change,
            "schemas": len(each.missing),
            "level": {"from": each.level, "to": LEVEL},
            "conflicts": list(each.conflicts),
        }
        for each in plan.subjects
    ]
    return {"main_line": line.base if line else None, "plan": found}


def _explain(plan: Plan, done: Done) -> None:
    """Raises what gives the exit code, after a sentence for each thing that is refused or left."""
    from psfabric.errors import Transient
    from replay.errors import Declined, Interrupted

    for text in (*plan.conflicts, *done.refused):
        show.tell(text)
    if plan.conflicts:
        raise Declined("nothing was registered: a break is a new major (schemas/README.md), not a new version")
    if done.broken_off and not done.steps:
        raise Transient(done.broken_off)
    if done.broken_off:
        raise Interrupted(f"{done.steps} of {plan.steps} steps are done; run it again for the rest: {done.broken_off}")
    if done.refused:
        raise Declined(f"{done.steps} of {plan.steps} steps are done; the registry refuses the rest")


def ids_of(registry: Registry) -> dict[str, int | None]:
    """Id of each event's schema; None where it is not registered. Raises Transient when there is no answer."""
    import schemas
    from psfabric.errors import Unavailable

    found: dict[str, int | None] = {}
    for event in schemas.events():
        try:
            found[event] = registry.id_of(event)
        except Unavailable:
            found[event] = None
    return found


def rows(ids: dict[str, int | None]) -> list[dict[str, Any]]:
    import schemas

    return [{"event": event, "subject": schemas.name_of(event).subject, "id": id} for event, id in ids.items()]


def _keep(where: Parts, ids: dict[str, int]) -> None:
    """Without a broker, or before its topics are made, they are only registered: processes keep what they learn."""
    import time

    from psfabric.errors import Unavailable
    from psfabric.kafka import Producer, WriteFailed, read_topic
    from psfabric.registry import SCHEMAS, believed, kept_write

    try:
        where.admin.wait(time.monotonic() + 2.0)
        kept = believed(read_topic(where.kafka, SCHEMAS))
        new = [kept_write(event, id) for event, id in ids.items() if kept.get(event) != id]
        if not new:
            return
        producer = Producer(where.kafka, "psfabric.schema", topic_within=2.0)
        try:
            producer.write_and_wait(new)
        finally:
            producer.close()
    except (Unavailable, WriteFailed) as error:
        show.tell(f"Registered, but not kept for a start without the registry: {error}")


# ------------------------------------------------------------------------------------------------ drift


def _drift_as_dict(found: Drift, line: Mainline | None) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "main_line": line.base if line else None,
        "subjects": found.subjects,
        "differences": [asdict(each) for each in found.differences],
        "reworded": found.reworded,
        "rewritten": found.rewritten,
        "unknown_versions_looked_for": found.judged,
    }


def _print_drift(found: Drift) -> None:
    if found.differences:
        listed = [
            (each.kind, each.subject, "-" if each.version is None else each.version, each.message)
            for each in found.differences
        ]
        show.table(("difference", "subject", "version", "what it means"), listed)
    count = len(found.differences)
    show.say(f"{found.subjects} subjects compared: {count or 'no'} difference{'' if count == 1 else 's'}.")
    if found.reworded:
        show.say(
            f"{found.reworded} schemas are there with an earlier doc or alias: this registry takes no change of these "
            "alone. That is no difference."
        )
    if found.rewritten:
        show.say(
            f"{found.rewritten} are there in the registry's own form (order of attributes, white space, defaults of "
            "Avro). That is no difference."
        )
    if not found.judged:
        show.say("Versions that nobody reviewed were not looked for: that takes the history of the main line.")

"""`psfabric schema`: the bundled schemas and the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli import exits, impact, review, show
from cli.options import DryRun, Format, Output

if TYPE_CHECKING:
    from cli.installation import Installation
    from psfabric.registry import Registry

app = typer.Typer(
    no_args_is_help=True, help="Schemas: review a change, register the bundled ones, see which are registered."
)
review.register(app)
impact.register(app)


@app.command(epilog="Example: psfabric schema register")
def register(dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Register every bundled schema; one that is there already keeps its id.

    The ids are kept in `fabric.schemas` as well, so that a process can start while the registry is away.
    """
    from cli.installation import installation

    where = installation(kafka=False)
    registry = where.registry
    if dry_run:
        rows = _ids(registry)
        _print({event: id for event, id in rows.items() if id is None}, output, "would be registered")
    else:
        ids = registry.register_all()
        _keep(where, ids)
        _print(dict(ids), output, "are registered")


@app.command("list", epilog="Example: psfabric schema list --output json")
def list_(output: Output = Format.TABLE) -> None:
    """List the bundled schemas with their ids. Exit 1 when one is not registered."""
    from cli.installation import installation

    rows = _ids(installation(kafka=False).registry)
    _print(rows, output, "are bundled")
    if None in rows.values():
        raise typer.Exit(exits.FINDINGS)


def _keep(where: Installation, ids: dict[str, int]) -> None:
    """Without a broker, or before its topics are made, they are only registered: processes keep what they learn."""
    import time

    from psfabric.errors import Unavailable
    from psfabric.kafka import Producer, WriteFailed
    from psfabric.registry import kept_write

    try:
        where.admin.wait(time.monotonic() + 2.0)
        producer = Producer(where.kafka, "psfabric.schema", topic_within=2.0)
        try:
            producer.write_and_wait([kept_write(event, id) for event, id in ids.items()])
        finally:
            producer.close()
    except (Unavailable, WriteFailed) as error:
        show.tell(f"Registered, but not kept for a start without the registry: {error}")


def _ids(registry: Registry) -> dict[str, int | None]:
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


def _print(rows: dict[str, int | None], output: Format, what: str) -> None:
    import schemas

    named = [(event, schemas.name_of(event).subject, id) for event, id in rows.items()]
    if output is Format.JSON:
        show.as_json({"schemas": [{"event": e, "subject": s, "id": i} for e, s, i in named]})
    else:
        show.table(("event", "subject", "id"), [(e, s, "not registered" if i is None else i) for e, s, i in named])
        show.say(f"{len(named)} schemas {what}.")

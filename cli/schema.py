"""`psfabric schema`: the bundled schemas and the registry."""

from __future__ import annotations

import typer

from cli import describing, exits, impact, registering, review, show
from cli.options import Format, Output

app = typer.Typer(
    no_args_is_help=True, help="Schemas: see what events mean, review a change, register what was reviewed."
)
review.register(app)
impact.register(app)
describing.register(app)
registering.register(app)


@app.command("list", epilog="Example: psfabric schema list --output json")
def list_(output: Output = Format.TABLE) -> None:
    """List the bundled schemas with their ids. Exit 1 when one is not registered."""
    from cli.installation import registry

    ids = registering.ids_of(registry())
    rows = registering.rows(ids)
    if output is Format.JSON:
        show.as_json({"schemas": rows})
    else:
        listed = [(e["event"], e["subject"], "not registered" if e["id"] is None else e["id"]) for e in rows]
        show.table(("event", "subject", "id"), listed)
        show.say(f"{len(rows)} schemas are bundled.")
    if None in ids.values():
        raise typer.Exit(exits.FINDINGS)

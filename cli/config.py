"""`psfabric config`: whether the settings and the pipeline files are right."""

from __future__ import annotations

import typer

from cli import show
from cli.options import Format, Output

app = typer.Typer(no_args_is_help=True, help="Configuration: settings and pipeline files.")


@app.callback()
def _group() -> None:
    """Keeps `check` a verb of its own while it is the only one."""


@app.command(epilog="Example: PSF_PIPELINES=deploy/pipelines psfabric config check")
def check(output: Output = Format.TABLE) -> None:
    """Name every mistake at once (exit 2); touches no other system."""
    from pathlib import Path

    from psfabric import pipelines, settings
    from psfabric.errors import Misconfigured

    env = settings.environment()
    mistakes: list[str] = []
    try:
        settings.settings()
    except Misconfigured as error:
        mistakes += error.mistakes
    names: list[str] = []
    files: list[str] = []
    try:
        found = pipelines.load(Path(env.get("PSF_PIPELINES", "deploy/pipelines")), env)
        names, files = list(found.inputs()), [str(path) for path in found.files]
    except Misconfigured as error:
        mistakes += error.mistakes
    if output is Format.JSON:
        show.as_json({"mistakes": mistakes, "components": names, "files": files})
    if mistakes:
        raise Misconfigured(mistakes)
    if output is Format.TABLE:
        show.say(f"{len(files)} pipeline files, {len(names)} components, no mistakes: {', '.join(names)}")

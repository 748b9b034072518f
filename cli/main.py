"""`psfabric`: every verb, and what its exit code means.

0 clean, 1 findings, 2 usage or configuration, 3 partly done (do it again to go on), 4 refused, 5 a part of the fabric
cannot be reached, 101 internal error, 130 interrupted. A person's mistake gets a sentence, never a stack trace.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from cli import (
    config,
    demo,
    dlq,
    exits,
    hold,
    operations,
    pause,
    publish,
    replay,
    schema,
    show,
    source,
    statement,
    status,
    topics,
    unknown,
    where,
)

app = typer.Typer(
    name="psfabric",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps CRM, PSA, delivery tools, ERP and billing of a services firm in the same state, on Kafka.",
)
running = typer.Typer(no_args_is_help=True, help="Run one of the fabric's own processes until it is told to stop.")

demo.register(app)
status.register(app)
pause.register(app)
where.register(app)
publish.register(app)
statement.register(app)
for name, group in (
    ("dlq", dlq.app),
    ("replay", replay.app),
    ("hold", hold.app),
    ("unknown", unknown.app),
    ("source", source.app),
    ("operations", operations.app),
    ("topics", topics.app),
    ("schema", schema.app),
    ("config", config.app),
    ("run", running),
):
    app.add_typer(group, name=name)


@running.command(epilog="Example: psfabric run intake")
def intake() -> None:
    """Receive webhooks."""
    from cli import run

    run.intake()


@running.command(epilog="Example: psfabric run process")
def process() -> None:
    """Translate and process (hosted by Faust)."""
    from cli import run

    run.process()


@running.command(epilog="Example: psfabric run deliver")
def deliver() -> None:
    """Hydrate, deliver to targets, read polled sources, load the reference store."""
    from cli import run

    run.deliver()


def main() -> None:
    sys.exit(execute(sys.argv[1:]))


def execute(args: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        app(args, prog_name="psfabric")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else exits.CLEAN
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place where anything can be said
        return _explain(error)
    return exits.CLEAN


def _explain(error: Exception) -> int:
    show.progress_done()
    code = exits.code_of(error)
    if code == exits.INTERNAL:
        path = exits.write_log(error)
        show.tell(f"Internal error ({type(error).__name__}). The details are in {path}; please report them.")
        return code
    for mistake in getattr(error, "mistakes", (str(error),)):
        show.tell(f"psfabric: {mistake}")
    return code


if __name__ == "__main__":
    main()

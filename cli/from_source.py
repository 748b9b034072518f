"""`psfabric replay plan --from`: which source's record is meant, and what the plan says to a person."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Map
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from cli import show

if TYPE_CHECKING:
    from cli.filters import Filters
    from cli.installation import Installation
    from psfabric.pipelines import Pipelines
    from replay import Plan, Selection, Verification
    from replay.following import Followed
    from replay.from_source import Made
    from replay.remapped import Remapped
    from replay.remapping import Mapping
    from replay.verify import Answer


ALLOWED = ("type", "key", "since", "until", "limit")
"""Filters that a source's record can be chosen by."""


def mapping(where: Installation, name: str) -> Mapping:
    """The mapping whose source record is called `full.<source>`, or of a fat source `raw.<source>`. Raises NotThere."""
    from psfabric.adapters import Thin
    from psfabric.engine import Policy
    from psfabric.stages import TranslateStage
    from replay.errors import NotThere, nearest
    from replay.remapping import Mapping

    sources = {declared.adapter.name: declared.adapter for declared in where.pipelines.sources}
    family, _, source = name.partition(".")
    if family not in ("full", "raw") or not source:
        there = ", ".join(f"{'full' if isinstance(a, Thin) else 'raw'}.{n}" for n, a in sorted(sources.items()))
        raise NotThere(f"{name!r} holds no source record that a mapping reads; there is {there or 'none'}")
    if source not in sources:
        raise nearest("source", source, sources)
    adapter = sources[source]
    if family == "raw" and isinstance(adapter, Thin):
        raise NotThere(
            f"{name} holds thin notices, which say nothing by themselves; what was read for them is in full.{source}"
        )
    stage = TranslateStage(Policy(source, "translate"), where.codec, adapter, isinstance(adapter, Thin))
    return Mapping(where.codec, stage, adapter.emits)


def selection(filters: Filters) -> Selection:
    """Raises typer.BadParameter for what only a dead letter has."""
    for name, given in vars(filters).items():
        if given and name not in ALLOWED:
            allowed = ", ".join(f"--{each}" for each in ALLOWED)
            raise typer.BadParameter(f"it chooses among dead letters; --from takes {allowed}", param_hint=f"--{name}")
    return filters.selection()


def planned(where: Installation, name: str, wanted: Selection, now: datetime, *, dry_run: bool) -> Made:
    """Compare, and freeze what differs. Without `dry_run` the plan has an operation number of its own."""
    from cli import logs
    from psfabric.event import LIVE
    from replay import Operator
    from replay.acts import operation_number
    from replay.errors import nearest
    from replay.from_source import Downstream, plan_from_source

    what, operator = mapping(where, name), Operator.of(where.kafka, "")
    for event in wanted.type:
        if event not in what.types:
            raise nearest(f"event of {what.stage.name}", event, what.types)
    logs.configure(logging.CRITICAL)  # a bug of the mapping is counted; a line for each record would bury that

    def number(detail: Map[str, Any]) -> str:
        return LIVE if dry_run else operation_number(where.kafka, operator, "replay.plan", detail)

    processors = [declared.adapter.name for declared in where.pipelines.processors]
    downstream = Downstream(where.sinks, processors, leading(where.pipelines))
    made = plan_from_source(where.kafka, what, wanted, downstream, number, who=operator.who, now=now, tell=_tell)
    show.progress_done()
    return made


def leading(pipelines: Pipelines) -> Callable[[str], bool]:
    """Whether what comes of an event type can reach a sink. A keeper of reference data passes nothing on."""
    steps = [(d.adapter.accepts, d.adapter.emits) for d in pipelines.processors if not d.adapter.keeps]
    delivered = {type for declared in pipelines.sinks for type in declared.adapter.accepts}

    def leads(type: str) -> bool:
        seen, left = {type}, [type]
        while left:
            of = left.pop()
            onward = {emitted for accepts, emits in steps if of in accepts for emitted in emits} - seen
            seen |= onward
            left += onward
        return bool(seen & delivered)

    return leads


def _tell(doing: str, count: int) -> None:
    show.progress(f"{doing}: {count} records" if count else doing)


def table(found: Remapped) -> None:
    show.table(("events", "what", "what happens"), list(_counts(found)))
    if found.failing:
        show.table(("code", "records", "why, of the first"), [(f.code, f.records, f.why) for f in found.failing])
    if found.differences:
        columns = ("legal entity", "client", "period", "currency", "events", "hours", "money", "money not known")
        rows = [
            (c.legal_entity, c.client, c.period, c.currency, c.events, signed(c.hours), signed(c.money), c.unpriced)
            for c in found.differences
        ]
        show.table(columns, rows, title="Difference of what is corrected, new less old")
    fields = [
        (sample.state, sample.type, sample.aggregate_id, field, before, now)
        for sample in found.samples
        for field, (before, now) in sample.changes.items()
    ]
    if fields:
        show.table(("state", "type", "of", "field", "before", "now"), fields, title="Samples")
    if found.gone_samples:
        show.say("No longer said, for example: " + "; ".join(found.gone_samples) + ".")


def corrections(found: Remapped) -> str:
    """`3 corrections of already delivered records, difference -3.50 h, -420.00 EUR`; "" when there are none."""
    if not found.corrections:
        return ""
    parts = [f"{Decimal(sum(each.seconds for each in found.differences)) / 3600:+.2f} h"]
    for currency in sorted({each.currency for each in found.differences if each.currency}):
        money = sum(Decimal(each.money) for each in found.differences if each.currency == currency)
        parts.append(f"{money:+.2f} {currency}")
    unpriced = sum(each.unpriced for each in found.differences)
    parts += [f"and of {unpriced} an amount that is not known"] if unpriced else []
    what = (
        "correction of an already delivered record"
        if found.corrections == 1
        else ("corrections of already delivered records")
    )
    return f"{found.corrections} {what}, difference {', '.join(parts)}"


def followed(
    where: Installation, made: Plan, found: Verification, deadline: float, tell: Callable[[Map[Answer, int]], None]
) -> Followed | None:
    """What came of it at the targets; None for any other plan."""
    from replay.following import follow
    from replay.verify import Answer

    if made.remapped is None:
        return None
    failed = {id for id, answer in found.answers.items() if answer is Answer.FAILED_AGAIN}
    return follow(where.kafka, where.codec, made.remapped, failed, deadline=deadline, tell=tell)


def answered(found: Followed | None) -> dict[str, Any]:
    """For programs."""
    if found is None:
        return {}
    targets = {target: {str(answer): n for answer, n in sorted(of.items())} for target, of in found.counts.items()}
    events = {id: str(answer) for id, answer in found.given.items()}
    return {"targets": targets, "events": events, "events_in_time": found.in_time, "unmoved": found.unmoved}


def targets(found: Followed | None) -> None:
    """For people."""
    from replay.verify import HOME

    if found is None:
        return
    rows = [(target, str(answer), n) for target, of in sorted(found.counts.items()) for answer, n in sorted(of.items())]
    show.table(("target", "answer", "events"), rows)
    open_ = [id for id, answer in found.given.items() if answer not in HOME]
    if open_:
        show.say(
            f"{len(open_)} events have no answer that lasts, or failed: psfabric status, hold list and dlq list tell."
        )
    if found.unmoved:
        show.say(
            f"{found.unmoved} corrections changed nothing: their target keeps nothing of what changed, or the mended "
            "mapping is not deployed in `process`."
        )


def nothing(found: Remapped) -> str:
    """Why there is no plan."""
    if not found.records and not found.ahead:
        return f"Nothing to replay: {found.topic} holds no record of that time. No plan was written."
    if not found.records:
        return (
            f"Nothing to replay: none of these {found.ahead} records was read by its component yet, so the mapping of "
            "today says them anyway. No plan was written."
        )
    return (
        f"Nothing to do: of {found.records} records the mapping says {found.unchanged} events as they were said, and "
        "none that would change anything at a target. No plan was written."
    )


def _counts(found: Remapped) -> Iterator[Sequence[object]]:
    """All that can be sent, and of the rest what there is."""
    yield found.unchanged, "unchanged", "nothing"
    yield (
        found.changed - found.corrected,
        "changed, not delivered yet",
        "the new content wins",
    )
    yield found.corrected, "changed, already delivered", "corrected by the target's rule"
    yield found.new, "new: not said before", "goes on as any new event"
    rest = (
        (found.gone, "gone: no longer said", "nothing: a removal is not invented"),
        (found.superseded, "superseded by a newer version", "nothing"),
        (found.amended, "amended by an operator since", "nothing: left as they are"),
        (found.left, "beyond the limit", "nothing now"),
        (sum(each.records for each in found.failing), "records that the mapping refuses", "nothing"),
        (found.ahead, "records not read by the component yet", "nothing: today's mapping reads them anyway"),
    )
    yield from (row for row in rest if row[0])


def signed(number: str) -> str:
    return number if number.startswith("-") or not Decimal(number) else f"+{number}"

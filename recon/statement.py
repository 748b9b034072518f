"""The statement as a pure function of what each side holds.

Time is summed in whole seconds. Money at source is what the target would bill for the source's seconds: entries are
grouped as the target's document lines are (project, role, and the invoice that billed them, or open), the seconds of a
group are summed and rounded once, by the target's own documented function (`Sink.amount`).

What a dead letter or a hold keeps out of the target stands in its own column: source = target + held + dead. Anything
beyond that is a difference, and the statement does not balance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from psfabric.adapters import Line
from psfabric.money import hours, minor_units

Amount = Callable[[str, int, Decimal, str], Decimal]
"""(legal entity, seconds, hourly rate, currency) -> money, by the rounding of that legal entity's target."""

POSTED = frozenset({"posted", "paid"})


class Owner(NamedTuple):
    """What a row of the statement is about."""

    legal_entity: str
    client: str
    currency: str


NOBODY = Owner("", "", "")
"""Time on a project that no contract covers (yet)."""


@dataclass(frozen=True, slots=True)
class Books:
    """Everything the statement is made from.

    `time`, `rates`, `milestones` are the sources'; `posted` and `invoiced` the targets'. `stages` holds per stage of
    the fabric the seconds of each time entry there. `dead` and `held` are the aggregate ids (or their native tails)
    with an open dead letter, or waiting.
    """

    time: Sequence[Line]
    rates: Sequence[Line]
    milestones: Sequence[Line]
    posted: Sequence[Line]
    invoiced: Sequence[Line]
    stages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One legal entity, client and currency. Seconds are integers, money is in `currency`, net of tax."""

    legal_entity: str
    client: str
    currency: str
    seconds_source: int
    seconds_erp: int
    seconds_held: int
    seconds_dead: int
    stages: Mapping[str, int]
    money_source: Decimal
    money_erp: Decimal
    billed: Decimal
    open: Decimal
    held: Decimal
    dead: Decimal

    @property
    def balanced(self) -> bool:
        time = self.seconds_source == self.seconds_erp + self.seconds_held + self.seconds_dead
        return time and self.money_source == self.money_erp + self.held + self.dead

    def as_json(self) -> dict[str, Any]:
        """Decimals as text, hours with four places."""
        plain = {k: str(v) if isinstance(v, Decimal) else v for k, v in asdict(self).items()}
        plain["hours_source"], plain["hours_erp"] = str(hours(self.seconds_source)), str(hours(self.seconds_erp))
        return plain


@dataclass(frozen=True, slots=True)
class Statement:
    rows: tuple[Row, ...]
    differences: tuple[str, ...]
    invoices: tuple[Mapping[str, str], ...]

    @property
    def balanced(self) -> bool:
        return not self.differences and all(row.balanced for row in self.rows)


def state(books: Books, amount: Amount) -> Statement:
    """Compare both sides. Pure."""
    return _Reckoning(books, amount).statement()


@dataclass(slots=True)
class _Sums:
    """What adds up to one row."""

    source: int = 0
    erp: int = 0
    held: int = 0
    dead: int = 0
    stages: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    money_source: Decimal = Decimal(0)
    billed: Decimal = Decimal(0)
    open: Decimal = Decimal(0)
    money_held: Decimal = Decimal(0)
    money_dead: Decimal = Decimal(0)


@dataclass(slots=True)
class _Group:
    """Seconds that one document line has, or would have: at source, in the target, kept back."""

    source: int = 0
    erp: int = 0
    held: int = 0
    dead: int = 0


class _Reckoning:
    def __init__(self, books: Books, amount: Amount) -> None:
        self._books, self._amount = books, amount
        self._prices = {(r.project_id, r.role): r for r in books.rates}
        self._owners = {r.project_id: Owner(r.legal_entity, r.client_id, r.currency) for r in books.rates}
        self._sums: dict[Owner, _Sums] = defaultdict(_Sums)
        self._groups: dict[tuple[str, str, str], _Group] = defaultdict(_Group)
        self._differences: list[str] = []

    def statement(self) -> Statement:
        self._time()
        self._homes()
        self._money_of_time()
        self._milestones()
        self._stages()
        rows = tuple(self._row(owner) for owner in sorted(self._sums))
        return Statement(rows, tuple(sorted(self._differences)), self._invoices())

    # ------------------------------------------------------------------ time, entry by entry

    def _time(self) -> None:
        source = {line.aggregate_id: line for line in self._books.time}
        posted = self._unique(self._books.posted)
        for entry_id in sorted(source.keys() | posted.keys()):
            self._entry(entry_id, source.get(entry_id), posted.get(entry_id))

    def _homes(self) -> None:
        """Everything in a target must lie in the legal entity, and be in the currency, of its project's contract."""
        for line in (*self._books.posted, *self._books.invoiced):
            owner = self._owners.get(line.project_id)
            if owner is not None and (owner.legal_entity, owner.currency) != (line.legal_entity, line.currency):
                where = f"{line.legal_entity} in {line.currency}, its contract in {owner.legal_entity} {owner.currency}"
                self._differ(f"{line.entity} {line.aggregate_id} of {line.project_id} is posted in {where}")

    def _unique(self, lines: Iterable[Line]) -> dict[str, Line]:
        """Target lines by entry. An entry posted twice, or a line that is nobody's, is a difference."""
        found: dict[str, Line] = {}
        for line in lines:
            if not line.aggregate_id:
                self._differ(f"{line.legal_entity}: a time line of {line.seconds} s that the fabric did not post")
            elif line.aggregate_id in found:
                self._differ(f"{line.aggregate_id} is posted twice ({line.legal_entity} {line.seconds} s)")
                self._add(line, line.seconds)
            else:
                found[line.aggregate_id] = line
        return found

    def _entry(self, entry_id: str, source: Line | None, posted: Line | None) -> None:
        if source is not None:
            self._group(source, posted).source += source.seconds
        if posted is not None:
            self._group(posted, posted).erp += posted.seconds
        if source is not None and posted is not None and _same(source, posted):
            return
        if not self._explained(entry_id, source, posted):
            self._differ(f"{entry_id}: {_told(source)} at source, {_told(posted)} in the target")

    def _explained(self, entry_id: str, source: Line | None, posted: Line | None) -> bool:
        """Whether a dead letter or a hold says why the sides differ; its column takes the difference."""
        kept = _kept(entry_id, self._books)
        if kept == "":
            return False
        if source is not None:
            self._keep(self._group(source, posted), kept, source.seconds)
        if posted is not None:
            self._keep(self._group(posted, posted), kept, -posted.seconds)
        return True

    @staticmethod
    def _keep(group: _Group, kept: str, seconds: int) -> None:
        if kept == "held":
            group.held += seconds
        else:
            group.dead += seconds

    def _group(self, line: Line, posted: Line | None) -> _Group:
        invoice = posted.invoice_id if posted is not None and _same_work(line, posted) else ""
        return self._groups[(line.project_id, line.role, invoice)]

    def _add(self, line: Line, seconds: int) -> None:
        self._groups[(line.project_id, line.role, line.invoice_id)].erp += seconds

    # ------------------------------------------------------------------ money of time, line by line

    def _money_of_time(self) -> None:
        billed = self._billed()
        for (project, role, invoice), group in sorted(self._groups.items()):
            owner = self._owners.get(project, NOBODY)
            sums = self._sums[owner]
            sums.source += group.source
            sums.erp += group.erp
            sums.held += group.held
            sums.dead += group.dead
            self._value(sums, owner, (project, role, invoice), group, billed)
        for (project, role, invoice), value in sorted(billed.items()):
            self._differ(f"invoice {invoice} bills {value} for {role} on {project}, which no time entry stands behind")
            self._sums[self._owners.get(project, NOBODY)].billed += value

    def _value(
        self,
        sums: _Sums,
        owner: Owner,
        line: tuple[str, str, str],
        group: _Group,
        billed: dict[tuple[str, str, str], Decimal],
    ) -> None:
        project, role, invoice = line
        price = self._prices.get((project, role))
        if price is None:
            if group.source != group.held + group.dead:
                self._differ(f"{role} on {project} has no price in any contract")
            return
        worth = self._worth(owner, price.unit_price)
        at_source, in_target = worth(group.source), worth(group.erp)
        sums.money_source += at_source
        if invoice and price.unit_price:
            charged = billed.pop(line, Decimal(0))
            sums.billed += charged
            if charged != in_target:
                self._differ(
                    f"invoice {invoice} bills {charged} {owner.currency} for {role} on {project}, "
                    f"whose {group.erp} s are worth {in_target}"
                )
        else:
            sums.open += in_target
        kept = at_source - worth(group.source - group.held - group.dead)
        of_held = at_source - worth(group.source - group.held)
        sums.money_held += of_held
        sums.money_dead += kept - of_held

    def _worth(self, owner: Owner, rate: Decimal) -> Callable[[int], Decimal]:
        return lambda seconds: self._amount(owner.legal_entity, seconds, rate, owner.currency)

    def _billed(self) -> dict[tuple[str, str, str], Decimal]:
        """Amounts of posted invoice lines for time, by document line."""
        found: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for line in self._books.invoiced:
            if line.state in POSTED and not line.aggregate_id.startswith("milestone:"):
                found[(line.project_id, line.role, line.aggregate_id)] += line.amount
        return found

    # ------------------------------------------------------------------ milestones

    def _milestones(self) -> None:
        invoiced: dict[str, Line] = {}
        for line in self._books.invoiced:
            if line.state in POSTED and line.aggregate_id.startswith("milestone:"):
                if line.aggregate_id in invoiced:
                    self._differ(f"{line.aggregate_id} is invoiced twice")
                invoiced[line.aggregate_id] = line
                self._sums[self._owners.get(line.project_id, NOBODY)].billed += line.amount
        for milestone in self._books.milestones:
            self._milestone(milestone, invoiced.pop(f"milestone:{milestone.aggregate_id}", None))
        for key in sorted(invoiced):
            self._differ(f"{key} is invoiced, but not accepted at source")

    def _milestone(self, milestone: Line, invoice: Line | None) -> None:
        owner = self._owners.get(milestone.project_id, NOBODY)
        sums = self._sums[owner]
        sums.money_source += milestone.amount
        if invoice is not None:
            accepted, billed = _priced(milestone), _priced(invoice)
            if accepted != billed:
                self._differ(f"milestone {milestone.aggregate_id}: {accepted} accepted, {billed} billed")
            return
        match _kept(f"milestone:{milestone.aggregate_id}", self._books) or _kept(milestone.aggregate_id, self._books):
            case "held":
                sums.money_held += milestone.amount
            case "dead":
                sums.money_dead += milestone.amount
            case _:
                sums.open += milestone.amount
                self._differ(f"milestone {milestone.aggregate_id}: {_priced(milestone)} accepted, nothing billed")

    # ------------------------------------------------------------------ the rest

    def _stages(self) -> None:
        projects = {line.aggregate_id: line.project_id for line in (*self._books.posted, *self._books.time)}
        for stage, entries in self._books.stages.items():
            for entry_id, seconds in entries.items():
                if entry_id in projects:
                    self._sums[self._owners.get(projects[entry_id], NOBODY)].stages[stage] += seconds

    def _row(self, owner: Owner) -> Row:
        sums = self._sums[owner]
        unit = Decimal(1).scaleb(-minor_units(owner.currency))
        return Row(
            *owner,
            seconds_source=sums.source,
            seconds_erp=sums.erp,
            seconds_held=sums.held,
            seconds_dead=sums.dead,
            stages={stage: sums.stages.get(stage, 0) for stage in self._books.stages},
            money_source=sums.money_source.quantize(unit),
            money_erp=(sums.billed + sums.open).quantize(unit),
            billed=sums.billed.quantize(unit),
            open=sums.open.quantize(unit),
            held=sums.money_held.quantize(unit),
            dead=sums.money_dead.quantize(unit),
        )

    def _invoices(self) -> tuple[Mapping[str, str], ...]:
        totals: dict[tuple[str, str], tuple[Line, Decimal]] = {}
        for line in self._books.invoiced:
            key = (line.legal_entity, line.number or line.aggregate_id)
            totals[key] = (line, totals[key][1] + line.amount if key in totals else line.amount)
        return tuple(
            {
                "legal_entity": line.legal_entity,
                "number": line.number,
                "invoice_id": line.aggregate_id,
                "project": line.project_id,
                "date": line.day.isoformat() if line.day is not None else "",
                "currency": line.currency,
                "net": str(net),
                "state": line.state,
            }
            for _, (line, net) in sorted(totals.items(), key=lambda item: item[0])
        )

    def _differ(self, sentence: str) -> None:
        self._differences.append(sentence)


def _same_work(a: Line, b: Line) -> bool:
    return (a.project_id, a.role) == (b.project_id, b.role)


def _same(source: Line, posted: Line) -> bool:
    return _same_work(source, posted) and source.seconds == posted.seconds and source.day == posted.day


def _kept(entry_id: str, books: Books) -> str:
    names = {entry_id, entry_id.rpartition(":")[2]}
    if names & books.dead:
        return "dead"
    return "held" if names & books.held else ""


def _priced(milestone: Line) -> str:
    return f"{milestone.amount.normalize():f} {milestone.currency} on {milestone.project_id}"


def _told(line: Line | None) -> str:
    if line is None:
        return "nothing"
    return f"{line.seconds} s on {line.day} for {line.role} on {line.project_id}"

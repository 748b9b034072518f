"""The oracle: what the source said against what the target did. Sets are compared; no log is read.

A `Said` is one version of one time entry as the source has it. The target's journal is what the fake ERP wrote while
it acted. What lies in a dead-letter or hold topic is neither lost nor posted: it counts for neither side.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

Version = tuple[str, int]
"""An entry's id and its edition, 1 for the first."""


@dataclass(frozen=True, slots=True)
class Said:
    """`seq` counts the versions of one Kafka key; `amount` is what the entry is worth, to the minor unit."""

    id: str
    edition: int
    key: str
    seq: int
    company: str
    client: str
    currency: str
    amount: Decimal
    at: float
    """When the source said it (epoch seconds)."""
    posted: bool = True
    """Whether it shall reach the target; False for records that are bad on purpose."""

    @property
    def version(self) -> Version:
        return self.id, self.edition


@dataclass(frozen=True, slots=True)
class Fault:
    """One injection: what, from when until when it was gone (epoch seconds)."""

    name: str
    begun: float
    ended: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of one run. `lost`, `doubled` and `out_of_order` are records, `amount_difference` money."""

    said: int
    posted: int
    dead: int
    held: int
    lost: int
    doubled: int
    amount_difference: Decimal
    out_of_order: int
    redelivered: int
    injections: int
    recovery_p95_s: float
    early: int = 0
    examples: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    """Entries to look at first."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.amount_difference or self.out_of_order or self.early)

    def __str__(self) -> str:
        facts = ", ".join(
            f"{name} {value}" for name, value in asdict(self).items() if name not in ("examples", "suspects")
        )
        return facts + "".join(f"\n  {example}" for example in self.examples)


@dataclass(slots=True)
class Journal:
    """The target's lines, read on as they come."""

    path: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    latest: dict[tuple[str, str], int] = field(default_factory=dict)
    """Company and external id -> the edition committed last."""
    _at: int = 0

    def read(self) -> list[dict[str, Any]]:
        """All lines so far; a line that is being written is left for the next time."""
        with self.path.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        for text in whole.splitlines():
            line = json.loads(text)
            self.lines.append(line)
            if line["act"] == "commit":
                self.latest[line["company"], line["external"]] = line["edition"]
        return self.lines

    def acts(self, act: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["act"] == act]


@dataclass(slots=True)
class Ledger:
    """Everything the source said, in the order it said it."""

    said: list[Said] = field(default_factory=list)

    def final(self) -> dict[str, Said]:
        """The last version of each entry."""
        return {one.id: one for one in self.said}

    def behind(self, journal: Journal) -> list[Said]:
        """Entries of which the target has neither the last version nor a later one."""
        return [
            one
            for one in self.final().values()
            if one.posted and journal.latest.get((one.company, one.id), 0) < one.edition
        ]

    def missing(self, journal: Journal, elsewhere: Collection[Version] = ()) -> list[Said]:
        """Entries whose last version the target does not have and that lie nowhere else."""
        return [
            one
            for one in self.final().values()
            if (one.version not in elsewhere)
            and not (one.posted and journal.latest.get((one.company, one.id), 0) == one.edition)
        ]


def judge(
    ledger: Ledger,
    journal: Journal,
    *,
    dead: Collection[Version] = (),
    held: Collection[Version] = (),
    faults: Sequence[Fault] = (),
    repeated: int = 0,
) -> Verdict:
    """`dead` and `held`: the versions that lie in dead-letter and hold topics. `repeated`: records the fabric wrote
    more than once between its stages."""
    journal.read()
    elsewhere = {*dead, *held}
    commits = journal.acts("commit")
    held_by_target = documents(commits)
    lost = [one.version for one in ledger.missing(journal, elsewhere)]
    lost += _vanished(ledger, commits, elsewhere)
    doubled = [f"{company}/{id}" for (company, id), found in held_by_target.items() if len(found) > 1]
    disorder = out_of_order(commits)
    writes = Counter((w["company"], w["external"], w["edition"]) for w in journal.acts("write"))
    return Verdict(
        said=len(ledger.said),
        posted=len(held_by_target),
        dead=len({*dead}),
        held=len({*held}),
        lost=len(lost),
        doubled=len(doubled),
        amount_difference=_difference(ledger, held_by_target, elsewhere),
        out_of_order=len(disorder),
        redelivered=repeated + sum(n - 1 for n in writes.values()),
        injections=len(faults),
        recovery_p95_s=p95([recovery(ledger, commits, fault.ended, elsewhere) for fault in faults]),
        early=sum(line["scope"] == "document" for line in journal.acts("early")),
        suspects=tuple([v[0] for v in lost[:3]] + [d.partition("/")[2] for d in doubled[:3]]),
        examples=tuple([f"lost {v}" for v in lost[:3]] + [f"doubled {d}" for d in doubled[:3]] + disorder[:3]),
    )


def documents(commits: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Mapping[str, Any]]]:
    """Company and external id -> the documents made for it, each as it was written last."""
    found: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for commit in commits:
        found[commit["company"], commit["external"]][commit["reference"]] = commit
    return found


def out_of_order(commits: Iterable[Mapping[str, Any]]) -> list[str]:
    """Writes of state that came after a later one of their key."""
    highest: dict[tuple[str, str], int] = {}
    wrong = []
    for commit in commits:
        key = commit["company"], commit["key"]
        if commit["seq"] <= highest.get(key, 0):
            wrong.append(f"{key[1]}: {commit['seq']} ({commit['external']}) after {highest[key]}")
        highest[key] = max(commit["seq"], highest.get(key, 0))
    return wrong


def _vanished(ledger: Ledger, commits: Iterable[Mapping[str, Any]], elsewhere: Collection[Version]) -> list[Version]:
    """Entries that were said, are nowhere, and whose only trace is a version that should never have been posted."""
    bad = {one.version for one in ledger.said if not one.posted}
    return [v for v in {(c["external"], c["edition"]) for c in commits} if v in bad and v not in elsewhere]


def _difference(
    ledger: Ledger,
    held: Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]],
    elsewhere: Collection[Version],
) -> Decimal:
    """Absolute differences, source against target, summed over clients and currencies."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    left_out = set()
    for one in ledger.final().values():
        if one.posted and one.version not in elsewhere:
            sums[one.client, one.currency] += one.amount
        else:
            left_out.add(one.id)
    for (_, id), of_id in held.items():
        if id not in left_out:
            for document in of_id.values():
                sums[document["client"], document["currency"]] -= Decimal(document["amount"])
    return sum((abs(difference) for difference in sums.values()), Decimal(0))


def recovery(
    ledger: Ledger, commits: Iterable[Mapping[str, Any]], ended: float, elsewhere: Collection[Version]
) -> float:
    """Seconds from `ended` until everything said before it had reached the target."""
    reached: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for commit in commits:
        reached[commit["external"]].append((commit["edition"], commit["at"]))
    waited = 0.0
    for one in ledger.said:
        if one.at > ended or not one.posted or one.version in elsewhere:
            continue
        there = [at for edition, at in reached[one.id] if edition >= one.edition]
        if there:
            waited = max(waited, min(there) - ended)
    return waited


def p95(values: Sequence[float]) -> float:
    ranked = sorted(values)
    return round(ranked[min(len(ranked) - 1, int(len(ranked) * 0.95))], 2) if ranked else 0.0

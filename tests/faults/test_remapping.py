"""A mapping that was wrong is mended: what it changes is corrected in the target, once, and nothing else is touched.

The mended mapping takes no entry for longer than eight hours; what was said longer was posted longer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

import replay
from psfabric.codec import Codec
from psfabric.engine import Policy
from psfabric.event import Record
from psfabric.registry import Registry
from psfabric.stages import TranslateStage, about_id
from replay import Plan, Selection
from replay.acts import Operator, operation_number
from replay.deadletters import value_hash
from replay.following import Followed, follow
from replay.from_source import Downstream, Made, plan_from_source
from replay.plan import Entry, sealed
from replay.remapping import Mapping as SourceMapping
from replay.verify import Answer
from schemas import models
from tests.faults import adapters
from tests.faults.child import OWN, run_topic
from tests.faults.fabric import Fabric, Parts, Setting
from tests.faults.ledger import Said
from tests.faults.processes import Nursery
from tests.faults.report import Report

LONGEST = 28_800
PATIENCE = 600.0
"""Seconds for everything that follows from one step, at most."""


@dataclass
class Firm:
    """A run of the fabric whose sources said a month, all of it posted."""

    fabric: Fabric
    codec: Codec

    @property
    def posted(self) -> dict[str, dict[str, Any]]:
        """Every document of every target by external id; one id with two documents shows in `doubled`."""
        return {d["body"]["external"]: d for sink in self.fabric.sinks for d in self.fabric.erp.statement(sink)}

    @property
    def doubled(self) -> list[str]:
        ids = [d["body"]["external"] for sink in self.fabric.sinks for d in self.fabric.erp.statement(sink)]
        return [id for id, count in Counter(ids).items() if count > 1]

    @property
    def commits(self) -> Counter[str]:
        """How often each document was written."""
        self.fabric.journal.read()
        return Counter(commit["external"] for commit in self.fabric.journal.acts("commit"))

    def plan(self, source: str, longest: int = adapters.LONGEST, limit: int | None = None) -> Made:
        made: adapters.Fat | adapters.ThinOne
        if source.startswith("fat-"):
            made = adapters.Fat(name=source, longest=longest)
        else:
            made = adapters.ThinOne(name=source, url="http://127.0.0.1:1", longest=longest)
        stage = TranslateStage(Policy(source, "translate"), self.codec, made, source.startswith("thin-"))
        mapping = SourceMapping(self.codec, stage, made.emits)
        run, kafka, operator = self.fabric.run, self.fabric.kafka, Operator("a test")
        downstream = Downstream(list(self.fabric.sinks), [f"approve-{run}", f"price-{run}"], lambda type: True)

        def number(detail: Mapping[str, Any]) -> str:
            return operation_number(kafka, operator, "replay.plan", detail)

        now = datetime.now(UTC)
        return plan_from_source(kafka, mapping, Selection(limit=limit), downstream, number, who="anna", now=now)

    def followed(self, plan: Plan) -> Followed:
        """What the targets answered."""
        assert plan.remapped is not None
        return follow(self.fabric.kafka, self.codec, plan.remapped, (), deadline=monotonic() + PATIENCE)

    def replay(self, plan: Plan) -> replay.Verification:
        """Applied and verified to its end."""
        replay.apply(self.fabric.kafka, plan, replay.Operator("a test"))
        return replay.verify(self.fabric.kafka, self.codec, plan, deadline=monotonic() + PATIENCE)


@contextmanager
def firm(
    parts: Parts, nursery: Nursery, folder: Path, setting: Setting, patch: pytest.MonkeyPatch, count: int, thin: float
) -> Iterator[Firm]:
    with Fabric(parts, nursery, folder, 7, setting) as fabric:
        for name in OWN:  # as in the fabric's own processes
            patch.setattr(getattr(models, name), "TOPIC", run_topic(fabric.run))
        for start in range(0, count, 1000):
            fabric.say(min(1000, count - start), thin_share=thin)
        fabric.settle(PATIENCE, quiet=0.2)
        assert fabric.verdict().clean, fabric.logs()
        yield Firm(fabric, Codec(Registry(parts.direct_registry or parts.registry)))


def affected(said: Sequence[Said], posted: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {one.id for one in said if posted[one.id]["body"]["seconds"] > LONGEST}


def mended(parts: Parts, nursery: Nursery, folder: Path, patch: pytest.MonkeyPatch, count: int) -> None:
    """The whole story: an unchanged mapping, a mended one, the correction, and that nothing is left to do."""
    setting = Setting(sinks=("upsert", "versioned"), keys=max(24, count // 10), corrections=0.2)
    with firm(parts, nursery, folder, setting, patch, count, thin=0.2) as here:
        fabric, sources = here.fabric, (f"fat-{here.fabric.run}", f"thin-{here.fabric.run}")
        for source in sources:
            made = here.plan(source)
            assert (made.plan, made.remapped.changed, made.remapped.new) == (None, 0, 0), "an unchanged mapping"
        before, written = here.posted, here.commits
        wrong = affected(list(fabric.sayings.ledger.final().values()), before)
        assert len(wrong) > count // 20
        fabric.redeploy(longest=LONGEST)
        for source in sources:
            made = here.plan(source, LONGEST)
            mine = {id for id in wrong if id.startswith(f"{fabric.run}-t") == source.startswith("thin")}
            assert made.plan is not None
            assert len(made.remapped.awaited) == len(mine)
            assert made.remapped.corrections == made.remapped.corrected == len(mine)
            assert sum(each.seconds for each in made.remapped.differences) == sum(
                LONGEST - before[id]["body"]["seconds"] for id in mine
            )
            found = here.replay(made.plan)
            assert found.home, found.counts
            at_targets = here.followed(made.plan)
            assert Counter(at_targets.given.values()) == {Answer.DELIVERED: len(mine)}
            assert (at_targets.home, at_targets.in_time, at_targets.unmoved) == (True, True, 0)
        fabric.settle(PATIENCE, quiet=0.5)
        after, again = here.posted, here.commits
        assert here.doubled == []
        assert after.keys() == before.keys(), "no new document, none lost"
        corrected = {id for id in after if after[id] != before[id]}
        assert corrected == wrong, "exactly what was wrong"
        assert {after[id]["body"]["seconds"] for id in wrong} == {LONGEST}
        assert {id: again[id] - written[id] for id in after} == {id: int(id in wrong) for id in after}, "each once"
        _correct_the_ledger(fabric, wrong)
        verdict = fabric.verdict()
        assert (verdict.lost, verdict.doubled, verdict.amount_difference) == (0, 0, Decimal(0)), verdict
        assert [here.plan(source, LONGEST).plan for source in sources] == [None, None], "nothing is left to do"


def _correct_the_ledger(fabric: Fabric, wrong: set[str]) -> None:
    """What the entries are worth under the mended mapping."""
    projects = {(p.company, p.client, p.currency): p for p in fabric.sayings.projects}
    final = fabric.sayings.ledger.final()
    for place, one in enumerate(fabric.sayings.ledger.said):
        if one.id in wrong and final[one.id] is one:
            worth = projects[one.company, one.client, one.currency].worth(LONGEST)
            fabric.sayings.ledger.said[place] = replace(one, amount=worth)


def posted_again(parts: Parts, nursery: Nursery, folder: Path, patch: pytest.MonkeyPatch, count: int) -> None:
    """A month that is posted is replayed, at the sinks and from the source: no document is made or written."""
    setting = Setting(sinks=("upsert", "unique", "none"), thin=False, keys=max(24, count // 10))
    with firm(parts, nursery, folder, setting, patch, count, thin=0.0) as here:
        before, written = here.posted, here.commits
        topics = [*(f"deliver.{sink}" for sink in here.fabric.sinks), f"raw.fat-{here.fabric.run}"]
        for topic in topics:
            records = here.fabric.records(topic)
            found = here.replay(plan_of(records))
            assert found.home, found.counts
        here.fabric.settle(PATIENCE, quiet=0.5)
        assert here.posted == before
        assert here.commits == written
        assert here.doubled == []


def plan_of(records: Sequence[Record]) -> Plan:
    """A plan to send records of one topic again, to the component that reads it."""
    empty: dict[str, Any] = {"counts": (), "worth": (), "without_worth": 0, "targets": (), "warnings": ()}
    entries = tuple(map(_entry, sorted(records, key=lambda r: (r.partition, r.offset))))
    made = {"created_at": "2026-07-01T09:00:00+00:00", "created_by": "anna", "selection": {}}
    return sealed(Plan(**made, entries=entries, **empty))


def _entry(record: Record) -> Entry:
    component, key = record.topic.partition(".")[2], (record.key or b"").decode()
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    origin = {f"origin_{name}": value for name, value in place.items()}
    about = {"about": about_id(record), "code": "again", "type": "", "key": key}
    whereto = {"component": component, "to": f"redo.{component}", "to_partition": record.partition}
    return Entry(id=record.coordinates, value_hash=value_hash(record.value), **place, **origin, **about, **whereto)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_after_a_mapping_was_mended_exactly_what_it_changes_is_corrected_once(
    parts: Parts, nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended(parts, nursery, tmp_path, monkeypatch, 300)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_what_is_posted_and_replayed_makes_no_new_document(
    parts: Parts, nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted_again(parts, nursery, tmp_path, monkeypatch, 200)


@pytest.mark.faults
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("story", [mended, posted_again])
def test_a_month_of_them(
    parts: Parts, nursery: Nursery, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, story: Any
) -> None:
    """10,000 records; 100,000 in the long tier."""
    story(parts, nursery, tmp_path, monkeypatch, 100_000 if report.tier == "long" else 10_000)

"""What the command adds to the statement: why a difference stays."""

from __future__ import annotations

from cli.statement import explained
from replay import Selection, State, dead_letters
from tests.cli.conftest import Run
from tests.replay.plant import Plant


def test_a_difference_that_an_operator_discarded_says_so(run: Run, here: Plant) -> None:
    from psfabric.engine import receipts as receipt
    from psfabric.outcomes import Discarded

    discarded, open_ = here.time_event(), here.time_event()
    for event in (discarded, open_):
        here.bury(here.record(event))
    model = receipt.discarded(here.name, Discarded("test data", discarded.id, discarded.data.CE_TYPE))
    here.receipt(discarded.id, "terminal", model)
    ids = [event.data.aggregate_id for event in (discarded, open_)]
    sentences = [f"{id}: 5400 s at source, nothing in the target" for id in ids]
    letters = dead_letters(here.kafka, [here.name], Selection(state=(State.DISCARDED,)))
    told = list(explained(sentences, letters))
    assert told == [
        f"{sentences[0]} (an operator discarded it: psfabric dlq show {here.name}/0/0)",
        sentences[1],
    ]

"""The working day as a person or a program runs it: one command, real parts, a statement that balances."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry.collector import Collector, collecting

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 380
MONEY = ("money_source", "money_erp", "billed", "open", "held", "dead")
ROW = {"legal_entity", "client", "currency", "seconds_source", "seconds_erp", "hours_source", "hours_erp", *MONEY}


def demo(*options: str, **env: str) -> tuple[int, str, str]:
    """`psfabric demo`; it is interrupted, and so stops its parts, when it takes too long."""
    command = [sys.executable, "-m", "cli.main", "demo", *options]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=pipe, stderr=pipe, text=True)
    try:
        out, err = running.communicate(timeout=WITHIN)
    except BaseException:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        raise
    return running.returncode, out, err


@pytest.mark.timeout(WITHIN + 20)
def test_the_working_day_balances() -> None:
    with collecting() as collector:
        sampled = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.3"}
        code, out, err = demo("--seed", "3", "--output", "json", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **sampled)
    assert code == 0, err[-3000:]
    _one_trace_follows_one_worklog(collector)
    told = json.loads(out)
    assert (told["balanced"], told["seed"], told["differences"], told["second_run_changed"]) == (True, 3, [], [])
    assert told["replayed"] > 0
    assert told["killed"] > 0
    assert told["seconds"] > 0
    _rows_are_exact(told["rows"])
    _invoices_are_posted(told["invoices"])
    dead = {(letter["code"], letter["state"]) for letter in told["dead_letters"]}
    assert ("malformed-json", "open") in dead
    assert not {state for code, state in dead if code == "resource-unknown"} & {"open"}
    assert "forged signature was refused with 401" in err


def _one_trace_follows_one_worklog(collector: Collector) -> None:
    """Sent by three real processes to a real receiver: from the webhook to the ERP."""
    road = ("jira-acme.hydrate", "jira-acme", "approve-time", "price-time", "tryton-uk")
    wanted = {"POST /in/{source}", "send raw.jira-acme", *(f"process {c}" for c in road), *(f"send {c}" for c in road)}
    traces = [collector.traced(trace) for trace in {span.trace for span in collector.spans}]
    found = [spans for spans in traces if wanted <= {span.name for span in spans}]
    assert found, "no trace came the whole way"
    for spans in found:
        assert {span.service for span in spans} == {"psfabric.intake", "psfabric.process", "psfabric.deliver"}
        assert sum(span.name == "POST /in/{source}" for span in spans) == 1
    assert {"psf.lag", "messaging.process.duration", "psf.records.handled"} <= collector.metrics


def _rows_are_exact(rows: list[dict[str, Any]]) -> None:
    assert {(row["legal_entity"], row["currency"]) for row in rows} == {("US01", "USD"), ("UK01", "GBP")}
    for row in rows:
        assert row.keys() >= ROW
        assert type(row["seconds_source"]) is type(row["seconds_erp"]) is int
        assert row["seconds_source"] == row["seconds_erp"] > 0
        for column in MONEY:
            assert re.fullmatch(r"\d+\.\d\d", row[column]), f"{column} is {row[column]!r}"
        for column in ("hours_source", "hours_erp"):
            assert re.fullmatch(r"\d+\.\d{4}", row[column]), f"{column} is {row[column]!r}"
        assert Decimal(row["money_source"]) == Decimal(row["billed"]) + Decimal(row["open"])


def _invoices_are_posted(invoices: list[dict[str, Any]]) -> None:
    assert len(invoices) == 5, "three billed months and two milestones"
    assert {invoice["state"] for invoice in invoices} == {"posted"}
    numbers = [(invoice["legal_entity"], invoice["number"]) for invoice in invoices]
    assert len(numbers) == len(set(numbers)), "no number is given twice"

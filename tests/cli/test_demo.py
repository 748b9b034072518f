"""The working day as a person or a program runs it: one command, real parts, a statement that balances."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 380
MONEY = ("money_source", "money_erp", "billed", "open", "held", "dead")
ROW = {"legal_entity", "client", "currency", "seconds_source", "seconds_erp", "hours_source", "hours_erp", *MONEY}


def demo(*options: str) -> tuple[int, str, str]:
    """`psfabric demo`; it is interrupted, and so stops its parts, when it takes too long."""
    command = [sys.executable, "-m", "cli.main", "demo", *options]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = running.communicate(timeout=WITHIN)
    except BaseException:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        raise
    return running.returncode, out, err


@pytest.mark.timeout(WITHIN + 20)
def test_the_working_day_balances() -> None:
    code, out, err = demo("--seed", "3", "--output", "json")
    assert code == 0, err[-3000:]
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

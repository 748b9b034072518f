"""Trace context at the border, by the rules of the W3C recommendation and its public test cases."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from psfabric.trace import TRACESTATE_LIMIT, Trace, enter

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "trace_context" / "cases.jsonl"
TRACE_ID = "12345678901234567890123456789012"
GOOD = f"00-{TRACE_ID}-1234567890123456-01"


def new_id(size: int) -> str:
    return "ab" * size


def kept(*headers: tuple[str, str]) -> Trace:
    return enter(headers, new_id)


def test_a_good_trace_goes_on_under_our_own_span() -> None:
    assert kept(("traceparent", GOOD)) == Trace(f"00-{TRACE_ID}-abababababababab-01", "", GOOD)


def test_without_a_trace_a_new_one_begins() -> None:
    assert kept() == Trace(f"00-{'ab' * 16}-{'ab' * 8}-00")


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"ff-{TRACE_ID}-1234567890123456-01",
        f"00-{'0' * 32}-1234567890123456-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID[:-1]}A-1234567890123456-01",
        f"00-{TRACE_ID}-1234567890123456-01-more",
        f"{GOOD}\n",
        f"{GOOD}\r\nce_id: forged",
        "00-１2345678901234567890123456789012-1234567890123456-01",
        "x" * 1_000_000,
    ],
)
def test_a_malformed_trace_is_replaced_and_its_state_dropped(value: str) -> None:
    assert kept(("traceparent", value), ("tracestate", "foo=1")) == kept()


def test_two_traceparents_are_none() -> None:
    assert kept(("traceparent", GOOD), ("traceparent", GOOD)) == kept()


def test_a_future_version_is_read_as_ours_and_written_as_ours() -> None:
    assert kept(("traceparent", f"cc{GOOD[2:]}-later")).traceparent.startswith(f"00-{TRACE_ID}-")


def test_reserved_flags_are_not_passed_on() -> None:
    assert kept(("traceparent", f"{GOOD[:-2]}ff")).traceparent.endswith("-03")


def test_an_all_zero_id_is_drawn_again() -> None:
    draws = itertools.chain(["00" * 16, "ab" * 16, "00" * 8, "cd" * 8])
    assert enter([], lambda size: next(draws)).traceparent == f"00-{'ab' * 16}-{'cd' * 8}-00"


def test_a_tracestate_is_bounded_by_whole_members() -> None:
    state = ",".join([f"long={'x' * 200}", *(f"k{n:02}={'y' * 60}" for n in range(25))])
    found = kept(("traceparent", GOOD), ("tracestate", state)).tracestate
    assert len(found) <= TRACESTATE_LIMIT
    assert found.split(",")[0] == f"k00={'y' * 60}"
    assert all(member in state.split(",") for member in found.split(","))


@pytest.mark.parametrize(
    "value", ["x" * 1_000_000, "foo=1,bar", "foo=\x001", "é=1", "foo=é", "foo=1\r\nce_id: x", "=1"]
)
def test_a_malformed_tracestate_is_dropped_and_the_trace_kept(value: str) -> None:
    assert kept(("traceparent", GOOD), ("tracestate", value)) == kept(("traceparent", GOOD))


def _rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text().splitlines()] if CASES.exists() else []


@pytest.mark.skipif(not CASES.exists(), reason=f"the public trace context cases are not here ({CASES})")
@pytest.mark.parametrize("row", _rows(), ids=lambda row: f"{row['id']}-{row['test']}")
def test_the_public_trace_context_cases(row: dict[str, Any]) -> None:
    found = [enter([(name, value) for name, value in row["headers"]], secrets.token_hex) for _ in range(3)]
    for expectation in row["expect"]:
        for rule, value in expectation.items():
            assert _holds(rule, value, found), f"{rule} {value}: {found[0]}"


def _holds(rule: str, value: Any, found: list[Trace]) -> bool:
    """`callbacks` counts requests of the upstream harness, which a parser has none of."""
    _, trace_id, parent_id, _ = found[0].traceparent.split("-")
    state = dict(member.split("=", 1) for member in found[0].tracestate.split(",") if member)
    if rule.startswith("tracestate["):
        return state.get(rule.removeprefix("tracestate[").removesuffix("]_eq")) == str(value)
    checks: dict[str, Callable[[], bool]] = {
        "trace_id_eq": lambda: trace_id == str(value),
        "trace_id_ne": lambda: trace_id != str(value),
        "trace_id_none_eq": lambda: all(trace.traceparent.split("-")[1] != value for trace in found),
        "parent_id_ne": lambda: parent_id != str(value),
        "distinct_parent_ids": lambda: len({trace.traceparent.split("-")[2] for trace in found}) == int(value),
        "tracestate_has": lambda: value in state,
        "tracestate_absent": lambda: value not in state,
        "tracestate_contains": lambda: value in found[0].tracestate,
        "tracestate_len": lambda: len(state) == int(value),
        "callbacks": lambda: len(found) == int(value),
    }
    return checks[rule]()

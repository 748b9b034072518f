"""What the fabric takes for JSON, and that its canonical form changes no value."""

from __future__ import annotations

import contextlib
import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psfabric.strict_json import MAX_DEPTH, NotJson, dumps, loads

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "json_parsing"

REFUSED = {
    "nothing": b"",
    "only space": b" \n",
    "NaN": b"[NaN]",
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "a duplicate name": b'{"rate": 1, "rate": 2}',
    "a duplicate name, written differently": b'{"a": 1, "\\u0061": 1}',
    "a duplicate name, nested": b'[{"x": {"a": 1, "a": 1}}]',
    "a lone high surrogate": b'"\\ud800"',
    "a lone low surrogate": b'["\\uDC00"]',
    "a lone surrogate as name": b'{"\\ud800": 1}',
    "two high surrogates": b'"\\ud800\\ud800"',
    "inverted surrogates": b'"\\udd1e\\ud834"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "latin-1": b'"\xe9"',
    "an overlong sequence": b'"\xc0\xaf"',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a truncated sequence": b'"\xe0\xff"',
    "trailing text": b"{} x",
    "two values": b"1 2",
    "a trailing comma": b"[1,]",
    "a missing comma": b"[1 2]",
    "single quotes": b"{'a': 1}",
    "a bare word": b"{a: 1}",
    "a comment": b"[1] // one",
    "an octal number": b"[012]",
    "a plus sign": b"[+1]",
    "a bare point": b"[.5]",
    "a number that ends in a point": b"[1.]",
    "hexadecimal": b"[0x1F]",
    "fullwidth digits": "[1１]".encode(),
    "a raw control character": b'"a\x00b"',
    "a raw line feed in text": b'"a\nb"',
    "an invalid escape": b'"\\x41"',
    "a short unicode escape": b'"\\u00A"',
    "an unclosed object": b'{"a": 1',
    "no-break space between tokens": b"[\xc2\xa01]",
    "a huge exponent": b"[1e999999999]",
    "an impossible exponent": b"[1e99999999999999999999999]",
    "a tiny number": b"[1e-999999999]",
    "5,000 digits": b"[" + b"9" * 5000 + b"]",
    "nested too deep": b"[" * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1),
    "100,000 open brackets": b"[" * 100_000,
    "100,000 nested objects": b'{"a":' * 100_000,
    "100,000 pairs of brackets": b"[" * 100_000 + b"]" * 100_000,
}

ACCEPTED: dict[str, tuple[bytes, Any]] = {
    "a scalar": (b" 42 ", 42),
    "an empty object": (b"{}", {}),
    "an empty name": (b'{"": null}', {"": None}),
    "a surrogate pair": (b'"\\ud834\\udd1e"', "\U0001d11e"),
    "an escaped backslash before u": (b'"\\\\ud800"', "\\ud800"),
    "an escaped zero": (b'"\\u0000"', "\x00"),
    "a money amount": (b"[1250.50]", [Decimal("1250.50")]),
    "a big integer": (b"[9007199254740993]", [9007199254740993]),
    "more digits than a float has": (
        b"[0.10000000000000000555]",
        [Decimal("0.10000000000000000555")],
    ),
    "an exponent": (b"[1E+2]", [Decimal("1E+2")]),
    "the deepest allowed": (b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH, None),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_two_parsers_could_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        loads(body)


@pytest.mark.parametrize(("body", "value"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_values_are_taken_exactly(body: bytes, value: Any) -> None:
    found = loads(body)
    if value is not None:
        assert found == value


def test_a_number_with_a_point_is_never_a_float() -> None:
    assert type(loads(b"1.0")) is Decimal
    assert type(loads(b"1e2")) is Decimal


def test_too_many_bytes_are_refused_before_parsing() -> None:
    with pytest.raises(NotJson, match="more than the 10 allowed"):
        loads(b"x" * 11, limit=10)


def test_an_error_never_quotes_the_content() -> None:
    with pytest.raises(NotJson) as refusal:
        loads(b'{"token": secret-value}')
    assert "secret" not in str(refusal.value)


def test_the_canonical_form_keeps_digits_and_sorts_names() -> None:
    body = b'{"b": 1.50, "a": [-0, 1e5, "\\u00e9"], "c": {"z": null, "y": true}}'
    assert dumps(loads(body)) == '{"a":[-0,1E+5,"é"],"b":1.50,"c":{"y":true,"z":null}}'.encode()


@pytest.mark.parametrize("value", [1.5, float("nan"), Decimal("NaN"), Decimal("Infinity"), {1: 2}, {"a": b"x"}, {1, 2}])
def test_what_has_no_exact_text_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError):
        dumps(value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(json_values)
def test_writing_and_reading_is_the_identity(value: Any) -> None:
    text = dumps(value)
    assert loads(text) == value
    assert dumps(loads(text)) == text
    json.loads(text)  # and any other parser takes it


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with contextlib.suppress(NotJson):
        loads(body)


def _rows() -> list[dict[str, Any]]:
    file = CASES / "cases.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_the_public_json_parsing_cases() -> None:
    """Duplicate names are legal JSON and refused here on purpose; what is left to the parser may go either way."""
    rows = [row for row in _rows() if (CASES / row["file"]).exists()]
    if not rows:
        pytest.skip(f"the public case files are not here ({CASES}/data)")
    wrong = [row["id"] for row in rows if not _as_expected(row)]
    assert wrong == []


def _as_expected(row: dict[str, Any]) -> bool:
    body = (CASES / row["file"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == row["sha256"]
    try:
        loads(body)
        verdict = "accept"
    except NotJson:
        verdict = "reject"
    if row["expected"] not in ("accept", "reject") or "duplicated_key" in row["id"]:
        return True
    return verdict == str(row["expected"])

"""Types of values: decimals, numbers that lose digits, times and other logical types."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.review.avro import Type, text
from schemas.review.finding import BREAK, HAZARD, NOTE, Finding
from schemas.review.logical import INSTANTS, LOCALS, ON, STEPS, logical, precision_scale
from schemas.review.meaning.pairs import Pair
from schemas.review.resolve import PROMOTED

EXACT = {"int": 31, "long": 63, "float": 24, "double": 53}
"""Numeric type -> binary digits it holds exactly."""


def changes(pair: Pair[Type]) -> Iterator[Finding]:
    """Findings about one value, unions already opened."""
    old, new = logical(pair.old), logical(pair.new)
    if old == "decimal" and new == "decimal":
        yield from _decimal(pair)
        return
    if old in ("decimal", "big-decimal") and pair.new.kind in ("float", "double"):
        yield _lost(pair, f"exact amounts are kept as {pair.new.kind} now")
        return
    yield from _widened(pair)
    if pair.old.kind == pair.new.kind or pair.new.kind in PROMOTED.get(pair.old.kind, ()):
        yield from _logical(pair, old, new)


def _decimal(pair: Pair[Type]) -> Iterator[Finding]:
    (old_precision, old_scale), (precision, scale) = precision_scale(pair.old), precision_scale(pair.new)
    if old_scale != scale:
        was, now = _example(old_scale), _example(scale)
        yield Finding(
            "decimal-scale-changed",
            BREAK,
            pair.path,
            f"{pair.where} had {old_scale} digits after the point and has "
            f"{scale} now. The bytes stay readable, and the amount {was} reads as {now}: every amount in the "
            "topic would be wrong, silently. Add a new field with the new scale and keep this one.",
        )
    if old_precision != precision:
        smaller = precision - scale < old_precision - old_scale or precision < old_precision
        yield Finding(
            "decimal-precision-changed",
            BREAK if smaller else HAZARD,
            pair.path,
            f"{pair.where} had {old_precision} "
            f"digits and has {precision} now. "
            + (
                "Amounts that were right are refused or cut from now on."
                if smaller
                else "Larger amounts may come than columns, reports and old readers were made for."
            ),
        )


def _example(scale: int) -> str:
    digits = "1234567890".rjust(scale + 1, "0")
    return f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits


def _widened(pair: Pair[Type]) -> Iterator[Finding]:
    old, new = pair.old.kind, pair.new.kind
    if old == new or old not in EXACT or new not in EXACT:
        return
    if EXACT[new] < EXACT[old]:
        yield _lost(pair, f"{old} became {new}, which holds {EXACT[new]} binary digits exactly")
    elif new in PROMOTED.get(old, ()):
        yield Finding("type-widened", NOTE, pair.path, f"{pair.where}: {old} became {new}; no digit is lost.")


def _lost(pair: Pair[Type], what: str) -> Finding:
    grave = bool(pair.about & {"money", "tax", "time", "quantity"}) or logical(pair.old) != ""
    return Finding(
        "digits-lost",
        BREAK if grave else HAZARD,
        pair.path,
        f"{pair.where}: {what}. Large amounts, quantities and ids "
        "are rounded without a word, and sums no longer agree to the cent.",
    )


def _logical(pair: Pair[Type], old: str, new: str) -> Iterator[Finding]:
    if old == new:
        return
    if not new:
        left = text(pair.new.attributes, "logicalType")
        why = f" ({left} is not valid there, so readers ignore it)" if left else ""
        yield Finding(
            "logical-type-dropped",
            BREAK if old in ON and old != "uuid" else HAZARD,
            pair.path,
            f"{pair.where} was {old} and is a bare {pair.new.kind} now{why}. Readers get raw {pair.new.kind} where "
            "they expect an amount, a date or a time, and book what they make of it.",
        )
    elif not old:
        yield Finding(
            "logical-type-added",
            HAZARD if new in ON else NOTE,
            pair.path,
            f"{pair.where} was a bare {pair.old.kind} "
            f"and is {new} now. Old values are taken for {new}, whatever they were.",
        )
    else:
        yield _exchanged(pair, old, new)


def _exchanged(pair: Pair[Type], old: str, new: str) -> Finding:
    said = f"{pair.where} was {old} and is {new} now."
    (family, step), (new_family, new_step) = _step(old), _step(new)
    if family and family == new_family:
        factor = max(STEPS[step], STEPS[new_step]) // min(STEPS[step], STEPS[new_step])
        return Finding(
            "time-step-changed",
            BREAK,
            pair.path,
            f"{said} Times already recorded move by a factor of "
            f"{factor}: work of June is read as of 1970, or of a far year, and falls into no period.",
        )
    if {old in INSTANTS, new in INSTANTS} == {True, False} and {old in LOCALS, new in LOCALS} == {True, False}:
        return Finding(
            "instant-or-local-changed",
            BREAK,
            pair.path,
            f"{said} Work near midnight moves by the zone's "
            "offset to another day, and at a month end to another period.",
        )
    known = old in ON or new in ON
    return Finding(
        "logical-type-changed",
        BREAK if known else HAZARD,
        pair.path,
        f"{said} The same bytes are read as another kind of value.",
    )


def _step(name: str) -> tuple[str, str]:
    family, _, step = name.rpartition("-")
    return (family, step) if step in STEPS else ("", "")

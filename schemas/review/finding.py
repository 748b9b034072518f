"""A finding of the review, and the one list of codes that findings have.

A code is never renamed once used: acceptances, pull requests and pipelines refer to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """BREAK: records become unreadable, or money, time or protection is wrong at once. HAZARD: it goes wrong for some
    reader or some records. NOTE: worth a look; does not fail a review."""

    BREAK = "break"
    HAZARD = "hazard"
    NOTE = "note"


BREAK, HAZARD, NOTE = Severity.BREAK, Severity.HAZARD, Severity.NOTE


@dataclass(frozen=True)
class Code:
    """What a code says, and the severities it can have."""

    severities: tuple[Severity, ...]
    meaning: str


CODES: dict[str, Code] = {
    "backward-type-mismatch": Code((BREAK,), "new readers expect another type than was written"),
    "backward-name-mismatch": Code(
        (BREAK,), "new readers know the record, enum or fixed by another name, without alias"
    ),
    "backward-size-mismatch": Code((BREAK,), "new readers expect a fixed of another size"),
    "backward-symbols-missing": Code(
        (BREAK,), "a symbol that may have been written is gone, and the enum has no default"
    ),
    "backward-default-missing": Code((BREAK,), "a new field has no default, and old records lack it"),
    "backward-branch-missing": Code((BREAK,), "a branch that may have been written is gone from the union"),
    "forward-type-mismatch": Code((BREAK,), "old readers expect another type than will be written"),
    "forward-name-mismatch": Code(
        (BREAK,), "old readers know the record, enum or fixed by another name, without alias"
    ),
    "forward-size-mismatch": Code((BREAK,), "old readers expect a fixed of another size"),
    "forward-symbols-missing": Code((BREAK,), "a new symbol is unknown to old readers, whose enum has no default"),
    "forward-default-missing": Code((BREAK,), "a field that is gone has no default in old readers"),
    "forward-branch-missing": Code((BREAK,), "a branch that will be written is unknown to the union of old readers"),
    "decimal-scale-changed": Code((BREAK,), "the digits after the point moved: the same bytes are another amount"),
    "decimal-precision-changed": Code((BREAK, HAZARD), "how large an amount can be: smaller refuses, larger overflows"),
    "digits-lost": Code((BREAK, HAZARD), "a number is kept in a type that cannot hold all its digits"),
    "type-widened": Code((NOTE,), "a number has a larger type without losing digits"),
    "unit-changed": Code((BREAK,), "unit of time, money or proportion in tag or doc"),
    "currency-changed": Code((BREAK,), "currency in tag or doc"),
    "tax-basis-changed": Code((BREAK,), "net became gross, or the other way round"),
    "value-basis-changed": Code((BREAK,), "cost became price, or the other way round"),
    "sign-changed": Code((BREAK,), "sign, or side of the ledger"),
    "zone-changed": Code((BREAK,), "time zone in tag or doc: UTC, local, a named one"),
    "bounds-changed": Code((HAZARD,), "whether the ends of a period or range belong to it"),
    "doc-contradicts": Code((HAZARD,), "the new doc denies what the old one says, or the other way round"),
    "doc-changed": Code((NOTE,), "most of a doc is worded anew: read whether it means the same"),
    "tag-changed": Code(
        (HAZARD, NOTE), "a unit, zone or currency in unknown words, or a key; as a note, any other attribute"
    ),
    "constraint-tightened": Code((HAZARD,), "pattern or minimum refuse what old records may hold"),
    "time-step-changed": Code(
        (BREAK,), "milliseconds, microseconds, nanoseconds: times move by a factor of a thousand"
    ),
    "instant-or-local-changed": Code((BREAK,), "an instant became a local time, or the other way round"),
    "logical-type-changed": Code((BREAK, HAZARD), "the same bytes are read as another kind of value"),
    "logical-type-dropped": Code((BREAK, HAZARD), "readers get the bare number or bytes"),
    "logical-type-added": Code((HAZARD, NOTE), "readers take bare values for something more"),
    "enum-symbol-added": Code(
        (HAZARD, NOTE), "old readers do not know the symbol: they fail, or read the enum's default"
    ),
    "enum-symbol-removed": Code((HAZARD,), "old records with the symbol fail, or read as the enum's default"),
    "enum-symbol-renamed": Code((BREAK,), "a symbol was exchanged for another in its place; symbols have no aliases"),
    "enum-order-changed": Code((HAZARD,), "whoever sorts, compares or keeps the position of a symbol gets another"),
    "enum-symbol-re-meant": Code((HAZARD,), "the doc gives a symbol another meaning"),
    "enum-default-changed": Code((HAZARD,), "unknown symbols are read as another one"),
    "default-decides": Code((HAZARD,), "a default decides about money, tax, billability, approval or currency"),
    "default-changed": Code((NOTE,), "old records read as another value"),
    "default-removed": Code((NOTE,), "older versions that lack the field cannot be read any more"),
    "default-invalid": Code((BREAK, NOTE), "a default fits no type of its field: readers fail when they need it"),
    "field-renamed": Code(
        (HAZARD,), "renamed with an alias: new readers find it, old ones and systems without aliases do not"
    ),
    "field-renamed-without-alias": Code(
        (BREAK,), "removed and added under another name: old values silently become the default"
    ),
    "field-removed": Code((HAZARD, NOTE), "old readers get the default instead of a value"),
    "alias-removed": Code((HAZARD,), "records under the old name lose the value, or are not recognised"),
    "alias-taken": Code((HAZARD,), "an alias is also the name of another field, so implementations differ"),
    "field-order-changed": Code(
        (NOTE,), "fields stand in another order, or a new one not last: enriching by appending breaks"
    ),
    "identity-made-optional": Code(
        (HAZARD,), "an id or key may be missing: two things without one are taken for the same"
    ),
    "optional-made-identity": Code((HAZARD,), "a value that old records may lack now says which object is meant"),
    "classification-lowered": Code((BREAK,), "a protected value may now show in logs, traces and screens"),
    "classification-changed": Code((HAZARD, NOTE), "protected otherwise, or more than before"),
    "union-order-changed": Code(
        (HAZARD, NOTE), "the first branch, to which a default belonged until Avro 1.12, is another"
    ),
    "name-changed": Code(
        (HAZARD,), "record, enum or fixed has another name or namespace: subjects, classes and unions go by it"
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing that a reviewer should know, at one place of the schema."""

    code: str
    severity: Severity
    path: str
    message: str
    accepted: bool = False

    def __post_init__(self) -> None:
        if self.severity not in CODES[self.code].severities:
            raise ValueError(f"{self.code} is never a {self.severity}")

    def as_dict(self) -> dict[str, str | bool]:
        """As `--output json` gives it; these keys are a promise."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "path": self.path,
            "message": self.message,
            "accepted": self.accepted,
        }


SHORT_NAMES = {BREAK: "breaks", HAZARD: "hazards", NOTE: "notes"}

ORDER = tuple(Severity)
"""From the gravest to the least."""

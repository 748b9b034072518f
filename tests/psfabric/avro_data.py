"""Generated data for Avro schemas: what a model of ours allows, and what any record schema at all allows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

import schemas
from schemas import Model

SEQUENCES = st.builds(
    "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}.{:06d}Z/{:020d}".format,
    st.integers(1, 9999),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.integers(0, 999999),
    st.integers(0, 10**20 - 1),
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=80)
ASCII = st.characters(codec="ascii")
IDS = st.text(st.characters(codec="utf-8"), max_size=30)
SPECIAL = {
    "sequence": SEQUENCES,
    "revision": st.integers(0, 10**20 - 1).map("{:020d}".format),
    "partition_key": IDS,
}


def states(event: str) -> st.SearchStrategy[Model]:
    """Valid states of an event."""
    model = schemas.model(event)
    return values(schemas.avro(event), {}).map(lambda plain: model.model_validate(plain, strict=False))


def values(schema: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema of the contract, as fastavro takes them."""
    if isinstance(schema, list):
        return st.one_of([values(branch, named) for branch in schema])
    if isinstance(schema, str):
        return PRIMITIVES[schema] if schema in PRIMITIVES else named[schema]
    match schema:
        case {"logicalType": "decimal", "precision": int(precision), "scale": int(scale)}:
            most = 10**precision - 1
            return st.integers(-most, most).map(lambda n: Decimal(n).scaleb(-scale))
        case {"logicalType": "date"}:
            return st.dates(date(1, 1, 1), date(9999, 12, 31))
        case {"logicalType": "timestamp-micros"}:
            return st.datetimes(timezones=st.just(UTC))
        case {"type": "record"}:
            found: st.SearchStrategy[Any] = st.fixed_dictionaries(
                {f["name"]: field(f, named) for f in schema["fields"]}
            )
        case {"type": "enum"}:
            found = st.sampled_from(schema["symbols"])
        case {"type": "fixed"}:
            found = st.binary(min_size=schema["size"], max_size=schema["size"])
        case {"type": "array"}:
            return st.lists(values(schema["items"], named), max_size=4)
        case {"type": "map"}:
            return st.dictionaries(TEXT, values(schema["values"], named), max_size=4)
        case _:
            return values(schema["type"], named)
    named[f"{schema.get('namespace', '')}.{schema['name']}"] = found
    return found


def field(schema: dict[str, Any], named: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema["name"] in SPECIAL:
        return SPECIAL[schema["name"]]
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True, alphabet=ASCII)
    if "minimum" in schema:
        whole = st.integers(schema["minimum"], 2**31 - 1)
        return st.none() | whole if isinstance(schema["type"], list) else whole
    return values(schema["type"], named)


PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.just(1.5),
    "double": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=80),
    "string": TEXT,
}

INSTANTS = st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC))

"""What every generated model stands on: the frozen record, the event with its head, and the strict value types.

Nothing here reads a file, so a generated model can be imported without the rest of the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

Text = Annotated[str, StringConstraints(pattern="^")]
"""Text that UTF-8 can carry. The pattern matches everything; having one makes pydantic refuse a lone surrogate, which
would otherwise pass here and fail when the record is encoded."""

SEQUENCE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z/[0-9]{20}$"
"""Upstream version: instant in UTC with six decimals, `/`, a tie-break of twenty digits. Compared as text."""

REVISION = r"^[0-9]{20}$"
"""Operation number of a replay or an amendment, twenty digits; all zeros in live traffic. Compared as text."""

_EXACT = Context(prec=60)


@cache
def _quantum(scale: int) -> Decimal:
    """One unit of the last place."""
    return Decimal(1).scaleb(-scale)


@dataclass(frozen=True)
class Scaled:
    """Avro `decimal(precision, scale)`: a finite `Decimal` that fits, carried with exactly `scale` places.

    `Decimal("1.1")` and `Decimal("1.100000")` become the same value with the same text, so that JSON and bytes made
    from equal models are equal. Floats and ints are refused; in JSON only a string is a decimal.
    """

    precision: int
    scale: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.decimal_schema(
            strict=True, max_digits=self.precision, decimal_places=self.scale, allow_inf_nan=False
        )
        text = core_schema.chain_schema(
            [
                core_schema.str_schema(strict=True),
                core_schema.decimal_schema(
                    strict=False, max_digits=self.precision, decimal_places=self.scale, allow_inf_nan=False
                ),
            ]
        )
        either = core_schema.json_or_python_schema(json_schema=text, python_schema=number)
        return core_schema.no_info_after_validator_function(
            self._exact, either, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def _exact(self, value: Decimal) -> Decimal:
        placed = value.quantize(_quantum(self.scale), context=_EXACT)
        return placed if placed else abs(placed)  # no negative zero: Avro cannot carry it


@dataclass(frozen=True)
class Instant:
    """Avro `timestamp-micros`: an aware datetime, carried in UTC. A naive one, or a seventh decimal, is refused."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        aware = core_schema.datetime_schema(strict=True, tz_constraint="aware", microseconds_precision="error")
        return core_schema.no_info_after_validator_function(self._utc, aware)

    @staticmethod
    def _utc(value: datetime) -> datetime:
        try:
            return value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("the instant is outside the years 1 to 9999 in UTC") from error


class Record(BaseModel):
    """A frozen, strict value: unknown fields are refused, nothing is coerced. Bytes are base64 in JSON.

    `model_dump()` is what fastavro encodes; `model_validate()` takes what fastavro decodes.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        ser_json_bytes="base64",
        val_json_bytes="base64",
        protected_namespaces=(),
    )

    SUBJECT: ClassVar[str] = ""
    """Full Avro record name; for an event also its subject in the registry (RecordNameStrategy)."""


class Model(Record):
    """An event: the head that routing reads, then the state of the aggregate after the change."""

    EVENT: ClassVar[str] = ""
    """`time.TimeApproved`, or `enriched.time.TimeApproved`."""
    CE_TYPE: ClassVar[str] = ""
    """`psf.time.TimeApproved.v1`."""
    TOPIC: ClassVar[str] = ""
    """The topic of the canonical event; "" for an enriched one, whose topic is `deliver.<target>`."""

    event_id: Text
    aggregate_id: Text
    partition_key: Text
    sequence: Annotated[Text, StringConstraints(pattern=SEQUENCE)]
    revision: Annotated[Text, StringConstraints(pattern=REVISION)]
    legal_entity: Text
    client_id: Text
    project_id: Text


HEAD_FIELDS = (
    "event_id",
    "aggregate_id",
    "partition_key",
    "sequence",
    "revision",
    "legal_entity",
    "client_id",
    "project_id",
)
"""Names of the head fields in their fixed order."""

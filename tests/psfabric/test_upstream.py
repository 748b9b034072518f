"""What source adapters share: safe reads, and fields of which nothing may be taken for granted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import httpx
import pytest
from pydantic import BaseModel, ValidationError

from psfabric import upstream
from psfabric.errors import Invalid, Transient
from psfabric.event import Raw
from psfabric.http import Response
from schemas.models import TimeRemoved
from tests.contracts.answering import Answering


class Settings(BaseModel):
    url: upstream.Url
    secret: upstream.Secret


@pytest.mark.parametrize("url", ["", "acme.example", "ftp://acme.example", "file:///etc/passwd"])
def test_an_address_is_http(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"url": url, "secret": "x"})


def test_an_address_has_no_slash_at_its_end() -> None:
    assert Settings.model_validate({"url": "https://acme.example/", "secret": "x"}).url == "https://acme.example"


@pytest.mark.parametrize("status", [200, 201, 204, 301, 400, 401, 403, 404, 409])
async def test_what_an_answer_means_is_for_the_adapter(status: int) -> None:
    http = Answering(lambda request: httpx.Response(status))
    assert (await upstream.read(http, "GET", "https://acme.example")).status == status


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
async def test_a_throttle_or_outage_passes(status: int) -> None:
    http = Answering(lambda request: httpx.Response(status, headers={"retry-after": "3"}))
    with pytest.raises(Transient) as trouble:
        await upstream.read(http, "GET", "https://acme.example")
    assert trouble.value.after == 3


@pytest.mark.parametrize(
    "error", [aiohttp.ConnectionTimeoutError, TimeoutError, aiohttp.ClientOSError, aiohttp.ClientPayloadError]
)
async def test_a_lost_answer_of_a_read_passes(error: type[Exception]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(Transient):
        await upstream.read(Answering(fail), "GET", "https://acme.example/secret-path")


def test_numbers_of_an_answer_are_exact() -> None:
    assert upstream.content(Response(200, body=b'{"a": 0.10}')) == {"a": Decimal("0.10")}


def test_a_full_record_comes_back_as_it_was() -> None:
    raw = Raw("k", b"notice", {"fabric-notice-id": "n", "content-type": "avro/binary"})
    full = upstream.full(raw, {"b": Decimal("1.50"), "a": None})
    assert (full.key, full.body) == ("k", b'{"a":null,"b":1.50}')
    assert full.headers == {"fabric-notice-id": "n", "content-type": "application/json"}
    assert upstream.state_of(full) == {"a": None, "b": Decimal("1.50")}


@pytest.mark.parametrize("node", [None, 1, "text", [], {}, {"a": None}, {"a": {"b": 5}}, {"a": [{"b": "x"}]}])
def test_a_path_through_anything_ends_without_error(node: Any) -> None:
    assert upstream.text(node, "a", "b") == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "field-missing"),
        ("", "field-missing"),
        (1791221400250, "field-missing"),
        ("yesterday", "field-invalid"),
        ("2026-10-05", "field-invalid"),
        ("2026-10-05T09:00:00", "field-invalid"),
        ("2026-02-30T09:00:00Z", "field-invalid"),
        ("9999-12-31T23:59:59-12:00", "field-invalid"),
    ],
)
def test_an_instant_has_its_zone(text: Any, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        upstream.instant({"a": {"b": text}}, "a", "b")
    assert refusal.value.code == code
    assert "a.b" in refusal.value.why


@pytest.mark.parametrize("text", ["2026-10-05T09:00:00.250+0100", "2026-10-05T08:00:00.250Z"])
def test_an_instant_is_read_in_the_forms_that_vendors_write(text: str) -> None:
    assert upstream.instant({"at": text}, "at") == datetime(2026, 10, 5, 8, 0, 0, 250_000, tzinfo=UTC)


def test_a_day_is_a_local_date() -> None:
    assert upstream.day({"on": "2026-10-05"}, "on") == date(2026, 10, 5)
    with pytest.raises(Invalid):
        upstream.day({"on": "2026-13-05"}, "on")


def test_a_broken_contract_names_the_field_and_not_its_value() -> None:
    facts = {"source": "s", "native_id": "1", "aggregate_id": "a", "time": datetime(2026, 1, 1, tzinfo=UTC)}
    with pytest.raises(Invalid) as refusal:
        upstream.canonical(
            TimeRemoved, Raw("", b""), **facts, sequence="private", cause="private", removed_at="private"
        )
    assert refusal.value.code == "field-invalid"
    assert "sequence" in refusal.value.why
    assert "private" not in refusal.value.why

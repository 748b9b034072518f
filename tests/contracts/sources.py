"""What every source adapter promises, as suites that its test class inherits.

`SourceContract` for all, `WebhookContract` and `PolledContract` by how changes come in, `ThinContract` where a notice
does not carry the state. A subclass gives the fixtures named at the top of each suite.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import httpx
import pytest
from pydantic import SecretStr, ValidationError

import schemas
from psfabric.adapters import Notice, Page, Polled, Request, Source, Thin, Webhook
from psfabric.errors import Invalid, Refused, Transient
from psfabric.event import Raw
from psfabric.http import Http
from tests.contracts.answering import Answering, Respond

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)

GARBAGE = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a number": b"1",
    "text": b'"notice"',
    "half an object": b'{"notice": ',
    "no UTF-8": b"\xff\xfe",
    "NaN": b'{"notice": NaN}',
    "a duplicate name": b'{"notice": {}, "notice": {}}',
    "brackets": b"[" * 100_000,
}


def known_codes() -> set[str]:
    return set(schemas.codes())


class SourceContract:
    """Fixtures: `source` an adapter without an HTTP client; `settings` the settings it was made of; `full` a record
    that translates to at least one event."""

    def test_translation_is_pure(self, source: Source, full: Raw) -> None:
        """The adapter has no client here, so a translation that reads anything fails as well."""
        first, second = list(source.translate(full)), list(source.translate(full))
        assert first == second
        assert [event.data.model_dump_json() for event in first] == [event.data.model_dump_json() for event in second]

    def test_events_are_of_the_declared_types(self, source: Source, full: Raw) -> None:
        events = list(source.translate(full))
        assert events
        assert {event.type for event in events} <= set(source.emits)
        assert set(source.emits) <= set(schemas.events())

    def test_ids_are_unique_and_keys_are_there(self, source: Source, full: Raw) -> None:
        events = list(source.translate(full))
        assert len({event.id for event in events}) == len(events)
        assert all(event.data.partition_key and event.aggregate_id for event in events)

    def test_the_same_state_under_another_source_name_is_another_event(self, source: Source, full: Raw) -> None:
        other = source.model_copy(update={"name": f"{source.name}-2"})
        ids = {event.id for event in source.translate(full)}
        assert not ids & {event.id for event in other.translate(full)}

    def test_time_comes_from_upstream_with_its_zone(self, source: Source, full: Raw) -> None:
        for event in source.translate(full):
            assert event.time.tzinfo is not None
            assert event.source == source.name

    def test_the_trace_of_the_record_goes_on(self, source: Source, full: Raw) -> None:
        traced = replace(full, headers={**full.headers, "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"})
        before, after = list(source.translate(full)), list(source.translate(traced))
        assert [event.id for event in before] == [event.id for event in after]
        assert {event.traceparent for event in after} == {traced.headers["traceparent"]}

    def test_what_is_gone_means_nothing(self, source: Source, full: Raw) -> None:
        assert list(source.translate(replace(full, absent=True))) == []

    @pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
    def test_a_record_that_is_no_state_is_refused_by_code(self, source: Source, full: Raw, body: bytes) -> None:
        with pytest.raises(Invalid) as refusal:
            list(source.translate(replace(full, body=body)))
        assert refusal.value.code in known_codes()

    def test_every_setting_is_explained(self, source: Source) -> None:
        explained = type(source).__doc__ or ""
        names = set(type(source).model_fields) - {"name"}
        assert {name for name in names if name not in explained} == set()

    def test_a_misspelt_setting_is_refused(self, source: Source, settings: Mapping[str, Any]) -> None:
        with pytest.raises(ValidationError):
            type(source).model_validate({**settings, "base_urll": "https://x.example"})

    def test_secrets_are_secret_and_not_empty(self, source: Source, settings: Mapping[str, Any]) -> None:
        kept = {
            n: v.get_secret_value() for n in type(source).model_fields if isinstance(v := getattr(source, n), SecretStr)
        }
        assert not [name for name, value in kept.items() if value in repr(source) or value in str(source)]
        for name in kept:
            for empty in ("", "  "):
                with pytest.raises(ValidationError):
                    type(source).model_validate({**settings, name: empty})


class WebhookContract(SourceContract):
    """Further fixtures: `signed` makes a correctly signed request of a body; `rotating` is the adapter during a change
    of secret, and `signed_before` signs with the secret that goes."""

    def test_a_signed_request_is_a_notice(self, source: Webhook, signed: Callable[[bytes], Request]) -> None:
        assert source.verify(signed(b'{"any": "thing"}'), NOW).id

    def test_a_retry_is_the_same_notice(self, source: Webhook, signed: Callable[[bytes], Request]) -> None:
        body = b'{"any": "thing"}'
        assert source.verify(signed(body), NOW) == source.verify(signed(body), datetime.now(UTC))

    @pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
    def test_a_signed_body_of_any_shape_is_stored(
        self, source: Webhook, signed: Callable[[bytes], Request], body: bytes
    ) -> None:
        """Its bytes are wanted in `raw`, where hydrate or translate buries them by code."""
        notice = source.verify(signed(body), NOW)
        assert isinstance(notice, Notice)
        assert notice.key

    def test_a_changed_body_is_refused(self, source: Webhook, signed: Callable[[bytes], Request]) -> None:
        for body in (b'{"any":"thing"}', b'{"any": "thing"} ', b'{"any": "thinG"}', b""):
            with pytest.raises(Refused):
                source.verify(replace(signed(b'{"any": "thing"}'), body=body), NOW)

    def test_a_request_without_its_signature_is_refused(
        self, source: Webhook, signed: Callable[[bytes], Request]
    ) -> None:
        with pytest.raises(Refused) as refusal:
            source.verify(replace(signed(b"{}"), headers={}), NOW)
        assert refusal.value.code in known_codes()

    def test_during_a_rotation_both_secrets_open(
        self,
        rotating: Webhook,
        signed: Callable[[bytes], Request],
        signed_before: Callable[[bytes], Request],
        source: Webhook,
    ) -> None:
        assert rotating.verify(signed(b"{}"), NOW) == rotating.verify(signed_before(b"{}"), NOW)
        with pytest.raises(Refused):
            source.verify(signed_before(b"{}"), NOW)


class ThinContract:
    """Further fixtures: `thin` a notice whose hydration reads by HTTP, for `source`; `let_in`, where the source signs
    in first, answers that part of a network as the vendor does."""

    @pytest.fixture
    def let_in(self) -> Callable[[Respond], Respond]:
        return lambda respond: respond

    @pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503, 504])
    async def test_trouble_of_the_source_kills_no_record(self, source: Source, thin: Raw, status: int) -> None:
        """Credentials are repaired by people, throttles and outages pass."""
        with pytest.raises(Transient):
            await _hydrate(source, thin, Answering(lambda request: httpx.Response(status, json={})))

    async def test_the_wait_that_the_source_asks_for_is_passed_on(self, source: Source, thin: Raw) -> None:
        headers = {"retry-after": "17"}
        with pytest.raises(Transient) as trouble:
            await _hydrate(source, thin, Answering(lambda request: httpx.Response(429, headers=headers)))
        assert trouble.value.after == 17

    @pytest.mark.parametrize("error", [aiohttp.ConnectionTimeoutError, TimeoutError, aiohttp.ServerDisconnectedError])
    async def test_a_lost_answer_is_asked_for_again(self, source: Source, thin: Raw, error: type[Exception]) -> None:
        def fail(request: httpx.Request) -> httpx.Response:
            raise error

        with pytest.raises(Transient):
            await _hydrate(source, thin, Answering(fail))

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b'{"a": NaN}', b"[" * 100_000])
    async def test_an_answer_that_is_no_object_is_named_so(
        self, source: Source, thin: Raw, body: bytes, let_in: Callable[[Respond], Respond]
    ) -> None:
        with pytest.raises(Invalid) as refusal:
            await _hydrate(source, thin, Answering(let_in(lambda request: httpx.Response(200, content=body))))
        assert refusal.value.code in known_codes()

    @pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
    async def test_a_notice_that_is_none_is_refused_by_code(self, source: Source, thin: Raw, body: bytes) -> None:
        with pytest.raises(Invalid) as refusal:
            await _hydrate(source, replace(thin, body=body), Answering(lambda request: httpx.Response(500)))
        assert refusal.value.code in known_codes()


async def _hydrate(source: Source, raw: Raw, http: Http) -> Raw:
    assert isinstance(source, Thin)
    fresh = source.model_copy(deep=False)
    fresh.bind(http)
    try:
        found = await fresh.hydrate(raw)
        assert isinstance(found, Raw)
        return found
    finally:
        await http.close()


class PolledContract(SourceContract):
    """Further fixtures: `reader` an adapter on a live source that holds at least three records in its past."""

    async def test_the_same_cursor_gives_equal_records(self, reader: Polled) -> None:
        first, second = await taken(reader, None, 3), await taken(reader, None, 3)
        assert _records(first) == _records(second)

    async def test_reading_goes_on_just_after_a_cursor(self, reader: Polled) -> None:
        pages = await taken(reader, None, 3)
        whole = _records(pages)
        for position, page in enumerate(pages):
            rest = len(whole) - len(_records(pages[: position + 1]))
            if rest:
                assert _records(await taken(reader, page.cursor, rest)) == whole - _records(pages[: position + 1])

    @pytest.mark.parametrize("cursor", ["", "{", "[]", "1", '{"a": 1}', '{"a": "%"}'])
    async def test_a_cursor_that_is_none_of_ours_is_refused(self, reader: Polled, cursor: str) -> None:
        with pytest.raises(Invalid) as refusal:
            await anext(reader.read(cursor))
        assert refusal.value.code == "cursor-expired"

    async def test_reading_can_be_cancelled_and_leaves_nothing_behind(self, reader: Polled) -> None:
        before = asyncio.all_tasks()
        pages: list[Page] = []
        task = asyncio.create_task(_read_on(reader, pages))
        async with asyncio.timeout(10):
            while not pages:
                await asyncio.sleep(0.01)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            while asyncio.all_tasks() - before:  # a client library may need a moment to see its call cancelled
                await asyncio.sleep(0.01)


async def _read_on(reader: Polled, pages: list[Page]) -> None:
    async with contextlib.aclosing(reader.read(None)) as reading:  # type: ignore[type-var]
        async for page in reading:
            pages.append(page)


def _records(pages: list[Page]) -> set[tuple[str, bytes]]:
    return {(raw.key, raw.body) for page in pages for raw in page.raws}


async def taken(reader: Polled, cursor: str | None, records: int) -> list[Page]:
    """Pages until they hold so many records."""
    pages: list[Page] = []
    async with asyncio.timeout(20), contextlib.aclosing(reader.read(cursor)) as reading:  # type: ignore[type-var]
        async for page in reading:
            pages.append(page)
            if sum(len(page.raws) for page in pages) >= records:
                break
    return pages

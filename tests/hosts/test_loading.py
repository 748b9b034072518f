"""What an owner makes of the records it finds in hold, applied and ref; and of topics that do not fit together."""

from __future__ import annotations

import pytest

from psfabric.engine.applied import Applied
from psfabric.errors import Misconfigured
from psfabric.event import Record, Version
from psfabric.hosts.loading import Loaded, highest, loaded
from psfabric.stages import Calling
from tests.hosts.calling import FakeCalling, codec

HOLD_HEADERS = (("fabric-hold-key", b"k"), ("fabric-hold-since", b"2025-03-01T00:00:00.000000Z"))


def stage() -> Calling:
    made = FakeCalling("c", "deliver.c", "out.c")
    made.codec = codec()
    return made


def found(topic: str, key: bytes, value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> Loaded:
    record = Record(f"{topic}.c", 1, 7, key, value, headers)
    held, refs = ({key: record} if topic == name else {} for name in ("hold", "ref"))
    return loaded(stage(), held, [record] if topic == "applied" else [], refs)


def test_a_hold_record_is_what_waits_under_its_first_coordinates() -> None:
    (entry,) = found("hold", b"deliver.c/1/40", b"value", HOLD_HEADERS).held
    assert (entry.record.coordinates, entry.record.key, entry.record.value) == ("deliver.c/1/40", b"k", b"value")


def test_a_marker_of_a_dead_letter_is_no_record_that_waits() -> None:
    assert found("hold", b"barrier/00/deliver.c/1/40", b"x").held == ()


@pytest.mark.parametrize(
    ("topic", "key", "value", "headers"),
    [
        ("hold", b"no coordinates", b"x", HOLD_HEADERS),
        ("hold", b"deliver.c/one/40", b"x", HOLD_HEADERS),
        ("hold", b"\xff/1/40", b"x", HOLD_HEADERS),
        ("hold", b"deliver.c/1/40", b"x", ()),
        ("hold", b"deliver.c/1/40", b"x", (*HOLD_HEADERS, ("fabric-hold-until", b"at:soon"))),
        ("applied", b"time/1", b"garbage", ()),
        ("applied", b"time/1", b"[]", ()),
        ("applied", b"time/1", b'{"v":1}', ()),
        ("applied", b"time/1", b'{"v":2}', ()),
        ("ref", b"project:1", b"garbage", ()),
    ],
)
def test_a_record_that_cannot_be_read_is_named_with_what_to_do(
    topic: str, key: bytes, value: bytes, headers: tuple[tuple[str, bytes], ...]
) -> None:
    with pytest.raises(Misconfigured, match=rf"{topic}\.c/1/7 is no record .* write a record without a value"):
        found(topic, key, value, headers)


def posted(number: int, *, empty: bool = False) -> Record:
    entry = Applied(Version(f"{number:06d}"), f"event-{number}", "hash", f"ref-{number}")
    return Record("applied.c", 1, 0, b"time/1", None if empty else entry.to_bytes())


def test_an_older_state_written_late_by_an_earlier_owner_takes_nothing_back() -> None:
    assert highest([posted(1), posted(3), posted(2)])["time/1"].reference == "ref-3"


def test_a_key_that_was_emptied_begins_anew() -> None:
    garbage = Record("applied.c", 1, 0, b"time/1", b"garbage")
    assert highest([garbage, posted(3), posted(0, empty=True), posted(2)])["time/1"].reference == "ref-2"

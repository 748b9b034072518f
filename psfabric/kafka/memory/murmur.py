"""The partition of a key, as the Java client chooses it."""

from __future__ import annotations

from collections.abc import Iterator


def partition_of(key: bytes, partitions: int) -> int:
    """Where the Java client puts a key (`Utils.toPositive(Utils.murmur2(key)) % partitions`, Apache Kafka)."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2 with Kafka's seed, unsigned 32 bits (`org.apache.kafka.common.utils.Utils.murmur2`)."""
    m, length = 0x5BD1E995, len(data)
    h = 0x9747B28C ^ length
    for k in _words(data):
        k = k * m & 0xFFFFFFFF
        k = (k ^ k >> 24) * m & 0xFFFFFFFF
        h = h * m & 0xFFFFFFFF ^ k
    rest = data[length & ~3 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & 0xFFFFFFFF
    h = (h ^ h >> 13) * m & 0xFFFFFFFF
    return h ^ h >> 15


def _words(data: bytes) -> Iterator[int]:
    for at in range(0, len(data) & ~3, 4):
        yield int.from_bytes(data[at : at + 4], "little")

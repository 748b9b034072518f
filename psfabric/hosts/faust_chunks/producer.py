"""What Faust takes for its producer. The host writes through the fabric's own, which all its components share.

So nothing is sent through this one; what is left for Faust is to flush before it commits.
"""

from __future__ import annotations

from typing import Any

from faust.transport.base import Producer


class NoProducer(Producer):
    async def flush(self) -> None:
        """Nothing to wait for: what is committed was acknowledged before, record by record."""

    async def create_topic(self, topic: str, partitions: int, replication: int, **kwargs: Any) -> None:
        """Topics are created by `psfabric topics apply` alone."""

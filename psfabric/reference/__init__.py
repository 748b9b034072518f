"""The reference store: the latest master and reference data of `ref.*`, kept in Redis for lookups by processors.

Redis is a copy that may vanish at any moment. Everything lives in **one** Redis hash, so that a flush, an eviction or
an expiry takes all of it or nothing, and one field of it is the *epoch*: a token made when loading began, bound to
the run id of that Redis process and to the Kafka cluster. Writers and readers check the epoch in the same script that
writes or reads. So a lookup answers from a complete copy or not at all (Transient): a flushed, restarted, failed-over
or half-loaded Redis adds no holds and gives no stale misses.

`Loader` fills it, `Store` reads it (it is the `Known` of processors), `Memory` stands in for it. Only `link` imports
the client library.
"""

from psfabric.reference.loader import Applied, Loader, Reload
from psfabric.reference.memory import Memory
from psfabric.reference.stamp import Stamp, Stored, Tp
from psfabric.reference.store import Store

__all__ = ["Applied", "Loader", "Memory", "Reload", "Stamp", "Store", "Stored", "Tp"]

"""The delivery engine: the one place where it is decided what is retried, held, buried, committed, in what order.

Pure and synchronous: a function of what arrived, what came of it, and the time it is told. Both hosts drive it:

    engine.arrive(records)  ->  engine.step(now)  ->  calls for the adapter, records to write
    engine.settle(work, result, now)  ->  records to write
    engine.written(work, now)  ->  more records to write (the tombstone of a hold, last of all)
    engine.commits()  ->  offsets whose work is durable, never beyond the first that is not
    engine.committed(offsets)  once the broker took them

Rooms: `work` (what is moved), `lane` (one partition's order, holds and offsets), `engine` (the component),
`hold`, `deadletter`, `applied`, `receipts` (formats that persist), `backoff` (waits and the breaker).
"""

from psfabric.engine.engine import Engine, Policy, Step
from psfabric.engine.work import Result, Work, Write

__all__ = ["Engine", "Policy", "Result", "Step", "Work", "Write"]

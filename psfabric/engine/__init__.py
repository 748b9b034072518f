"""The delivery engine: the one place where it is decided what is retried, held, buried, committed, in what order.

Pure and synchronous: a function of what arrived, what came of it, and the time it is told. Both hosts drive it:

    engine.arrive(records)  ->  engine.step(now)  ->  calls for the adapter, records to write
    engine.settle(work, result, now)  ->  records to write
    engine.written(work, now)  ->  more records to write (the tombstone of a hold, last of all)
    engine.commits()  ->  offsets whose work is durable, never beyond the first that is not
    engine.committed(offsets)  once the broker took them

Rooms: `policy` (how a component delivers), `work` (what is moved), `lane` (one partition's order, holds and offsets),
`engine` (the component), `waiting` (what lies in hold and who may go on), `obeying` (what operators ask for), `filing`
(the records that set a record aside), `limit` (when too much is buried), `pace` and `backoff` (how fast a target is
called), `snapshot` (seen from outside); `hold`, `deadletter`, `applied`, `receipts`, `control` are formats that
persist.
"""

from psfabric.engine.engine import Engine, Step
from psfabric.engine.policy import WINDOW, Limit, Policy
from psfabric.engine.snapshot import Snapshot
from psfabric.engine.work import Result, Work, Write

__all__ = ["WINDOW", "Engine", "Limit", "Policy", "Result", "Snapshot", "Step", "Work", "Write"]

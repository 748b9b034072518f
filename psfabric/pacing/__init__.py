"""How fast one target is called by all workers together: tokens, calls open at once and the breaker, through Redis.

    sharing = Sharing(redis_url, worker)          # one thread a process: sharing.run(stop)
    pace = sharing.pace("tryton-uk", rate=20.0, in_flight=8, wake=...)
    Engine(..., pace=pace)

The engine asks its pace without waiting for anybody; the thread makes one round trip a component each 50 ms while
there is work, and fetches what may be used until the next. Redis holds nothing that is not said again: a flush, a
restart or its absence costs no promise (see `shared` and `scripts`).

Rooms: `scripts` (what Redis decides), `told` (what is said and answered), `shared` (the pace of one component) and
its `tokens`, `sharing` (the thread), `looking` (from outside). Nothing here knows Kafka or the engine's records.
"""

from psfabric.pacing.shared import SharedPace
from psfabric.pacing.sharing import Sharing

__all__ = ["SharedPace", "Sharing"]

"""Faust with chunk delivery: one Faust message is a run of consecutive records of one partition.

Stock Faust handles one record at a time, reads uncommitted records, acknowledges in a `finally`, and keeps its own
list of acknowledged offsets. Here the engine alone says how far a partition may be committed; Faust and aiokafka keep
what they are good at: membership, rebalancing, fetching. With `hosts/faust.py` this is the only room that imports
faust, mode and aiokafka.

`chunk` (what is handed over), `thread` (the aiokafka consumer), `batches` (what it makes of what it fetched),
`consumer` (fetch, revoke, commit), `producer` and `app` (Faust's other parts, as far as they are needed).
"""

from psfabric.hosts.faust_chunks.app import SESSION, ChunkApp
from psfabric.hosts.faust_chunks.chunk import Chunk

__all__ = ["SESSION", "Chunk", "ChunkApp"]

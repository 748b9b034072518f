"""One program per peer: `python -m bench.peers.<name> '{"bootstrap": …, "source": …, "group": …, "records": …}'`.

Each reads `records` records of `source` as a new group, does the work of `bench.work`, writes with acks=all, idempotent
and lz4, commits each second what is acknowledged, prints its reading and ends.
"""

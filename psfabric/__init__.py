"""The kernel of psfabric: what an event is, what an adapter promises, and the engine that delivers.

It knows no adapter. Rooms: `event`, `errors`, `outcomes`, `adapters` (the vocabulary), `engine/` (pure delivery
decisions), `hosts/` (Faust and asyncio, both driving that engine), `kafka/`, `registry/`, `reference/`, `intake/`,
`http` (each the only importer of its client library).
"""

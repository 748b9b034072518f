"""Schema ids: which id a bundled schema has in the registry, and which schema an id means.

`Registry` asks and says what it was told; `PatientRegistry` is what the hosts use, which can do without it for a while;
`kept` is what it then rests on. `planning` registers what is missing, `drift` says what is otherwise there; both see
the registry subject by subject (`subjects`) and compare what schemas say, not how they are written (`content`).
"""

from psfabric.registry.client import NotRegistered, Registry, wait_for
from psfabric.registry.kept import SCHEMAS, believed, kept_write
from psfabric.registry.patient import PatientRegistry
from psfabric.registry.planning import register_all

__all__ = [
    "SCHEMAS",
    "NotRegistered",
    "PatientRegistry",
    "Registry",
    "believed",
    "kept_write",
    "register_all",
    "wait_for",
]

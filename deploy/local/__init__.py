"""The local stack: Kafka, a schema registry, Redis, an ERP and the fabric, on one machine, without Docker or Java.

`Stack` is what tests, `psfabric demo` and `make up` drive. Parts are declared in deploy/local/parts, their versions and
checksums in parts.toml. Everything downloaded and written is under .local/ of the checkout.
"""

from __future__ import annotations

from pathlib import Path

from deploy.local.errors import LocalError, PartFailed, StackBusy
from deploy.local.folder import read_endpoints
from deploy.local.parts import ALL, INFRASTRUCTURE
from deploy.local.progress import Console, Progress
from deploy.local.stack import PartStatus, Stack

__all__ = [
    "ALL",
    "INFRASTRUCTURE",
    "Console",
    "LocalError",
    "PartFailed",
    "PartStatus",
    "Progress",
    "Stack",
    "StackBusy",
    "stack_endpoints",
]


def stack_endpoints(root: Path, name: str = "up") -> dict[str, str]:
    """The PSF_* variables of a stack of this checkout; empty when it is not up."""
    return read_endpoints(root / ".local" / name / "endpoints.env")

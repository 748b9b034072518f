"""What each stage makes of one record: the adapter's answer turned into a `Result` for the engine.

A stage never retries, holds or buries; it says what happened. `Pure` stages (translate, process) are synchronous and
hosted by Faust; `Calling` stages (hydrate, sink) wait for another system and are hosted by asyncio.
"""

from psfabric.stages.base import Calling, Pure, Stage, about_id
from psfabric.stages.delivering import SinkStage
from psfabric.stages.guarding import GuardStage
from psfabric.stages.hydrating import HydrateStage
from psfabric.stages.processing import ProcessStage
from psfabric.stages.translating import TranslateStage

__all__ = [
    "Calling",
    "GuardStage",
    "HydrateStage",
    "ProcessStage",
    "Pure",
    "SinkStage",
    "Stage",
    "TranslateStage",
    "about_id",
]

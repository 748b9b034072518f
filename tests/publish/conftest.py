from tests.replay.conftest import registry

__all__ = ["registry"]

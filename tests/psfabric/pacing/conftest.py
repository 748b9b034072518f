from tests.psfabric.reference.conftest import empty, own, redis_program, shared

__all__ = ["empty", "own", "redis_program", "shared"]

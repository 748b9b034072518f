from tests.producers.conftest import vendors

__all__ = ["vendors"]

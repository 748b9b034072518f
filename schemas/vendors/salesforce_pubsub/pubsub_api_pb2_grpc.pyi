# Types of the generated gRPC module, written by hand: the generator for Python makes none.
from typing import Any

class PubSubStub:
    Subscribe: Any
    GetSchema: Any
    GetTopic: Any
    Publish: Any
    PublishStream: Any
    ManagedSubscribe: Any
    def __init__(self, channel: Any) -> None: ...

class PubSubServicer: ...

def add_PubSubServicer_to_server(servicer: PubSubServicer, server: Any) -> None: ...

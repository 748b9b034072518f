"""Guard: what systems outside write for themselves, record by record, onto the canonical topics or aside.

What is admitted goes on byte for byte: key, value, and every header but those under the names of ours, which nobody
outside has to give. What is refused is a dead letter with a code and the principal of its ingress topic.
"""

from __future__ import annotations

from psfabric.adapters import Guard
from psfabric.codec import Codec
from psfabric.engine import Policy, Result, Write
from psfabric.engine.deadletter import REDO
from psfabric.engine.lane import Lane
from psfabric.errors import Invalid
from psfabric.event import HeaderList, Record
from psfabric.outcomes import Rejected
from psfabric.stages.base import PASSED_ON, Pure, refused
from psfabric.stages.judging import judged

OURS = ("fabric-", "__dlq.")
"""Header names that mean something inside; from outside they mean nothing."""


class GuardStage(Pure):
    def __init__(self, policy: Policy, codec: Codec, adapter: Guard) -> None:
        super().__init__(policy, codec)
        self.adapter = adapter
        self.inputs = tuple(adapter.inputs())

    def handle(self, record: Record, lane: Lane) -> Result:
        return self._handle(record, again=False)

    def handle_any(self, record: Record, lane: Lane) -> Result:
        again = any(name.startswith(REDO) for name, _ in record.headers)  # the engine believes it of no input
        return self.closing(record, self._handle(record, again=again))

    def _handle(self, record: Record, *, again: bool) -> Result:
        came = record._replace(headers=_without_ours(record.headers))
        try:
            event = self.codec.vouched(came)
            self.adapter.admit(came, event, again=again)
            judged(event)
            return Result(PASSED_ON, (Write(event.model.TOPIC, came.key, came.value, came.headers),))
        except Invalid as error:
            principal = self.adapter.principal(record.topic)
            return Result(Rejected(error.code, f"{principal or 'nobody known'}: {error.why}", principal))
        except Exception as error:  # noqa: BLE001 - of an adapter; it becomes an outcome
            return refused(self.name, error)


def _without_ours(headers: HeaderList) -> HeaderList:
    return tuple([pair for pair in headers if not pair[0].startswith(OURS)])

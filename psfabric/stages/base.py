"""What all stages share: policy and topics, the guard around an adapter, the receipts of what is not final."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from psfabric import errors, outcomes
from psfabric.codec import Codec
from psfabric.engine import Policy, Result, Work, Write
from psfabric.engine import receipts as receipt
from psfabric.engine.deadletter import REDO
from psfabric.engine.lane import Lane
from psfabric.errors import Approval, FabricError, Parent, Until
from psfabric.event import Record
from psfabric.outcomes import Amended, Delivered, Discarded, Held, Outcome, Rejected
from schemas import Model, rules

log = structlog.get_logger(__name__)

DEPTH = 8
"""Frames of a bug's traceback that are logged."""


def about_id(record: Record) -> str:
    """What receipts and dead letters of a record are filed under: its event id, else its notice, else its place."""
    event_id = record.header("ce_id")
    if event_id:
        return event_id
    notice = record.header("fabric-notice-id")
    if notice:
        return f"{record.header('fabric-source') or record.topic}/{notice}"
    return record.coordinates


PASSED_ON = Delivered("")
"""The outcome of a record that a pure stage is done with."""


def refused(component: str, error: Exception) -> Result:
    """What becomes of a record whose adapter raised.

    An exception that is not one of ours is a bug of the adapter: the record is buried as such and the rest go on.
    """
    return Result(outcomes.of_error(error)) if isinstance(error, FabricError) else failed(component, error)


def failed(component: str, error: Exception) -> Result:
    log.error("adapter raised", component=component, exception=type(error).__name__, at=_places(error))
    return Result(Rejected("bug", f"{type(error).__name__} in {component}"))


def _places(error: Exception) -> list[str]:
    """Where it was raised, outermost first. No message and no variables: they would carry payload into the log."""
    frames = traceback.extract_tb(error.__traceback__)[-DEPTH:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


class Stage(ABC):
    """One stage of one instance. `inputs` are the topics it reads besides its redo."""

    inputs: tuple[str, ...]
    policy: Policy

    def __init__(self, policy: Policy, codec: Codec) -> None:
        self.policy = policy
        self.codec = codec

    @property
    def name(self) -> str:
        return self.policy.component

    @property
    def topics(self) -> tuple[str, ...]:
        return (*self.inputs, self.policy.redo_topic)

    def state_receipt(self, record: Record, outcome: Outcome) -> Write | None:
        """The receipt of a record that is held, rejected, discarded or amended; None for other outcomes."""
        if isinstance(outcome, Discarded):
            return self.receipt(outcome.about, "terminal", receipt.discarded(self.name, outcome))
        if isinstance(outcome, Amended):
            return self.receipt(outcome.about, "terminal", receipt.amended(self.name, outcome))
        if not isinstance(outcome, Held | Rejected):
            return None
        data = self._data(record)
        about = about_id(record)
        model = receipt.state(self.name, about, record.header("ce_type") or record.topic, data, outcome)
        return self.receipt(about, "state", model)

    def receipt(self, about: str, kind: str, model: Model) -> Write:
        key = receipt.receipt_key(self.name, about, kind)
        headers = (("ce_type", model.CE_TYPE.encode()), ("ce_id", model.event_id.encode()))
        return Write(receipt.TOPIC, key, self.codec.value(model), headers)

    def passed_on(self, record: Record) -> tuple[Write, ...]:
        """For a replayed record: the receipt that closes its dead letter."""
        for name, _ in record.headers:
            if name.startswith(REDO):
                break
        else:
            return ()
        about = about_id(record)
        return (self.receipt(about, "terminal", receipt.passed_on(self.name, about, record.topic)),)

    def _data(self, record: Record) -> Model | None:
        if record.value is None or record.header("ce_type") is None:
            return None
        try:
            return self.codec.data(record.value)
        except errors.FabricError:
            return None

    def looked_up(self, parent: Parent) -> Parent:
        """What the reference store must have for a record that waits for `parent`."""
        return parent

    def asked_for(self, awaited: Iterable[Until]) -> dict[Parent, Until]:
        """What to look up in the reference store, and what each of it would mean is met."""
        asked: dict[Parent, Until] = {}
        for until in awaited:
            if isinstance(until, Parent):
                asked[self.looked_up(until)] = until
            elif isinstance(until, Approval):
                asked[Parent("approval", until.id)] = until
        return asked


class Pure(Stage):
    def __init__(self, policy: Policy, codec: Codec) -> None:
        super().__init__(policy, codec)
        rules.book()  # read now: a rule that does not fit shall stop the start, not bury each record as a bug

    @abstractmethod
    def handle(self, record: Record, lane: Lane) -> Result:
        """What becomes of one record that comes from an input, not from redo. Never raises."""

    def handle_any(self, record: Record, lane: Lane) -> Result:
        """As `handle`, of a record from anywhere: a replayed one closes its dead letter."""
        return self.closing(record, self.handle(record, lane))

    def closing(self, record: Record, result: Result) -> Result:
        """The result, which also closes the dead letter of a record that was replayed and passed on."""
        if type(result.outcome) is not Delivered:
            return result
        try:
            return result._replace(writes=(*result.writes, *self.passed_on(record)))
        except Exception as error:  # noqa: BLE001 - headers that make no receipt
            return refused(self.name, error)


class Calling(Stage):
    state_topics: tuple[str, ...] = ()
    """Compacted topics whose partition p its owner reads before the first record (applied)."""

    def send_while(self, gate: Callable[[], Awaitable[None]]) -> None:
        """Before each request that could change the target, wait for `gate`. Nothing to do where nothing is changed."""

    @abstractmethod
    async def handle(self, works: Sequence[Work], lanes: dict[int, Lane], now: float) -> Sequence[Result]:
        """What becomes of each record of a batch, in order; `now` in epoch seconds. Never raises (but for
        cancellation)."""

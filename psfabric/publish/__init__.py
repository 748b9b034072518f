"""Publishing canonical events straight to Kafka, for teams whose systems do: small, synchronous, typed.

    with Publisher("payroll-acme") as publisher:
        publisher.publish(Draft("time.TimeSubmitted", {...}, changed_at=instant))

`publish` returns when the broker has acknowledged. Wrong input is `WrongInput`, every mistake of it at once and nothing
sent; what was not acknowledged is `NotAcknowledged`. The same input has the same id, so that repeating is safe.
docs/publishing.md explains it; the border (docs/adr/0017) checks the same once more, where it is in between.
"""

from psfabric.ids import sequence
from psfabric.publish.draft import Draft, draft_of
from psfabric.publish.errors import Mistake, NotAcknowledged, WrongInput
from psfabric.publish.judging import Judged, judged
from psfabric.publish.publisher import Publisher, Sent

__all__ = [
    "Draft",
    "Judged",
    "Mistake",
    "NotAcknowledged",
    "Publisher",
    "Sent",
    "WrongInput",
    "draft_of",
    "judged",
    "sequence",
]

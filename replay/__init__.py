"""Dead letters and replay: what failed, what it is worth, and how it is sent again to the one component that failed.

Rooms: `deadletters` (what lies in `dlq.*` and whether it is still open), `held` (what waits), `plan` (a frozen list),
`sending` (applying it), `verify` (what became of it), `acts` (what an operator asks of a component), `road` (where a
business object is now); `states` is what was done about each dead letter; `receipts`, `progress`, `operations`,
`worth`, `reading` serve these. Everything here is synchronous and reads whole topics up to their end.

A replay is sent at least once: a kill between a batch and its progress record sends that batch twice, which sinks
recognise as duplicates. It never decodes and re-encodes a record.
"""

from replay.acts import Asked, Operator, ask, stand, standings
from replay.deadletters import DeadLetter, dead_letters, open_dead_letters, records_of
from replay.errors import Declined, NotThere
from replay.held import HeldRecord, held
from replay.plan import Plan, make_plan, read_plan, write_plan
from replay.road import Road, road
from replay.selection import Selection, select
from replay.sending import Applied, apply
from replay.verify import HOME, Verification, verify
from replay.worth import Worth, worth

__all__ = [
    "HOME",
    "Applied",
    "Asked",
    "DeadLetter",
    "Declined",
    "HeldRecord",
    "NotThere",
    "Operator",
    "Plan",
    "Road",
    "Selection",
    "Verification",
    "Worth",
    "apply",
    "ask",
    "dead_letters",
    "held",
    "make_plan",
    "open_dead_letters",
    "read_plan",
    "records_of",
    "road",
    "select",
    "stand",
    "standings",
    "verify",
    "worth",
    "write_plan",
]

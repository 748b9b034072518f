"""Dead letters and replay: what failed, what it is worth, and how it is sent again to the one component that failed.

Rooms: `catalogue` (what lies in `dlq.*` and where each of it stands), `held` (what waits), `plan` (a frozen list),
`sending` (applying it), `verify` (what became of it), `acts` (what an operator asks of a component), `road` (where a
business object is now); `foreign` reads and plans dead letters of others, `dialects` how each framework writes them;
`ledger` writes the audit trail (`operations`), `audited` reads it, `chain` proves it, `lines` is a file of it,
`identity` who acts; `states` is what was done about each dead letter; `deadletters`, `collecting`, `selection`,
`receipts`, `progress`, `worth`, `reading` serve these. Everything here is synchronous and reads whole topics up to
their end.

A replay is sent at least once: a kill between a batch and its progress record sends that batch twice, which sinks
recognise as duplicates. It never decodes and re-encodes a record.
"""

from replay.acts import Asked, Operator, ask, stand, standings
from replay.catalogue import Catalogue, Group, catalogue, dead_letters, open_dead_letters
from replay.deadletters import DeadLetter, records_of
from replay.errors import Declined, NotThere
from replay.held import HeldRecord, held
from replay.plan import Plan, make_plan, read_plan, write_plan
from replay.road import Road, road
from replay.selection import Selection
from replay.sending import Applied, apply
from replay.states import State
from replay.verify import HOME, Verification, verify
from replay.worth import Worth, worth

__all__ = [
    "HOME",
    "Applied",
    "Asked",
    "Catalogue",
    "DeadLetter",
    "Declined",
    "Group",
    "HeldRecord",
    "NotThere",
    "Operator",
    "Plan",
    "Road",
    "Selection",
    "State",
    "Verification",
    "Worth",
    "apply",
    "ask",
    "catalogue",
    "dead_letters",
    "held",
    "make_plan",
    "open_dead_letters",
    "read_plan",
    "records_of",
    "road",
    "stand",
    "standings",
    "verify",
    "worth",
    "write_plan",
]

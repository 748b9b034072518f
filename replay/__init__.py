"""Dead letters and replay: what failed, what it is worth, and how it is sent again to the one component that failed.

Rooms: `catalogue` (what lies in `dlq.*` and where each of it stands), `held` (what waits), `plan` (a frozen list),
`sending` (applying it: `claiming` says who may, `run` does it, `applying` decides, `orders` are those of others),
`verify` (what became of it), `acts` (what an operator asks of a component), `road` (where a business object is now);
`from_source` plans from a source's record; `foreign` reads and plans dead letters of others, `dialects` how each
framework writes them; `ledger` writes the audit trail (`operations`), `audited` reads it, `chain` proves it, `lines` is
a file of it, `identity` who acts, `trail` the rows of a replay; `states` is what was done about each dead letter;
`deadletters`, `collecting`, `selection`, `receipts`, `answers`, `progress`, `watching`, `alive`, `originals`, `worth`,
`reading` serve these. Everything here is synchronous and reads whole topics up to their end.

A replay sends each record of its plan once, whatever is killed on the way. It never decodes and re-encodes a record.
"""

from replay.acts import Asked, Operator, ask, stand, standings
from replay.applying import Terms
from replay.catalogue import Catalogue, Group, catalogue, dead_letters, open_dead_letters
from replay.deadletters import DeadLetter, records_of
from replay.errors import Declined, Interrupted, NotThere
from replay.held import HeldRecord, held
from replay.plan import Plan, make_plan, read_plan, write_plan
from replay.road import Road, road
from replay.selection import Selection
from replay.sending import Applied, Applier, apply
from replay.states import State
from replay.verify import HOME, Verification, verify
from replay.worth import Worth, worth

__all__ = [
    "HOME",
    "Applied",
    "Applier",
    "Asked",
    "Catalogue",
    "DeadLetter",
    "Declined",
    "Group",
    "HeldRecord",
    "Interrupted",
    "NotThere",
    "Operator",
    "Plan",
    "Road",
    "Selection",
    "State",
    "Terms",
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

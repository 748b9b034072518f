"""Dead letters and replay: what failed, what it is worth, and how it is sent again to the one component that failed.

Rooms:

- what lies there: `catalogue` (dead letters and where each stands; `collecting` fills it, `history` tells one's story),
  `held` (what waits), `road` (where a business object is now), `worth` (in time and money);
- a plan: `plan` (a frozen list, `warned` what to know before); `sending` applies it (`claiming` says who may, `run`
  does it, `applying` decides, `orders` are those of others, `trail` its audit rows), `verify` says what became of it;
- a mapping run again: `from_source` plans it (`remapping` compares in a `book`, `landed` is what targets hold,
  `surveying` counts for people, `differences` in time and money), `following` says what became of it;
- one record mended: `amending` (`fields` by path, `guarded` the ones nobody sets, `patch` what changed);
- files: `exported`, `exported_lines`, `exported_folder`, `importing`;
- others' dead letters: `foreign`, and `dialects` how each framework writes them;
- acts and their trail: `acts` (what an operator asks of a component), `ledger` writes the audit trail (`operations`),
  `audited` reads it, `chain` proves it, `lines` is a file of it, `identity` who acts; `states` is what was done about
  each dead letter.

The others serve these. Everything here is synchronous and reads whole topics up to their end.

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

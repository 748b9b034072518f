"""Did approved time reach billing, in hours and money, and if not, why?

`statement` compares what the sources hold with what the targets hold, to the second and the cent, and explains every
difference by a dead letter or a hold, or calls it one. `collect` reads both sides from the systems themselves and the
stages between from the fabric's topics.
"""

from recon.collect import Trouble, collect
from recon.statement import Books, Row, Statement, state

__all__ = ["Books", "Row", "Statement", "Trouble", "collect", "state"]

"""One reader for the dead letters of every framework: what failed, where it came from and why, in neutral words.

`declared` is the table of dialects (`dialect` says what one is), `values` reads header values without trusting them,
`reading` makes a `Letter` of a record. All of it is pure. What a dialect does not carry is None, never invented;
docs/dialects.md is the table for people.
"""

from replay.dialects.declared import DIALECTS
from replay.dialects.dialect import Dialect, Trap
from replay.dialects.reading import UNKNOWN, Failure, Letter, Origin, decoded, letter_of, own_headers

__all__ = [
    "DIALECTS",
    "UNKNOWN",
    "Dialect",
    "Failure",
    "Letter",
    "Origin",
    "Trap",
    "decoded",
    "letter_of",
    "own_headers",
]

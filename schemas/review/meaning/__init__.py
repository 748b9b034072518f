"""Changes of meaning between two versions of a schema, found even where the bytes stay readable.

Each rule is a function of one pair: a field, a type, an enum or a record, old and new.
"""

from __future__ import annotations

from schemas.review.meaning.walk import changes

__all__ = ["changes"]

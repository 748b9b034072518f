"""Names of types, and the order of the branches of a union."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.review.avro import Named, Type, Union, namespace, short
from schemas.review.defaults import branch
from schemas.review.finding import HAZARD, NOTE, Finding
from schemas.review.meaning.pairs import Pair


def named(pair: Pair[Named]) -> Iterator[Finding]:
    """Another name or namespace of a record, enum or fixed, also where Avro reads it all the same."""
    old, new = pair.old, pair.new
    if old.name == new.name:
        lost = [each for each in old.aliases if each not in new.aliases]
        if lost:
            yield Finding(
                "alias-removed",
                HAZARD,
                pair.path,
                f"{new.label} has no alias {', '.join(lost)} any more. Records that "
                "were written under that name are not recognised.",
            )
        return
    what = "namespace" if short(old.name) == short(new.name) else "name"
    before, after = (
        (namespace(old.name) or "none", namespace(new.name) or "none") if what == "namespace" else (old.name, new.name)
    )
    yield Finding(
        "name-changed",
        HAZARD,
        pair.path,
        f"The {what} of {new.kind} {short(new.name)} was {before} and is {after} now. "
        "Avro compares short names; registries, generated classes, and readers that compare full names take it for "
        "another thing, and its records wait or are skipped.",
    )


def union_order(pair: Pair[Type]) -> Iterator[Finding]:
    """Branches in another order: grave where a default hangs on the first one, or several could take a value."""
    old, new = pair.old, pair.new
    if not isinstance(old, Union) or not isinstance(new, Union):
        return
    both = {each.label for each in old.branches} & {each.label for each in new.branches}
    kept, now = ([each.label for each in union.branches if each.label in both] for union in (old, new))
    if kept == now:
        return
    severity, why = NOTE, "Generated code may name or order the branches otherwise."
    around = pair.field.new if pair.field else None
    if around is not None and around.has_default and branch(new, around.default) is not new.branches[0]:
        severity = HAZARD
        why = "Its default is not of the first branch: readers older than Avro 1.12 refuse the schema."
    elif len({"int", "long", "float", "double"} & set(now)) > 1 or {"string", "bytes"} <= set(now):
        severity = HAZARD
        why = "A value that fits several branches is read as another one than before."
    yield Finding(
        "union-order-changed",
        severity,
        pair.path,
        f"{pair.where}: the branches were {', '.join(kept)} and are {', '.join(now)} now. {why}",
    )

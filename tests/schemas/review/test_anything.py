"""Whatever JSON a schema file holds: it is reviewed or refused with sentences, and nothing else ever happens."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import contract
from schemas.review import Version, diff, parse
from schemas.review.files import BUNDLED, Folder
from schemas.review.lint import remarks
from tests.schemas.walk import FILES

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2.5, 10**30, "", "record", "int", "psf.common.Money", "psf.time.TimeApproved", "a.b.", "é", "|",
    [], {},
    ["null", "null"], {"type": "array"}, {"type": {"type": "int"}}, {"type": "fixed", "name": "F", "size": 3},
    {"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}, {"name": "x"}, [[]], {"a": {"b": [1]}},
)  # fmt: skip
KEYS = ("type", "name", "namespace", "fields", "items", "values", "symbols", "default", "doc", "aliases", "logicalType",
        "precision", "scale", "unit", "classification", "size", "order", "key", "minimum",
        "pattern", "currency")  # fmt: skip


def _inside(node: Any) -> list[Any]:
    return [each for each in (node.values() if isinstance(node, dict) else node) if isinstance(each, dict | list)]


def mangled(schema: Any, chance: random.Random) -> Any:
    """A copy with a few places put out of joint: another value, a key more, a key less, another order."""
    found = copy.deepcopy(schema)
    for _ in range(chance.randint(1, 5)):
        nodes = [found]
        for node in nodes:
            nodes += _inside(node)
        node = chance.choice([each for each in nodes if each] or [found])
        if isinstance(node, dict):
            key = chance.choice([*node, *KEYS])
            if chance.random() < 0.3:
                node.pop(key, None)
            else:
                node[key] = copy.deepcopy(chance.choice(ODD))
        elif chance.random() < 0.4:
            chance.shuffle(node)
        else:
            node[chance.randrange(len(node))] = copy.deepcopy(chance.choice([*ODD, *nodes[:20]]))
    return json.loads(json.dumps(found))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 2**32))
def test_anything_is_reviewed_or_refused(path: Any, seed: int) -> None:
    chance = random.Random(seed)
    old, new = contract.read(path), mangled(contract.read(path), chance)
    folder = Folder.of(BUNDLED / "head.avsc", ())
    told = [*remarks("file", new, folder)]
    assert all(each.message for each in told)
    before, after = (Version(name, parse(each, folder.find).type) for name, each in (("old", old), ("new", new)))
    for pair in ((before, after), (after, before), (after, after)):
        found = diff([pair[0]], pair[1])
        assert all(each.message.strip() for each in found.findings)
        json.dumps([each.as_dict() for each in found.findings])

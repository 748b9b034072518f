"""`fabric.operations`: who did what, when, why and from where. One row for each act, in one transaction with it; of a
replay one before it sends anything and one when it is done.

The rows are one hash chain (format 2): each has a number, the hash of the row before it, and a hash over all that it
says. Rows of format 1, of earlier releases, stand before the chain; its first row has a hash over all of them. The
format persists. `replay.ledger` is the one writer, `replay.chain` finds what was tampered with.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from psfabric.engine import Write
from psfabric.event import Record

TOPIC = "fabric.operations"
UNCHAINED, FORMAT = 1, 2

AUTHENTICATED, CLAIMED = "authenticated", "claimed"

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One act. `id` is unique among all; `at` is ISO text in UTC; `detail` is JSON-able. `result`: what is known of it
    when the row is written.

    `who_is`: authenticated (`who` is the Kafka principal) or claimed (`who` is the operating system's user, as is
    `os_user` always). The ledger gives `seq` (1, 2, 3 …; 0 before the chain), which counts all acts and numbers
    revisions, `prev` (hash of the row before) and `hash`.
    """

    id: str
    act: str
    who: str
    at: str
    reason: str
    detail: Mapping[str, Any]
    where: str = ""
    result: str = ""
    who_is: str = CLAIMED
    os_user: str = ""
    seq: int = 0
    prev: str = ""
    hash: str = ""

    def chained(self, seq: int, prev: str) -> Operation:
        """The same as row `seq`, after the row that has the hash `prev`."""
        unsealed = replace(self, seq=seq, prev=prev, hash="")
        return replace(unsealed, hash=unsealed.digest())

    def digest(self) -> str:
        """What `hash` has to be: hex of BLAKE2b-256 over everything else that the row says."""
        rest = {name: value for name, value in self.body().items() if name != "hash"}
        return blake2b(_canonical(rest), digest_size=32).hexdigest()

    def body(self) -> dict[str, Any]:
        """The row as it is stored; rows before the chain have fewer names."""
        chained = {"os_user": self.os_user, "seq": self.seq, "prev": self.prev, "hash": self.hash} if self.seq else {}
        return {
            "v": FORMAT if self.seq else UNCHAINED,
            "id": self.id,
            "act": self.act,
            "who": self.who,
            "who_is": self.who_is,
            "at": self.at,
            "reason": self.reason,
            "detail": dict(self.detail),
            "where": self.where,
            "result": self.result,
            **chained,
        }

    def to_value(self) -> bytes:
        return _canonical(self.body())

    def to_write(self) -> Write:
        return Write(TOPIC, _text(self.id), self.to_value(), (), 0)


def read_operation(key: bytes | None, value: bytes | None) -> Operation:
    """A row as stored. Raises ValueError saying what is wrong; whether a hash is right is not looked at.

    Only the very bytes that this or an earlier release writes are a row: two texts of one meaning would have one hash.
    """
    try:
        body = json.loads(value or b"null")
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("detail"), dict):
        raise ValueError("it is no object with the names of a row")
    version, seq = body.pop("v", None), body.get("seq", 0)
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(f"it is of format {version}, of a newer release; this one reads up to {FORMAT}")
    if type(seq) is not int or any(type(body[name]) is not str for name in body.keys() - {"detail", "seq"}):
        raise ValueError("something in it is no text, or its number is none")
    if version == FORMAT and not (seq > 0 and _HASH.fullmatch(body.get("hash", ""))):
        raise ValueError("it has no number, or no hash")
    try:
        row = Operation(**body)
        same = row.to_value() == value and _text(row.id) == key
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise ValueError("it has names that a row has not, or it is written as no release writes it")
    return row


def operation_of(record: Record) -> Operation:
    """As `read_operation`."""
    return read_operation(record.key, record.value)


def hash_before(rows: Iterable[tuple[bytes | None, bytes | None]]) -> str:
    """`prev` of the first row of a chain: a hash over key and value of everything that stands before it."""
    digest = blake2b(digest_size=32)
    for row in rows:
        for part in row:
            digest.update((b"-" if part is None else str(len(part)).encode()) + b":" + (part or b""))
    return digest.hexdigest()


def claimed_user() -> str:
    """`<os user>@<host>`; nobody checked it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def here() -> str:
    """The machine the act is done on, and from where somebody is logged in to it."""
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return f"{socket.gethostname()} from {client}" if client else socket.gethostname()


def _canonical(body: Mapping[str, Any]) -> bytes:
    return _text(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False))


def _text(text: str) -> bytes:
    """A command line may hold bytes that are no text (lone surrogates); they become JSON escapes."""
    return text.encode("utf-8", "backslashreplace")

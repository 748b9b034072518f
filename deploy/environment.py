"""Makes the project's environment .venv: `python3 deploy/environment.py`, called by make. Python 3.7 reads it.

It looks for a Python 3.11 to 3.13 (or takes the one named by PYTHON), installs exactly what requirements.lock holds,
each file compared with its hash, and the project itself in editable form. When that is done already it does nothing.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "installed")
INPUTS = ("requirements.lock", "pyproject.toml")
LOWEST, HIGHEST = (3, 11), (3, 13)
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3")


class Unusable(Exception):
    """Said to the person as it stands."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def main() -> int:
    try:
        make_environment()
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        sys.stderr.write(f"No space left on the disk of {ROOT}: free about 1.5 GB and run make again.\n")
        return 5
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; run make again to go on.\n")
        return 130
    return 0


def make_environment() -> None:
    wanted = os.environ.get("PYTHON") or ""
    os.makedirs(os.path.join(ROOT, ".local"), exist_ok=True)
    with open(os.path.join(ROOT, ".local", "venv.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_complete(wanted):
            build(wanted)
    touch(STAMP)


def build(wanted: str) -> None:
    begun = time.time()
    if os.path.exists(STAMP):
        os.unlink(STAMP)
    if not usable_environment(wanted):
        python, version = find_python(wanted)
        say(f"creating .venv with Python {version[0]}.{version[1]} ({python})")
        shutil.rmtree(VENV, ignore_errors=True)
        run(
            [python, "-m", "venv", VENV],
            "python -m venv failed (on Debian and Ubuntu it needs the package python3-venv)",
        )
    pip = [inside("python"), "-m", "pip", "--disable-pip-version-check", "install"]
    install([*pip, "--require-hashes", "--no-deps", "-r", os.path.join(ROOT, "requirements.lock")])
    project = [*pip, "--quiet", "--no-deps", "--no-build-isolation", "-e", ROOT]
    run(project, "the project itself could not be installed")
    with open(STAMP, "w") as stamp:
        stamp.write(fingerprint())
    say(f"the environment is ready ({time.time() - begun:.0f} s)")


def install(command: list[str]) -> None:
    """Run pip, and tell how far it is."""
    with open(os.path.join(ROOT, "requirements.lock")) as lock:
        total = sum("==" in line for line in lock)
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = 0
    tail: list[str] = []
    assert pip.stdout is not None
    for line in pip.stdout:
        tail = [*tail[-14:], line.rstrip()]
        if line.startswith("Collecting "):
            seen += 1
            if seen % 20 == 0:
                say(f"{seen} of {total} packages fetched")
        elif line.startswith("Installing collected"):
            say("installing them")
    if pip.wait():
        raise Unusable(pip_failure(tail), 5)


def pip_failure(tail: list[str]) -> str:
    text = "\n".join(tail)
    if "No space left" in text:
        return f"No space left on the disk of {ROOT}: free about 1.5 GB and run make again."
    if "NewConnectionError" in text or "NameResolution" in text or "No matching distribution" in text:
        return (
            "The package index cannot be reached. "
            "Check the network (a proxy is read from HTTPS_PROXY) and run make again."
        )
    if "HASHES" in text:
        return "A downloaded package is not the one that requirements.lock names, so nothing was installed:\n" + text
    return "pip could not install the packages of requirements.lock:\n" + text


def run(command: list[str], failure: str) -> None:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.communicate()[0]
    if process.returncode:
        raise Unusable(f"{failure[0].upper() + failure[1:]}:\n{output.strip()}", 5)


def find_python(wanted: str) -> tuple[str, tuple[int, int]]:
    """The first usable Python and its version. Raises Unusable naming what was found instead."""
    found = []
    for candidate in [wanted] if wanted else CANDIDATES:
        version = version_of(candidate)
        if version and LOWEST <= version <= HIGHEST:
            return candidate, version
        if version:
            found.append("{} is {}.{}".format(candidate, *version))
    raise Unusable(
        "psfabric needs Python 3.11, 3.12 or 3.13; {}.\n"
        "Install one of them (with its venv module), or name one: make PYTHON=/path/to/python3.12 ...".format(
            ", ".join(found) or (f"{wanted} does not run" if wanted else "there is no python3 on the PATH")
        ),
        2,
    )


def version_of(python: str) -> tuple[int, int] | None:
    """Major and minor version; None when it does not run (a shim of a version manager may be there and not run)."""
    try:
        text = subprocess.check_output(
            [python, "-c", "import sys; print(sys.version_info[0], sys.version_info[1])"], stderr=subprocess.DEVNULL
        )
        major, minor = map(int, text.split())
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
    return major, minor


def usable_environment(wanted: str) -> bool:
    version = version_of(inside("python"))
    if version is None or not LOWEST <= version <= HIGHEST or not os.path.exists(inside("pip")):
        return False
    return not wanted or version == version_of(wanted)


def is_complete(wanted: str) -> bool:
    try:
        with open(STAMP) as stamp:
            return stamp.read() == fingerprint() and usable_environment(wanted)
    except OSError:
        return False


def fingerprint() -> str:
    digest = hashlib.sha256()
    for name in INPUTS:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def inside(program: str) -> str:
    return os.path.join(VENV, "bin", program)


def touch(path: str) -> None:
    os.utime(path, None)


def say(text: str) -> None:
    sys.stderr.write("  {:<9} {}\n".format("python", text))
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

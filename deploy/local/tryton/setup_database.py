# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the golden Tryton database of the local stack: one SQLite file, copied for every run.

    <tryton venv>/bin/python setup_database.py --home DIR --database acme --out golden.sqlite

Writes three files, each complete or not at all:

    golden.sqlite          the database, its write-ahead log folded in
    golden.secrets.json    users and passwords in it (mode 0600)
    golden.key             hash of the set-up's sources; the same hash: nothing is done

Runs only under the Python of the Tryton environment. Importing this file, and --key, need the standard library alone.
Exit codes: 0 built or up to date, 1 a step failed (its output is shown).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = ("project_invoice", "timesheet_cost", "project_disbursement", "fabric_ext")
SOURCES = ("setup_database.py", "set_up_firm.py", "firm.toml", "fabric_ext/*")
USER = "fabric"


def key(folder: Path = HERE) -> str:
    """Hash of everything the golden database is made from, without the Tryton version: the caller's lock has that."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(path for pattern in SOURCES for path in folder.glob(pattern) if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}:{len(content)}\n".encode() + content)
    return digest.hexdigest()


def install_module(folder: Path = HERE) -> None:
    """Put fabric_ext where Tryton looks for modules; unchanged files are left alone (a server may be reading them)."""
    target = Path(sysconfig.get_path("purelib")) / "trytond" / "modules" / "fabric_ext"
    target.mkdir(exist_ok=True)
    for source in (path for path in (folder / "fabric_ext").iterdir() if path.is_file()):
        copy = target / source.name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            write(copy, source.read_bytes())


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace a file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    temporary.replace(path)


def passwords(kept: Path) -> dict[str, str]:
    """Those of the environment, else those of an earlier build, else new random ones."""
    earlier = json.loads(kept.read_text()) if kept.exists() else {}

    def choose(variable: str, name: str) -> str:
        return os.environ.get(variable) or earlier.get(name) or secrets.token_urlsafe(24)

    return {
        "admin_user": "admin",
        "admin_password": choose("PSF_TRYTON_ADMIN_PASSWORD", "admin_password"),
        "user": USER,
        "password": choose("PSF_TRYTON_PASSWORD", "password"),
    }


def configuration(work: Path) -> Path:
    """A server configuration for the build. Tryton wants the path absolute."""
    path = work / "trytond.conf"
    path.write_text(f"[database]\nuri = sqlite://\npath = {work}\n[session]\nmax_attempt = 1000\n")
    return path


def activate(work: Path, config: Path, database: str, admin_password: str) -> None:
    """Make the tables and activate the modules (about 20 s)."""
    (work / f"{database}.sqlite").touch()  # trytond-admin does not create the file
    passfile = work / "admin.pass"
    write(passfile, admin_password.encode(), 0o600)
    command = [str(Path(sys.executable).parent / "trytond-admin"), "-c", str(config), "-d", database]
    command += ["-u", *MODULES, "--activate-dependencies", "--email", "admin@example.com"]  # without it: a prompt
    environment = {name: value for name, value in os.environ.items() if name != "TRYTOND_DATABASE_URI"}
    environment["TRYTONPASSFILE"] = str(passfile)
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)


def fill(config: Path, database: str, secret: dict[str, str]) -> None:
    """Put the firm in."""
    os.environ["TRYTOND_CONFIG"] = str(config)
    os.environ["TRYTOND_DATABASE_URI"] = "sqlite://"
    from set_up_firm import FirmSetUp  # needs proteus, which --key does not

    firm = tomllib.loads((HERE / "firm.toml").read_text())
    FirmSetUp(config, database, firm).run(secret["admin_password"], secret["user"], secret["password"])


def fold(database: Path) -> None:
    """Move the write-ahead log into the one file, so that copying the file copies everything."""
    connection = sqlite3.connect(database)
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    if busy:
        raise SystemExit(f"{database}: the write-ahead log is still in use; is a Tryton server running on it?")


def build(home: Path, database: str, out: Path) -> None:
    """Build in a folder of its own under `home`; the result appears under `out` only when it is whole."""
    home.mkdir(parents=True, exist_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    secret = passwords(out.with_suffix(".secrets.json"))
    work = Path(tempfile.mkdtemp(prefix="build-", dir=home))
    try:
        config = configuration(work)
        activate(work, config, database, secret["admin_password"])
        fill(config, database, secret)
        fold(work / f"{database}.sqlite")
        (work / f"{database}.sqlite").replace(out)
        write(out.with_suffix(".secrets.json"), json.dumps(secret, indent=1).encode() + b"\n", 0o600)
        write(out.with_suffix(".key"), key().encode() + b"\n")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def up_to_date(out: Path) -> bool:
    """Whether the files beside `out` were made from the sources as they are now."""
    stamp = out.with_suffix(".key")
    complete = out.exists() and out.with_suffix(".secrets.json").exists() and stamp.exists()
    return complete and stamp.read_text().strip() == key()


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the golden Tryton database of the local stack.")
    parser.add_argument("--home", type=Path, help="folder for the build; must be on the same disk as --out")
    parser.add_argument("--database", default="acme", help="name of the database (default acme)")
    parser.add_argument("--out", type=Path, help="file to make, for example golden.sqlite")
    parser.add_argument("--key", action="store_true", help="only print the hash of the sources")
    given = parser.parse_args()
    if given.key:
        print(key())
        return 0
    if not given.home or not given.out:
        parser.error("--home and --out are needed")
    install_module()
    if up_to_date(given.out):
        return 0
    try:
        build(given.home.resolve(), given.database, given.out.resolve())
    except subprocess.CalledProcessError as failed:
        print(f"Tryton could not be set up: {Path(failed.cmd[0]).name} ended with {failed.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Tryton: the ERP, in a virtual environment of its own, on a copy of the database deploy/local/tryton builds.

Its code is GPL-3.0-or-later; nothing here imports it. What its commands are: deploy/local/tryton/README.md.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

from deploy.local.artefacts import Cache, run_pip
from deploy.local.errors import disk_full_named
from deploy.local.part import Part, Place, answers
from deploy.local.ports import LOOPBACK
from deploy.local.progress import Progress

_SOURCE = Path("deploy/local/tryton")
_CONFIGURATION = """\
[database]
uri = sqlite://
path = {data}
[session]
max_attempt = 1000
"""


class Tryton(Part):
    name = "tryton"
    gives = ("PSF_TRYTON_URL",)
    wants = ("PSF_TRYTON_DATABASE", "PSF_TRYTON_USER", "PSF_TRYTON_PASSWORD")
    database = "acme"

    def fetch(self, cache: Cache, place: Place) -> None:
        home = self._home(place)
        with disk_full_named(cache.folder), cache.locked(home.name):
            if not (home / "venv.complete").exists():
                self._install(place, home, cache.tell)
            if not (home / "golden.key").exists():
                cache.tell(Progress(self.name, "prepare", "building the golden database, about half a minute"))
            setup = str(place.root / _SOURCE / "setup_database.py")
            build = [f"--home={home / 'build'}", f"--database={self.database}", f"--out={home / 'golden.sqlite'}"]
            place.run([self._python(place), setup, *build], place.plain_env, home)

    def _install(self, place: Place, home: Path, tell: Callable[[Progress], None]) -> None:
        tell(Progress(self.name, "download", "installing Tryton into its own environment"))
        shutil.rmtree(home / "venv", ignore_errors=True)
        home.mkdir(exist_ok=True)
        place.run([sys.executable, "-m", "venv", str(home / "venv")], place.plain_env, home)
        install = [self._python(place), "-m", "pip", "install", "--no-deps", "--require-hashes"]
        install += ["-r", str(place.root / _SOURCE / "requirements.lock")]
        run_pip(install, name="Tryton", run=place.run, cwd=home)
        (home / "venv.complete").touch()

    def prepare(self, place: Place) -> None:
        (place.data / "trytond.conf").write_text(_CONFIGURATION.format(data=place.data))
        database = place.data / f"{self.database}.sqlite"
        if not database.exists():
            _copy(self._home(place) / "golden.secrets.json", place.data / "secrets.json")
            _copy(self._home(place) / "golden.sqlite", database)

    def endpoints(self, place: Place) -> dict[str, str]:
        known = {"PSF_TRYTON_URL": f"http://{LOOPBACK}:{place.ports['main']}", "PSF_TRYTON_DATABASE": self.database}
        secrets = place.data / "secrets.json"
        if secrets.exists():
            values = json.loads(secrets.read_text())
            known["PSF_TRYTON_USER"] = values["user"]
            known["PSF_TRYTON_PASSWORD"] = values["password"]
            known["PSF_TRYTON_ADMIN_PASSWORD"] = values["admin_password"]
        return known

    def command(self, place: Place) -> list[str]:
        # Without --no-control-socket gunicorn opens one under the user's home.
        serve = ["-w", "1", "--threads", "4", "--no-control-socket", "-b", f"{LOOPBACK}:{place.ports['main']}"]
        return [self._python(place), "-m", "gunicorn", *serve, "trytond.application:app"]

    def environment(self, place: Place) -> dict[str, str]:
        configuration = {"TRYTOND_CONFIG": str(place.data / "trytond.conf"), "TRYTOND_DATABASE_NAMES": self.database}
        return {**place.plain_env, **configuration}

    def healthy(self, place: Place) -> bool:
        body = json.dumps({"id": 0, "method": "common.db.list", "params": []}).encode()
        url = f"http://{LOOPBACK}:{place.ports['main']}/rpc/"
        return answers(urllib.request.Request(url, data=body, headers={"content-type": "application/json"}))

    def _home(self, place: Place) -> Path:
        """One environment for each content of the lock, so that a new lock never meets an old environment."""
        lock = (place.root / _SOURCE / "requirements.lock").read_bytes()
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return place.cache.folder / f"tryton-{version}-{hashlib.sha256(lock).hexdigest()[:12]}"

    def _python(self, place: Place) -> str:
        return str(self._home(place) / "venv/bin/python")


def _copy(source: Path, target: Path) -> None:
    """A copy that is there whole or not at all, readable as the source is."""
    scratch = target.with_suffix(".new")
    shutil.copy(source, scratch)
    scratch.replace(target)

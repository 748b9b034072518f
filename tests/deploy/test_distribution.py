"""What a wheel of the project holds: the data files of its packages too, not only its modules."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
CONTRACT = """
import schemas
assert schemas.__file__.startswith({where!r}), schemas.__file__
assert schemas.topics()
for event in schemas.events():
    assert schemas.avro(event)["type"] == "record"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project built as a wheel and unpacked, from a copy: setuptools builds inside the sources."""
    copy, unpacked = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(copy), str(copy)], check=True, capture_output=True)
    (built,) = copy.glob("psfabric-*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(unpacked)
    return unpacked


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "deploy"])
def test_a_wheel_holds_every_file_of_a_package(wheel: Path, package: str) -> None:
    """All but those for readers of the sources. Of deploy only modules: the local stack wants a checkout."""
    here = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*") if path.is_file()}
    wanted = {path for path in here if "__pycache__" not in path.parts and path.suffix != ".md"}
    assert wanted - {path.relative_to(wheel) for path in wheel.rglob("*")} == set()


@pytest.mark.parametrize("where", ["wheel", "editable"])
def test_the_event_contract_can_be_read_where_it_is_installed(wheel: Path, where: str, tmp_path: Path) -> None:
    path = wheel if where == "wheel" else ROOT
    setup = f"import sys; sys.path.insert(0, {str(path)!r})\n" if where == "wheel" else ""
    code = setup + CONTRACT.format(where=str(path))
    ran = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr

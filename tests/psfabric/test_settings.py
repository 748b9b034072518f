"""Where the parts are: the file of the local stack, and the environment above it."""

from __future__ import annotations

from pathlib import Path

import pytest

from psfabric.errors import Misconfigured
from psfabric.settings import environment, settings

WHOLE = {
    "PSF_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "PSF_REGISTRY_URL": "http://127.0.0.1:8081",
    "PSF_REDIS_URL": "redis://127.0.0.1:6379/0",
}


@pytest.fixture(autouse=True)
def nothing_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def endpoints(folder: Path, text: str) -> str:
    path = folder / "endpoints.env"
    path.write_text(text)
    return str(path)


def test_every_missing_endpoint_is_named_at_once_with_what_to_do() -> None:
    with pytest.raises(Misconfigured) as caught:
        settings({"PSF_PARTITIONS": "many"})
    assert len(caught.value.mistakes) == 4
    for name in (*WHOLE, "PSF_PARTITIONS"):
        assert name in str(caught.value)
    assert "make up" in str(caught.value)


def test_the_file_of_the_local_stack_is_used_where_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / ".local" / "up"
    folder.mkdir(parents=True)
    endpoints(folder, "# made by make up\n" + "\n".join(f"{n}={v}" for n, v in WHOLE.items()) + "\nPSF_X=a=b\n")
    found = settings({})
    assert found.kafka.bootstrap == WHOLE["PSF_KAFKA_BOOTSTRAP"]
    assert found.values["PSF_X"] == "a=b"
    assert found.pipelines == Path("deploy/pipelines")


def test_the_environment_wins_but_an_empty_variable_does_not(tmp_path: Path) -> None:
    path = endpoints(tmp_path, "PSF_A=file\nPSF_B=file\n")
    env = environment({"PSF_ENDPOINTS": path, "PSF_A": "mine", "PSF_B": ""})
    assert (env["PSF_A"], env["PSF_B"]) == ("mine", "file")


def test_an_endpoints_file_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(Misconfigured, match="PSF_ENDPOINTS names elsewhere"):
        settings({**WHOLE, "PSF_ENDPOINTS": "elsewhere.env"})


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "four", "²", "٣"])
def test_partitions_are_a_whole_number(text: str) -> None:
    with pytest.raises(Misconfigured, match="PSF_PARTITIONS"):
        settings({**WHOLE, "PSF_PARTITIONS": text})


def test_what_is_optional_is_none() -> None:
    found = settings(WHOLE)
    assert (found.instance, found.partitions) == (None, None)
    assert settings({**WHOLE, "PSF_PARTITIONS": "6", "PSF_INSTANCE": "slot-1"}).partitions == 6

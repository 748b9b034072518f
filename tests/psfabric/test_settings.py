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


def test_revealing_is_permitted_unless_it_is_refused_in_so_many_words() -> None:
    assert settings(WHOLE).reveal is True
    assert settings({**WHOLE, "PSF_REVEAL": "false"}).reveal is False
    for wrong in ("no", "0", "False"):
        with pytest.raises(Misconfigured, match=f"PSF_REVEAL is '{wrong}'; true and false are allowed"):
            settings({**WHOLE, "PSF_REVEAL": wrong})


@pytest.mark.parametrize("text", ["abc", "", "-1", "nan", "inf", "90000"])
def test_times_are_seconds_within_bounds(text: str) -> None:
    for name in ("PSF_START_WITHIN", "PSF_SESSION"):
        if text:
            with pytest.raises(Misconfigured, match=rf"{name} is '{text}'; seconds from \d+ to \d+ are allowed"):
                settings({**WHOLE, name: text})
    found = settings({**WHOLE, "PSF_START_WITHIN": "0", "PSF_SESSION": "6.5"})
    assert (found.start_within, found.session) == (0.0, 6.5)
    assert (settings(WHOLE).start_within, settings(WHOLE).session) == (60.0, 10.0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PSF_KAFKA_BOOTSTRAP", "broker"),
        ("PSF_KAFKA_BOOTSTRAP", "kafka://broker:9092"),
        ("PSF_KAFKA_BOOTSTRAP", "one:9092,two"),
        ("PSF_REGISTRY_URL", "registry:8081"),
        ("PSF_REGISTRY_URL", "ftp://registry"),
        ("PSF_REDIS_URL", "http://redis:6379"),
        ("PSF_REDIS_URL", "redis://redis:port"),
    ],
)
def test_an_address_of_another_form_says_which_is_allowed(name: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=rf"{name} is .*allowed"):
        settings({**WHOLE, name: text})


def test_addresses_may_be_several_secured_and_with_credentials_that_no_mistake_repeats() -> None:
    several = {"PSF_KAFKA_BOOTSTRAP": "one:9092, [::1]:9093"}
    secured = {"PSF_REGISTRY_URL": "https://u:canary@registry/apis", "PSF_REDIS_URL": "rediss://:canary@redis:6380/0"}
    assert settings({**WHOLE, **several, **secured}).registry_url == secured["PSF_REGISTRY_URL"]
    with pytest.raises(Misconfigured) as caught:
        settings({**WHOLE, "PSF_REGISTRY_URL": "x://u:canary@registry", "PSF_REDIS_URL": "x://:canary@redis"})
    assert "canary" not in str(caught.value)

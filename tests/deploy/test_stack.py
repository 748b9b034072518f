"""What the supervisor of the local stack promises."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import LocalError, PartFailed, Stack, StackBusy, processes, stack_endpoints
from deploy.local.errors import Misused, NoSpace, PortTaken, UnknownPart
from deploy.local.part import Place, answers
from deploy.local.processes import identify, marked, wait_until
from tests.deploy.fakes import Script, Web, catalogue, crashing, deaf, never_ready, stack


def running(root: Path) -> list[int]:
    """Every living process of the stack `fake` under this root, grandchildren included."""
    return list(marked(str(root.resolve() / ".local" / "fake")))


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(tmp_path: Path) -> Iterator[None]:
    yield
    assert running(tmp_path) == []


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path, Web()) as started:
        yield started


def pid(of: Stack, part: str = "web") -> int:
    process = of.folder.process(part)
    assert process is not None
    return process.pid


# --- starting and stopping --------------------------------------------------------------------------------------------


def test_a_part_answers_when_up_returns(web: Stack) -> None:
    assert answers(web.endpoints["PSF_WEB_URL"])
    assert [part.state for part in web.status()] == ["ready"]
    assert web.died() == []


def test_down_stops_a_part_and_what_it_started_itself(tmp_path: Path) -> None:
    web = stack(tmp_path, Web()).up()
    assert wait_until(lambda: len(running(tmp_path)) == 2, 10)
    web.down()
    assert running(tmp_path) == []
    assert [part.state for part in web.status()] == ["stopped"]


def test_down_twice_is_harmless(tmp_path: Path) -> None:
    web = stack(tmp_path, Web()).up()
    web.down()
    web.down()


def test_a_part_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = stack(tmp_path, deaf()).up()
    assert wait_until(lambda: stubborn.log_tail("deaf") == ["deaf"], 10)
    stubborn.down()
    assert running(tmp_path) == []


def test_parts_that_ignore_sigterm_are_given_up_together(tmp_path: Path) -> None:
    known = catalogue(deaf("left"), deaf("middle"), deaf("right"))
    stubborn = Stack(tmp_path, "fake", list(known), {}, catalogue=known).up()
    assert wait_until(lambda: all(stubborn.log_tail(name) == ["deaf"] for name in known), 10)
    begun = time.monotonic()
    stubborn.down()
    assert time.monotonic() - begun < 2 * known["left"].stop_within


def test_restart_keeps_the_port(web: Stack) -> None:
    before, first = web.endpoints, pid(web)
    web.restart("web")
    assert web.endpoints == before
    assert pid(web) != first
    assert answers(before["PSF_WEB_URL"])


def test_a_killed_part_is_gone_with_its_children_and_starts_again_where_it_was(web: Stack, tmp_path: Path) -> None:
    before = web.endpoints
    web.kill("web")
    assert running(tmp_path) == []
    web.start("web")
    assert web.endpoints == before


def test_a_part_that_died_by_itself_is_shown_as_died(web: Stack) -> None:
    os.kill(pid(web), 9)
    assert wait_until(lambda: web.status()[0].state == "died", 10)
    assert web.died() == ["web"]
    assert str(web.death("web", "at work")).startswith("web was killed by SIGKILL at work. The end of its log:")
    web.start("web")
    assert web.status()[0].state == "ready"


def test_a_part_starts_after_those_it_needs_and_stops_before_them(tmp_path: Path) -> None:
    told: list[str] = []
    known = catalogue(Web("last", needs=("middle",)), Web("middle", needs=("first",)), Web("first"))
    chain = Stack(tmp_path, "fake", list(known), {}, lambda p: told.append(f"{p.part} {p.step}"), catalogue=known)
    with chain:
        pass
    assert told == ["first ready", "middle ready", "last ready", "last stopped", "middle stopped", "first stopped"]


def test_a_step_that_runs_once_is_awaited_to_its_end(tmp_path: Path) -> None:
    with stack(tmp_path, Script("step", "print('made')", once=True)) as stepped:
        assert stepped.log_tail("step") == ["made"]
        assert [part.state for part in stepped.status()] == ["done"]


def test_an_unknown_part_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownPart, match=r"no part 'wep'\.\nParts are: web"):
        stack(tmp_path, Web()).start("wep")


# --- a part that fails ------------------------------------------------------------------------------------------------


def test_a_part_that_dies_shows_how_its_last_lines_and_its_log(tmp_path: Path) -> None:
    with pytest.raises(PartFailed) as failed:
        stack(tmp_path, crashing()).up()
    text = str(failed.value)
    assert "crashing ended with exit code 3" in text
    assert "| no such setting: colour" in text
    assert text.count("  | ") == 15
    assert str(tmp_path / ".local/fake/log/crashing.log") in text
    assert failed.value.exit_code == 5
    assert failed.value.todo


def test_a_step_that_fails_fails_the_start(tmp_path: Path) -> None:
    with pytest.raises(PartFailed, match="step ended with exit code 4"):
        stack(tmp_path, Script("step", "raise SystemExit(4)", once=True)).up()


def test_a_part_that_fails_because_another_died_is_not_the_one_that_is_named(tmp_path: Path) -> None:
    kill = "import json, os; os.kill(json.load(open('../../run/web.json'))['pid'], 9); raise SystemExit(5)"
    step = Script("step", kill, once=True)
    step.needs = ("web",)  # type: ignore[misc]
    with pytest.raises(PartFailed, match=r"^web was killed by SIGKILL while others started"):
        stack(tmp_path, Web(), step).up()


def test_a_part_that_is_never_ready_is_given_up_and_stopped(tmp_path: Path) -> None:
    with pytest.raises(PartFailed, match="did not become ready within 0 seconds"):
        stack(tmp_path, never_ready(patience=0.2)).up()


def test_when_one_part_fails_the_others_are_stopped_again_and_the_next_start_works(tmp_path: Path) -> None:
    with pytest.raises(PartFailed):
        stack(tmp_path, Web(), crashing(), never_ready()).up()
    assert running(tmp_path) == []
    with stack(tmp_path, Web()) as again:
        assert answers(again.endpoints["PSF_WEB_URL"])


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path) -> None:
    class Writer(Web):
        def prepare(self, place: Place) -> None:
            with open("/dev/full", "w") as full:
                full.write("state")

    with pytest.raises(NoSpace, match=r"No space left on the disk") as failed:
        stack(tmp_path, Writer()).up()
    assert failed.value.exit_code == 5


def test_a_part_that_dies_of_a_full_disk_is_told_as_that(web: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    used = shutil.disk_usage(web.folder.path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: used._replace(free=0))
    os.kill(pid(web), 9)
    assert wait_until(lambda: web.died() == ["web"], 10)
    assert isinstance(web.death("web", "at work"), NoSpace)


# --- ports and endpoints ----------------------------------------------------------------------------------------------


def test_a_configured_port_is_used(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with stack(tmp_path, Web(), env={"PSF_LOCAL_WEB_PORT": str(port)}) as started:
        assert started.endpoints["PSF_WEB_URL"] == f"http://127.0.0.1:{port}/"


def test_a_configured_port_that_is_taken_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port}, configured for web by PSF_LOCAL_WEB_PORT") as failed:
            stack(tmp_path, Web(), env={"PSF_LOCAL_WEB_PORT": str(port)}).up()
    assert failed.value.exit_code == 2


@pytest.mark.parametrize("text", ["http", "80", "70000", "-1"])
def test_a_configured_port_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misused, match="which is no port"):
        stack(tmp_path, Web(), env={"PSF_LOCAL_WEB_PORT": text}).up()


def test_a_part_whose_endpoint_is_given_is_not_started(tmp_path: Path) -> None:
    outside = {"PSF_WEB_URL": "http://web.acme.example/", "PSF_WEB_PASSWORD": "theirs"}
    with stack(tmp_path, Web(), env=outside) as started:
        assert started.endpoints == outside
        assert running(tmp_path) == []
        assert [part.state for part in started.status()] == ["given"]


def test_an_endpoint_given_without_its_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misused, match="PSF_WEB_URL is given, but not PSF_WEB_PASSWORD"):
        stack(tmp_path, Web(), env={"PSF_WEB_URL": "http://web.acme.example/"}).up()


def test_secrets_are_made_for_each_stack_and_only_their_owner_may_read_them(tmp_path: Path, web: Stack) -> None:
    with stack(tmp_path / "other", Web()) as other:
        assert other.endpoints["PSF_WEB_PASSWORD"] != web.endpoints["PSF_WEB_PASSWORD"]
    for name in ("state.json", "endpoints.env"):
        assert stat.S_IMODE((web.folder.path / name).stat().st_mode) == 0o600


def test_published_endpoints_can_be_read_back_until_down(tmp_path: Path) -> None:
    with stack(tmp_path, Web()) as started:
        assert stack_endpoints(tmp_path, "fake") == started.endpoints
    assert stack_endpoints(tmp_path, "fake") == {}


# --- who owns a stack -------------------------------------------------------------------------------------------------


def test_a_second_owner_is_refused_and_told_the_first(tmp_path: Path, web: Stack) -> None:
    with pytest.raises(StackBusy, match=rf"in use by process {os.getpid()}") as busy:
        stack(tmp_path, Web()).up()
    assert busy.value.exit_code == 4
    assert answers(web.endpoints["PSF_WEB_URL"])


def test_the_stack_is_free_again_after_down(tmp_path: Path) -> None:
    for _ in range(2):
        with stack(tmp_path, Web()):
            pass


OWNER = """
import sys; from pathlib import Path
from tests.deploy.fakes import Web, stack
owned = stack(Path(sys.argv[1]), Web()).up()
print(owned.endpoints["PSF_WEB_URL"], flush=True)
sys.stdin.read()
"""


def test_nothing_survives_an_owner_that_is_killed_and_the_next_start_works(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    url = owner.stdout.readline().strip()
    assert answers(url)
    owner.kill()
    owner.communicate()
    assert wait_until(lambda: not answers(url), 10)
    with stack(tmp_path, Web()):  # sweeps the grandchild, which no signal of the kernel reaches
        assert wait_until(lambda: len(running(tmp_path)) == 2, 10)


def test_a_reused_process_id_is_never_signalled(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        identity = identify(stranger.pid, ["web"], {})
        assert identity is not None
        left = stack(tmp_path, Web(), detached=True)
        left.folder.record("web", identity.model_copy(update={"started": identity.started - 100}))
        left.down()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_of_an_earlier_boot_is_not_alive() -> None:
    identity = identify(os.getpid(), [], {})
    assert identity is not None
    assert identity.alive
    assert not identity.model_copy(update={"boot": "another"}).alive


# --- detached ---------------------------------------------------------------------------------------------------------


def test_a_detached_stack_is_picked_up_by_the_next_command(tmp_path: Path) -> None:
    first = stack(tmp_path, Web(), detached=True).up()
    second = stack(tmp_path, Web(), detached=True).up()
    assert pid(second) == pid(first)
    assert second.endpoints == first.endpoints
    stack(tmp_path, Web(), detached=True).down()
    assert running(tmp_path) == []


def test_a_failed_second_up_leaves_running_what_ran_before(tmp_path: Path) -> None:
    stack(tmp_path, Web(), detached=True).up()
    with pytest.raises(PartFailed):
        stack(tmp_path, Web(), crashing(), detached=True).up()
    survivor = stack(tmp_path, Web(), detached=True)
    assert survivor.status()[0].state == "ready"
    survivor.down()


def test_a_detached_stack_keeps_ports_and_secrets_over_down(tmp_path: Path) -> None:
    web = stack(tmp_path, Web(), detached=True).up()
    before = web.endpoints
    web.down()
    with stack(tmp_path, Web(), detached=True) as again:
        assert again.endpoints == before


def test_endpoints_of_the_stack_itself_in_the_environment_do_not_count_as_given(tmp_path: Path) -> None:
    web = stack(tmp_path, Web(), detached=True).up()
    sourced = web.endpoints
    web.down()
    with stack(tmp_path, Web(), env=sourced, detached=True) as again:
        assert [part.state for part in again.status()] == ["ready"]


def test_down_finds_a_process_whose_record_was_never_written(tmp_path: Path) -> None:
    web = stack(tmp_path, Web(), detached=True).up()
    web.folder.record("web", None)
    web.down()
    assert running(tmp_path) == []


def test_a_local_error_prints_as_what_happened_and_what_to_do() -> None:
    assert str(LocalError("It broke.", "Mend it.")) == "It broke.\nMend it."


def test_waiting_gives_up_at_its_deadline() -> None:
    assert not processes.wait_until(lambda: False, 0.05)


def test_threads_may_act_on_different_parts_at_once(tmp_path: Path) -> None:
    with stack(tmp_path, Web("left"), Web("right")) as both:
        errors: list[BaseException] = []

        def again_and_again(part: str) -> None:
            try:
                for _ in range(4):
                    both.kill(part)
                    both.start(part)
            except LocalError as error:
                errors.append(error)

        threads = [threading.Thread(target=again_and_again, args=(part,)) for part in ("left", "right")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert [part.state for part in both.status()] == ["ready", "ready"]

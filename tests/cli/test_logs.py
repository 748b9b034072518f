"""A log that cannot be written never stops the work."""

from __future__ import annotations

import io
import logging
import sys

import pytest
import structlog

from cli import logs


def test_a_closed_standard_error_swallows_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    logs.configure()
    monkeypatch.setattr(sys, "stderr", closed)
    structlog.get_logger("test").error("nobody hears this")


def test_lines_go_to_the_standard_error_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure()
    now = io.StringIO()
    monkeypatch.setattr(sys, "stderr", now)
    structlog.get_logger("test").error("heard")
    assert "heard" in now.getvalue()


Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def configured() -> None:
    logs.configure()


def test_what_a_library_says_is_a_line_like_ours_and_comes_once(capsys: Captured) -> None:
    library = logging.getLogger("aiokafka.test")
    for node in range(100):
        library.error("Unable connect to node with id %s: %s", node, "refused")
    library.info("of no interest")
    (line,) = capsys.readouterr().err.splitlines()
    assert "[error" in line
    assert "Unable connect to node with id 0: refused" in line
    assert "library=aiokafka.test" in line


def test_what_it_goes_on_saying_comes_again_with_how_often(capsys: Captured) -> None:
    now = [0.0]
    handler = logs.Libraries(clock=lambda: now[0])
    record = logging.LogRecord("lib", logging.WARNING, "", 0, "away: %s", ("a",), None)
    for _ in range(5):
        handler.emit(record)
    now[0] = logs.AGAIN_AFTER
    handler.emit(record)
    first, again = capsys.readouterr().err.splitlines()
    assert "meanwhile" not in first
    assert "meanwhile=4" in again


def test_an_exception_that_a_library_logs_is_shown_and_a_line_that_is_malformed_harms_nobody(
    capsys: Captured,
) -> None:
    library = logging.getLogger("asyncio")
    logs.Libraries().handle(logging.LogRecord("lib", logging.ERROR, "", 0, "%d", ("no number",), None))
    for kind in (ZeroDivisionError, KeyError, KeyError):
        secret = "of a " + "customer"  # noqa: F841 - a variable at hand where it is raised
        try:
            raise kind
        except kind:
            library.exception("Task exception was never retrieved")
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert said.count("[error") == 2, "one of each kind"
    assert "of a customer" not in said
    assert "no number" not in said


def test_words_that_a_library_fills_in_by_itself_do_not_fill_the_memory(capsys: Captured) -> None:
    handler = logs.Libraries()
    for n in range(3 * logs.MOST_REMEMBERED):
        handler.emit(logging.LogRecord("lib", logging.WARNING, "", 0, f"away {n}", (), None))
    assert len(capsys.readouterr().err.splitlines()) == 3 * logs.MOST_REMEMBERED
    assert len(handler._said) <= logs.MOST_REMEMBERED


def test_whoever_wants_only_failures_is_spared_the_warnings_of_libraries(capsys: Captured) -> None:
    logs.configure(logging.CRITICAL)
    logging.getLogger("lib").error("away")
    assert capsys.readouterr().err == ""

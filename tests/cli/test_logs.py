"""A log that cannot be written never stops the work."""

from __future__ import annotations

import io
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

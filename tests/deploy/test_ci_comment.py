"""The comment of a review, against servers that keep comments as GitHub and GitLab do."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.ci import comment
from schemas.review.reports import MARKER

ME, SOMEBODY = 7, 8
ALL = ("/repos/acme/contract/issues/3/comments", "/projects/5/merge_requests/3/notes")
ONE = re.compile(r"/repos/acme/contract/issues/comments/(\d+)|/projects/5/merge_requests/3/notes/(\d+)")


@dataclass
class Kept:
    """Comments by id, as the server shows them; `refuses` answers every request with that status."""

    url: str = ""
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    refuses: int = 0

    def add(self, body: str, author: int) -> int:
        id = len(self.comments) + 1
        kind = "Bot" if author == ME else "User"
        self.comments[id] = {"id": id, "body": body, "user": {"type": kind}, "author": {"id": author}}
        return id

    def bodies(self, author: int = ME) -> list[str]:
        return [each["body"] for each in self.comments.values() if each["author"]["id"] == author]


@pytest.fixture
def kept() -> Iterator[Kept]:
    store = Kept()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def answer(self, body: Any, status: int = 200) -> None:
            text = json.dumps(body).encode()
            self.send_response(store.refuses or status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def handle_any(self) -> None:
            store.tokens.add(self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization") or "")
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
            path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
            one = re.fullmatch(
                r"/repos/acme/contract/issues/comments/(\d+)|/projects/5/merge_requests/3/notes/(\d+)", path
            )
            if self.command == "GET" and path == "/user":
                self.answer({"id": ME})
            elif one and self.command == ("PATCH" if one[1] else "PUT"):
                store.comments[int(one[1] or one[2])]["body"] = body["body"]
                self.answer({})
            elif path in ALL:
                if self.command == "POST":
                    self.answer({"id": store.add(body["body"], ME)}, 201)
                else:
                    size, page = int(query["per_page"][0]), int(query["page"][0])
                    self.answer(list(store.comments.values())[size * (page - 1) : size * page])
            else:
                self.answer({}, 404)

    for verb in ("GET", "POST", "PUT", "PATCH"):
        setattr(Handler, f"do_{verb}", Handler.handle_any)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield store
    server.shutdown()
    server.server_close()


def environ(system: str, url: str) -> dict[str, str]:
    if system == "github":
        return {
            "GITHUB_API_URL": url,
            "GITHUB_REPOSITORY": "acme/contract",
            "GITHUB_TOKEN": "secret",
            "PULL_REQUEST": "3",
        }
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": url,
        "CI_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "3",
        "SCHEMA_REVIEW_TOKEN": "secret",
    }


both = pytest.mark.parametrize("system", ["github", "gitlab"])


def review(folder: Path, text: str) -> str:
    file = folder / "schema-review.md"
    file.write_text(f"{MARKER}\n{text}\n", encoding="utf-8")
    return str(file)


@both
def test_the_second_run_writes_over_the_comment_of_the_first(kept: Kept, tmp_path: Path, system: str) -> None:
    settings = environ(system, kept.url)
    for text in ("one break", "none left ✓"):
        assert comment.main([review(tmp_path, text)], settings) == 0
        assert kept.bodies() == [f"{MARKER}\n{text}\n"]
    assert all("secret" in token for token in kept.tokens)


@both
def test_it_is_found_behind_many_comments_and_those_of_others_are_left(kept: Kept, tmp_path: Path, system: str) -> None:
    for at in range(comment.PAGE + 5):
        kept.add(f"remark {at}", SOMEBODY)
    kept.add(f"{MARKER}\nquoted by somebody", SOMEBODY)
    mine = kept.add(f"{MARKER}\nold", ME)
    before = kept.bodies(SOMEBODY)
    assert comment.main([review(tmp_path, "new")], environ(system, kept.url)) == 0
    assert kept.comments[mine]["body"] == f"{MARKER}\nnew\n"
    assert (kept.bodies(SOMEBODY), len(kept.bodies())) == (before, 1)


@both
def test_a_setting_that_is_missing_is_named(
    kept: Kept, tmp_path: Path, system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = [
        name for name in environ(system, "") if name not in ("GITHUB_API_URL", "GITLAB_CI", "SCHEMA_REVIEW_TOKEN")
    ]
    for name in needed:
        settings = environ(system, kept.url)
        del settings[name]
        assert comment.main([review(tmp_path, "x")], settings) == 2
        assert f"{name} is not set" in capsys.readouterr().err
    assert kept.comments == {}


def test_in_gitlab_without_a_token_there_is_no_comment_and_no_failure(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = environ("gitlab", kept.url) | {"SCHEMA_REVIEW_TOKEN": ""}
    assert comment.main([review(tmp_path, "x")], settings) == 0
    assert "there is no comment" in capsys.readouterr().out
    assert kept.comments == {}


@both
def test_a_server_that_refuses_or_is_away_is_said(
    kept: Kept, tmp_path: Path, system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.refuses = 403
    assert comment.main([review(tmp_path, "x")], environ(system, kept.url)) == 5
    assert "answers 403 Forbidden; may its token write comments?" in capsys.readouterr().err
    assert comment.main([review(tmp_path, "x")], environ(system, "http://127.0.0.1:1")) == 5
    said = capsys.readouterr().err
    assert "no answer" in said
    assert "secret" not in said


def test_no_review_is_no_failure_and_a_file_without_marker_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert comment.main([str(tmp_path / "schema-review.md")], {}) == 0
    assert "did not get as far as a review" in capsys.readouterr().out
    (tmp_path / "schema-review.md").write_text("## Schema review")
    assert comment.main([str(tmp_path / "schema-review.md")], {}) == 2
    assert "does not begin with a marker" in capsys.readouterr().err
    assert comment.main([], {}) == 2

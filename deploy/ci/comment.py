"""One comment on a pull or merge request, written over at each run: `python3 deploy/ci/comment.py schema-review.md`.

The first line of the file is a marker, by which the comment of an earlier run is found. Needs nothing but Python 3.8.

GitHub: GITHUB_REPOSITORY, GITHUB_TOKEN, PULL_REQUEST (number); GITHUB_API_URL elsewhere than github.com.
GitLab: CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID, SCHEMA_REVIEW_TOKEN.

Exit 0 when it is there, or there is no review to tell of; 2 for a missing setting or file; 5 when the server refuses or
does not answer.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds for one request."""
PAGE = 100
"""Comments of one page: the most that both servers give."""


class Failed(Exception):
    """Said to the person as it stands."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Server:
    """A server that speaks JSON, and the settings by which it is asked."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def setting(self, name: str) -> str:
        value = self.environ.get(name, "")
        if not value:
            raise Failed(f"{name} is not set; the header of the pipeline file says what it must be.", 2)
        return value

    def headers(self) -> dict[str, str]:
        raise NotImplementedError

    def ask(self, method: str, url: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "psfabric", **self.headers()}
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            hint = "; may its token write comments?" if error.code in (401, 403, 404) else ""
            raise Failed(f"{method} {url}: the server answers {error.code} {error.reason}{hint}", 5) from None
        except (OSError, ValueError) as error:
            raise Failed(f"{method} {url}: no answer: {error}", 5) from None

    def pages(self, url: str) -> Iterator[dict[str, Any]]:
        number = 1
        while True:
            page = self.ask("GET", f"{url}?per_page={PAGE}&page={number}")
            yield from page
            if len(page) < PAGE:
                return
            number += 1


class GitHub(Server):
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.setting('GITHUB_TOKEN')}", "Accept": "application/vnd.github+json"}

    def put(self, text: str, marker: str) -> str:
        api = self.environ.get("GITHUB_API_URL") or "https://api.github.com"
        issues = f"{api}/repos/{self.setting('GITHUB_REPOSITORY')}/issues"
        comments = f"{issues}/{self.setting('PULL_REQUEST')}/comments"
        for each in self.pages(comments):
            if each["user"]["type"] == "Bot" and each["body"].startswith(marker):
                self.ask("PATCH", f"{issues}/comments/{each['id']}", {"body": text})
                return "written over"
        self.ask("POST", comments, {"body": text})
        return "made"


class GitLab(Server):
    def headers(self) -> dict[str, str]:
        return {"PRIVATE-TOKEN": self.setting("SCHEMA_REVIEW_TOKEN")}

    def put(self, text: str, marker: str) -> str:
        api = self.setting("CI_API_V4_URL")
        request = f"projects/{self.setting('CI_PROJECT_ID')}/merge_requests/{self.setting('CI_MERGE_REQUEST_IID')}"
        notes = f"{api}/{request}/notes"
        me = self.ask("GET", f"{api}/user")["id"]
        for each in self.pages(notes):
            if each["author"]["id"] == me and each["body"].startswith(marker):
                self.ask("PUT", f"{notes}/{each['id']}", {"body": text})
                return "written over"
        self.ask("POST", notes, {"body": text})
        return "made"


def comment(file: Path, environ: Mapping[str, str]) -> str:
    """What was done, as a sentence. Raises `Failed`."""
    if not file.exists():
        return f"There is no {file}: the check did not get as far as a review, and its log says why."
    text = file.read_text(encoding="utf-8")
    marker = text.partition("\n")[0]
    if not (marker.startswith("<!-- ") and marker.endswith(" -->")):
        raise Failed(f"{file} does not begin with a marker; write it with `psfabric schema check --markdown`.", 2)
    if environ.get("GITLAB_CI") and not environ.get("SCHEMA_REVIEW_TOKEN"):
        return "SCHEMA_REVIEW_TOKEN is not set, so there is no comment; the review is among the artifacts."
    server = GitLab(environ) if environ.get("GITLAB_CI") else GitHub(environ)
    return f"The comment was {server.put(text, marker)}."


def main(words: list[str], environ: Mapping[str, str]) -> int:
    if len(words) != 1:
        print("usage: comment.py FILE", file=sys.stderr)
        return 2
    try:
        print(comment(Path(words[0]), environ))
    except Failed as error:
        print(error, file=sys.stderr)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))

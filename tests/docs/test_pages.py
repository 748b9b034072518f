"""Links lead somewhere, paths exist, topics and variables are those of the code, commands parse."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app
from deploy.local import ALL
from deploy.local.ports import setting
from psfabric import pipelines
from psfabric.telemetry.metrics import METRICS
from tests.docs.pages import GUIDES, PAGES, PSFABRIC, ROOT, anchors, commands, inline, links, name, variables

every_page = pytest.mark.parametrize("page", PAGES, ids=name)
every_guide = pytest.mark.parametrize("page", GUIDES, ids=name)

FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {".venv", ".local", ".git"}
CODE = (
    "schemas",
    "psfabric",
    "producers",
    "processors",
    "sinks",
    "replay",
    "recon",
    "cli",
    "sandbox",
    "deploy",
    "bench",
)
INTERNAL = {
    "PSF_KAFKA_": "the prefix of the settings of the connection",
    "PSF_KAFKA_SASL_": "the prefix of those of the login",
    "PSF_KAFKA_SSL_": "the prefix of those of TLS",
    "PSF_FAUST_": "a prefix that hides Faust's own variables from it",
    "PSF_LOCAL_": "the prefix of the port settings, each of which is documented by its rule",
    "PSF_LOCAL_PART_OF": "the mark by which the supervisor finds what it started",
}
"""Names in the code that nobody is meant to set, and what they are."""


class _Anything(dict[str, str]):
    """An environment in which everything is set."""

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, default: Any = None) -> str:
        return "http://127.0.0.1:1"


def topics() -> set[str]:
    declared = pipelines.load(ROOT / "deploy/pipelines", _Anything())
    return {topic.name for topic in declared.topics()}


@every_page
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)} links to {link}"
        assert not anchor or anchor in anchors(target), f"{name(page)} links to {link}, which has no such heading"


@every_page
def test_paths_named_exist(page: Path) -> None:
    for word in inline(page):
        named = re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", word) is not None and word.split("/")[0] in FOLDERS
        assert not named or (ROOT / word).exists(), f"{name(page)} names {word}"


@every_guide
def test_topics_named_are_those_of_the_pipelines(page: Path) -> None:
    known = {*topics(), *METRICS}
    text = page.read_text(encoding="utf-8")
    for word in re.findall(r"(?<![\w./-])((?:raw|full|psf|deliver|applied|hold|redo|dlq|ref)\.[\w.-]*\w)", text):
        if not re.search(r"[A-Z]", word):
            assert word in known | set(METRICS), f"{name(page)} names the topic {word}"


def test_variables_named_are_read_by_the_code_and_those_read_are_named() -> None:
    named = variables("\n".join(page.read_text(encoding="utf-8") for page in PAGES))
    sources = [path for folder in CODE for kind in ("*.py", "*.toml") for path in (ROOT / folder).rglob(kind)]
    code = variables("\n".join(path.read_text(encoding="utf-8") for path in sources))
    ports = {setting(part, port) for part, declared in ALL.items() for port in declared.ports}
    assert named - code - ports == set(), "documented, but nothing reads them"
    assert code - named - ports - INTERNAL.keys() == set(), "read, but documented nowhere"


def test_the_readme_names_every_folder_of_the_house() -> None:
    house = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The house")[2]
    listed = set(re.findall(r"^([a-z]+)/ ", house, re.MULTILINE))
    assert listed == {*CODE, "tests"}


def test_decisions_say_context_decision_and_consequences() -> None:
    pages = sorted((ROOT / "docs/adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{n:04d}" for n in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page.name
        assert text.startswith(f"# {int(page.name[:4])}. ")


def leaf(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words name, and what is left for it."""
    command: Any = typer.main.get_command(app)
    left = list(words)
    while left and hasattr(command, "commands"):
        assert left[0] in command.commands, f"psfabric {' '.join(words)}: there is no {left[0]}"
        command = command.commands[left.pop(0)]
    return command, left


def parses(words: list[str]) -> None:
    command, left = leaf(words)
    command.make_context("psfabric", left)


def verbs(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    command = command or typer.main.get_command(app)
    if not hasattr(command, "commands"):
        yield " ".join(path), command
    for word, inner in sorted(getattr(command, "commands", {}).items()):
        yield from verbs(inner, (*path, word))


@pytest.mark.parametrize(("verb", "command"), list(verbs()), ids=[verb for verb, _ in verbs()])
def test_the_example_of_every_help_text_parses(verb: str, command: Any) -> None:
    words = shlex.split(command.epilog.partition("Example: ")[2])
    while "=" in words[0]:
        assert words.pop(0).startswith("PSF_")
    assert words.pop(0) == "psfabric"
    assert " ".join(words).startswith(verb)
    parses(words)


@every_guide
def test_documented_commands_of_psfabric_parse(page: Path) -> None:
    for command in commands(page):
        if command.words[0] == PSFABRIC:
            parses(list(command.words[1:]))


TEXTS = [*PAGES, ROOT / "schemas/codes.toml"]


@pytest.mark.parametrize("page", TEXTS, ids=name)
def test_commands_named_in_a_sentence_exist(page: Path) -> None:
    for word in inline(page):
        if word.startswith("psfabric ") and "|" not in word:
            named = [w for w in shlex.split(word)[1:] if w != "…"]
            command, left = leaf([w for w in named if not w.startswith("<")])
            options = {opt for param in command.params for opt in param.opts}
            assert {w for w in left if w.startswith("--")} <= options | {"--help"}, f"{name(page)}: {word}"

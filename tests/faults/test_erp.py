"""The fake ERP, spoken to by clients of others: what it does when it fails is what it says it does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from tests.faults.books import Fault
from tests.faults.ledger import Journal
from tests.faults.processes import Erp


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erp]:
    erp = Erp(tmp_path_factory.mktemp("erp"), seed=7)
    yield erp
    erp.close()


@pytest.fixture
def erp(running: Erp) -> Iterator[Erp]:
    yield running
    running.state("up")


def body(external: str, edition: int = 1, day: str = "2026-03-02", amount: str = "10.00") -> dict[str, Any]:
    return {
        "external": external, "key": "k", "seq": edition, "edition": edition, "client": "C", "currency": "GBP",
        "amount": amount, "seconds": 60, "day": day,
    }  # fmt: skip


def post(erp: Erp, company: str, line: dict[str, Any], **headers: str) -> requests.Response:
    return requests.post(f"{erp.url}/{company}/docs", json=line, headers=headers, timeout=2)


def commits(erp: Erp, company: str) -> list[dict[str, Any]]:
    journal = Journal(erp.journal)
    journal.read()
    return [line for line in journal.acts("commit") if line["company"] == company]


def test_without_a_key_two_posts_are_two_documents(erp: Erp) -> None:
    erp.rules("free", flavour="none")
    assert [post(erp, "free", body("e")).status_code for _ in range(2)] == [201, 201]
    assert len(erp.statement("free")) == 2


def test_a_unique_key_is_refused_and_other_content_under_it_too(erp: Erp) -> None:
    erp.rules("strict", flavour="unique")
    answers = [post(erp, "strict", line) for line in (body("e"), body("e"), body("e", amount="11.00"))]
    assert [a.status_code for a in answers] == [201, 409, 409]
    assert [a.json().get("error") for a in answers] == [None, "exists", "conflict"]
    assert len(commits(erp, "strict")) == 1


def test_the_same_write_by_key_changes_nothing_and_a_stale_condition_is_refused(erp: Erp) -> None:
    url = f"{erp.url}/keyed/by-external/e"
    with httpx.Client() as client:
        assert client.put(url, json=body("e"), headers={"If-None-Match": "*"}).status_code == 201
        assert client.put(url, json=body("e")).json()["version"] == 1
        assert client.put(url, json=body("e", 2), headers={"If-Match": '"1"'}).json()["version"] == 2
        assert client.put(url, json=body("e", 3), headers={"If-Match": '"1"'}).status_code == 412
        assert client.put(url, json=body("e"), headers={"If-None-Match": "*"}).status_code == 412
    assert [c["edition"] for c in commits(erp, "keyed")] == [1, 2]


@pytest.mark.parametrize("kind", ["reset", "hang", "bad_gateway", "error"])
def test_carried_out_and_not_said_so(erp: Erp, kind: str) -> None:
    erp.rules(kind, flavour="none", faults=(Fault(kind=kind, seconds=0.2),))
    if kind in ("reset", "hang"):
        with pytest.raises(requests.ConnectionError):
            post(erp, kind, body("e"))
    else:
        assert post(erp, kind, body("e")).status_code == {"bad_gateway": 502, "error": 500}[kind]
    assert len(commits(erp, kind)) == 1
    assert post(erp, kind, body("e")).status_code == 201, "each document meets a fault once"


def test_a_lie_is_told_by_reading_back(erp: Erp) -> None:
    erp.rules("liar", flavour="none", faults=(Fault(kind="lie"),))
    assert post(erp, "liar", body("e")).status_code == 200
    found = requests.get(f"{erp.url}/liar/docs", params={"external": "e"}, timeout=2).json()
    assert found == {"documents": []}
    assert commits(erp, "liar") == []


@pytest.mark.parametrize("dates", [False, True])
def test_a_throttle_says_when_and_notes_who_came_before(erp: Erp, dates: bool) -> None:
    name = f"throttled-{dates}"
    erp.rules(name, flavour="none", rate=2.0, burst=1.0, dates=dates)
    assert post(erp, name, body("a")).status_code == 201
    refused = post(erp, name, body("b"))
    assert refused.status_code == 429
    asked = refused.headers["Retry-After"]
    until = parsedate_to_datetime(asked).timestamp() if dates else time.time() + int(asked)
    post(erp, name, body("b"))
    time.sleep(max(0.0, until + 1.2 - time.time()))
    assert post(erp, name, body("b")).status_code == 201
    journal = Journal(erp.journal)
    journal.read()
    early = [line for line in journal.acts("early") if line["company"] == name and line["scope"] == "document"]
    assert len(early) == 1


def test_a_locked_month_takes_nothing_until_it_is_opened(erp: Erp) -> None:
    erp.rules("months", flavour="none", locked=("2026-02",))
    answer = post(erp, "months", body("e", day="2026-02-27"))
    assert (answer.status_code, answer.json()["period"]) == (423, "2026-02")
    assert post(erp, "months", body("f")).status_code == 201
    erp.rules("months", locked=())
    assert post(erp, "months", body("e", day="2026-02-27")).status_code == 201


def test_part_of_a_batch_is_refused_line_by_line(erp: Erp) -> None:
    erp.rules("batches", refused={"b": "no such cost centre", "d": "amount too large"})
    lines = [body(external) for external in "abcd"]
    answer = requests.post(f"{erp.url}/batches/batch", json={"lines": lines}, timeout=2).json()["lines"]
    assert [line["status"] for line in answer] == [201, 422, 201, 422]
    assert [line.get("why") for line in answer] == [None, "no such cost centre", None, "amount too large"]
    assert [c["external"] for c in commits(erp, "batches")] == ["a", "c"]


def test_a_search_lags(erp: Erp) -> None:
    erp.rules("slow-index", flavour="none", lag=0.5)
    reference = post(erp, "slow-index", body("e")).json()["reference"]
    search = f"{erp.url}/slow-index/docs"
    assert requests.get(search, params={"external": "e"}, timeout=2).json()["documents"] == []
    assert requests.get(f"{search}/{reference}", timeout=2).status_code == 200
    time.sleep(0.6)
    assert len(requests.get(search, params={"external": "e"}, timeout=2).json()["documents"]) == 1


@pytest.mark.parametrize("state", ["unavailable", "resets", "away"])
def test_it_is_down_and_comes_back(erp: Erp, state: str) -> None:
    erp.rules("down", flavour="none")
    erp.state(state)
    if state == "unavailable":
        assert post(erp, "down", body(state)).status_code == 503
    else:
        with pytest.raises(requests.ConnectionError):
            post(erp, "down", body(state))
    erp.state("up")
    assert post(erp, "down", body(state)).status_code == 201


def test_the_same_seed_meets_the_same_faults_in_any_order(tmp_path: Path) -> None:
    met = []
    for number, order in enumerate(("abcdefgh", "hgfedcba")):
        folder = tmp_path / str(number)
        folder.mkdir()
        erp = Erp(folder, seed=11)
        erp.rules("c", flavour="none", faults=(Fault(kind="error", share=0.5),))
        met.append({external: post(erp, "c", body(external)).status_code for external in order})
        erp.close()
    assert met[0] == met[1]
    assert set(met[0].values()) == {201, 500}

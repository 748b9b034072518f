"""The golden Tryton database has what the working day needs, and the integration user no more rights than it needs."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sandbox.tryton_admin import TrytonAdmin, TrytonRefused
from tests.conftest import ROOT, TrytonServer

SET_UP = ROOT / "deploy/local/tryton/setup_database.py"


@pytest.fixture(scope="module")
def admin(tryton: TrytonServer) -> TrytonAdmin:
    return TrytonAdmin(tryton.url, tryton.database, "admin", tryton.admin_password)


@pytest.fixture(scope="module")
def fabric(tryton: TrytonServer) -> TrytonAdmin:
    return TrytonAdmin(tryton.url, tryton.database, tryton.user, tryton.password)


def test_two_companies_keep_books_in_their_own_currency_and_tax(admin: TrytonAdmin) -> None:
    fields = ["party.external_id", "party.name", "currency.code"]
    companies = {
        row["party."]["external_id"]: (row["party."]["name"], row["currency."]["code"])
        for row in admin.rows("company.company", [], fields)
    }
    assert companies == {
        "le:US01": ("Acme Advisory LLP", "USD"),
        "le:UK01": ("Acme Advisory (UK) Ltd", "GBP"),
    }
    taxes = {
        (row["description"], row["company"], row["type"], str(row["rate"]))
        for row in admin.rows("account.tax", [], ["description", "company", "type", "rate"])
    }
    assert taxes >= {
        ("US-NONE", admin.company("US01"), "none", "None"),
        ("GB-VAT-20", admin.company("UK01"), "percentage", "0.20"),
    }


def test_each_month_of_three_years_has_a_sequence_of_its_own(admin: TrytonAdmin) -> None:
    fields = ["company", "period.start_date", "out_invoice_sequence"]
    rows = admin.rows("account.fiscalyear.invoice_sequence", [], fields)
    assert Counter(row["company"] for row in rows) == {admin.company("US01"): 36, admin.company("UK01"): 36}
    assert len({row["out_invoice_sequence"] for row in rows}) == 72
    assert {row["period."]["start_date"].year for row in rows} == {2025, 2026, 2027}


def test_time_is_billed_in_fine_steps(admin: TrytonAdmin) -> None:
    fields = ["code", "default_uom.name", "default_uom.rounding"]
    products = {
        row["code"]: (row["default_uom."]["name"], str(row["default_uom."]["rounding"]))
        for row in admin.rows("product.product", [], fields)
    }
    assert products == {"HOUR": ("Hour", "0.0001"), "FEE": ("Engagement", "0.0001")}


@pytest.mark.parametrize(
    "model", ["party.party", "company.employee", "project.work", "timesheet.line", "account.invoice"]
)
def test_an_external_id_can_be_asked_for(admin: TrytonAdmin, model: str) -> None:
    assert admin.count(model, [["external_id", "=", "nobody has this one"]]) == 0


def test_an_external_id_is_given_once(admin: TrytonAdmin) -> None:
    values = {"name": "Twin", "external_id": "le:UK01"}
    with pytest.raises(TrytonRefused, match="external_id must be unique"):
        admin.call("model.party.party.create", [values], {})


def test_the_integration_user_sees_both_companies_and_cannot_close_a_period(fabric: TrytonAdmin) -> None:
    assert fabric.company("US01") != fabric.company("UK01")
    with pytest.raises(TrytonRefused, match="not allowed"):
        fabric.close_period("UK01", "2025-01")


def test_the_integration_user_may_on_board_people_once(fabric: TrytonAdmin) -> None:
    first, second = [fabric.onboard("UK01", "golden-person", "Golden Person") for _ in range(2)]
    assert first == second


def test_a_wrong_password_and_an_unknown_company_are_refused_in_words(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    with pytest.raises(TrytonRefused, match="401"):
        TrytonAdmin(tryton.url, tryton.database, tryton.user, "not the password")
    with pytest.raises(TrytonRefused, match="le:FR01"):
        admin.company("FR01")
    with pytest.raises(TrytonRefused, match="no period 2031-01"):
        admin.close_period("UK01", "2031-01")


def set_up(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SET_UP), *arguments], capture_output=True, text=True, timeout=60)


def test_the_key_of_the_sources_needs_no_tryton_and_stays_the_same() -> None:
    first, second = set_up("--key"), set_up("--key")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert len(first.stdout.strip()) == 32


def test_the_key_follows_every_source(tmp_path: Path) -> None:
    copy = tmp_path / "tryton"
    copy.mkdir()
    (copy / "fabric_ext").mkdir()
    names = ("setup_database.py", "set_up_firm.py", "firm.toml", "fabric_ext/ext.py")
    for name in names:
        (copy / name).write_bytes((SET_UP.parent / name).read_bytes())
    keys = set()
    for name in names:
        with (copy / name).open("a") as file:
            file.write("\n# changed\n")
        ran = subprocess.run(
            [sys.executable, str(copy / "setup_database.py"), "--key"], capture_output=True, check=True
        )
        keys.add(ran.stdout)
    assert len(keys) == len(names)


def test_missing_arguments_are_named() -> None:
    answer = set_up("--home", "somewhere")
    assert answer.returncode == 2
    assert "--home and --out are needed" in answer.stderr

"""Tryton for the sink's tests: a login of a finance person beside the sink's own."""

from __future__ import annotations

import pytest

from sandbox.tryton_admin import TrytonAdmin
from tests.conftest import TrytonServer


@pytest.fixture(scope="session")
def admin(tryton: TrytonServer) -> TrytonAdmin:
    return TrytonAdmin(tryton.url, tryton.database, "admin", tryton.admin_password)

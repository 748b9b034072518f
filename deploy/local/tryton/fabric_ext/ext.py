# SPDX-License-Identifier: GPL-3.0-or-later
"""One writable, unique external id on every record an integration makes.

Stock fields cannot serve as keys: numbers are read-only over the network and references may repeat. The id is unique
over the whole database, not per company, so the legal entity has to be part of it. A copied record starts without one.
"""

from trytond.model import Unique, fields
from trytond.pool import PoolMeta


class _ExternalId:
    __slots__ = ()
    external_id = fields.Char("External ID", strip=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            ("external_id_unique", Unique(table, table.external_id), "fabric_ext.msg_external_id_unique")
        )

    @classmethod
    def copy(cls, records, default=None):
        default = dict(default or {})
        default.setdefault("external_id")
        return super().copy(records, default=default)


class Party(_ExternalId, metaclass=PoolMeta):
    __name__ = "party.party"


class Employee(_ExternalId, metaclass=PoolMeta):
    __name__ = "company.employee"


class Work(_ExternalId, metaclass=PoolMeta):
    __name__ = "project.work"


class Line(_ExternalId, metaclass=PoolMeta):
    __name__ = "timesheet.line"


class Invoice(_ExternalId, metaclass=PoolMeta):
    __name__ = "account.invoice"


class Disbursement(_ExternalId, metaclass=PoolMeta):
    __name__ = "project.disbursement"

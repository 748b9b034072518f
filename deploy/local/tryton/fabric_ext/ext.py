# SPDX-License-Identifier: GPL-3.0-or-later
"""One writable, unique external id on every record an integration makes.

Stock fields cannot serve as keys: numbers are read-only over the network and references may repeat. The id is unique
over the whole database, not per company, so the legal entity has to be part of it. A copied record starts without one.

And numbers of invoices that hold on SQLite, where Tryton's locks do nothing: see `Invoice.set_number`.
"""

from trytond import backend
from trytond.model import Unique, fields
from trytond.pool import PoolMeta
from trytond.transaction import Transaction


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

    @classmethod
    def set_number(cls, invoices):
        """On SQLite a transaction begins with its first write; until then others may read the same next number.

        So write first (to no row). On other databases Tryton locks the sequence itself.
        """
        if backend.name == "sqlite":
            transaction = Transaction()
            transaction.connection.cursor().execute('UPDATE "ir_sequence_strict" SET "id" = "id" WHERE 0')
            transaction.counter += 1  # what was read before may be stale
        super().set_number(invoices)


class Disbursement(_ExternalId, metaclass=PoolMeta):
    __name__ = "project.disbursement"

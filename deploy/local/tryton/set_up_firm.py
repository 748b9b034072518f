# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the firm of firm.toml into an empty, activated Tryton database (proteus, in process).

Runs only under the Python of the Tryton environment, and only while no server holds the database: proteus in process
and a server each keep their own caches.
"""

import datetime as dt
from decimal import Decimal

from proteus import Model, Wizard
from proteus import config as proteus_config

GROUPS_OF_THE_INTEGRATION = (
    "Accounting",
    "Employee Administration",
    "Party Administration",
    "Project Administration",
    "Project Invoice",
    "Timesheet Administration",
)
FINE = {"rounding": 0.0001, "digits": 4}
"""Steps of a billed quantity. Tryton's own Hour has 0.01 and would bill 10 minutes at 150 as 25.50."""


class FirmSetUp:
    """One pass over firm.toml, in the order Tryton needs it."""

    def __init__(self, config_file, database, firm):
        self.config = proteus_config.set_trytond(database, user="admin", config_file=str(config_file))
        self.firm = firm
        self.companies = {}
        self.currencies = {}

    def run(self, admin_password, user, user_password):
        """Make everything; at the end set both passwords."""
        for row in self.firm["currency"]:
            self.currency(row)
        for row in self.firm["company"]:
            self.companies[row["code"]] = self.company(row)
        self.see_all_companies(Model.get("res.user").find([("login", "=", "admin")])[0])
        term = self.payment_term()
        category = self.category()
        for row in self.firm["company"]:
            self.books(row, category, term)
        self.products(category)
        self.users(admin_password, user, user_password)

    def currency(self, row):
        record = Model.get("currency.currency")(
            name=row["name"], code=row["code"], numeric_code=row["numeric_code"], symbol=row["symbol"]
        )
        record.rounding, record.digits = Decimal("0.01"), 2
        record.save()
        rate = Model.get("currency.currency.rate")
        rate(date=dt.date(2000, 1, 1), rate=Decimal(row["rate"]), currency=record).save()
        self.currencies[row["code"]] = record

    def company(self, row):
        party = Model.get("party.party")(name=row["name"])
        party.external_id = f"le:{row['code']}"
        party.save()
        if not self.companies:
            wizard = Wizard("company.company.config")  # only the first company can be made by the wizard
            wizard.execute("company")
            wizard.form.party, wizard.form.currency = party, self.currencies[row["currency"]]
            wizard.execute("add")
            record = Model.get("company.company").find([])[0]
            self.config._context = Model.get("res.user").get_preferences(True, {})
            return record
        record = Model.get("company.company")(party=party, currency=self.currencies[row["currency"]])
        record.save()
        return record

    def see_all_companies(self, user):
        """With the default filter "one" even admin is refused in every company but his own."""
        held = {company.id for company in user.companies}
        for company in self.companies.values():
            if company.id not in held:
                user.companies.append(Model.get("company.company")(company.id))
        user.company_filter = "all"
        user.save()
        self.config._context = Model.get("res.user").get_preferences(True, {})

    def books(self, row, category, term):
        company = self.companies[row["code"]]
        with self.config.set_context(company=company.id):
            self.chart(company)
            for year in self.firm["fiscal_years"]:
                self.fiscal_year(row["code"], company, year)
            configuration = Model.get("account.configuration")(1)
            configuration.default_customer_payment_term = term
            configuration.save()
            category = Model.get("product.category")(category.id)
            category.account_revenue = self.account(company, "revenue")
            category.account_expense = self.account(company, "expense")
            category.customer_taxes.append(self.tax(row, company))
            category.save()

    def chart(self, company):
        template = Model.get("ir.model.data").get_id("account.account_template_root_en", self.config.context)
        wizard = Wizard("account.create_chart")
        wizard.execute("account")
        wizard.form.account_template = Model.get("account.account.template")(template)
        wizard.form.company = company
        wizard.execute("create_account")
        wizard.form.account_receivable = self.account(company, "receivable")
        wizard.form.account_payable = self.account(company, "payable")
        wizard.form.category_account_revenue = self.account(company, "revenue")
        wizard.form.category_account_expense = self.account(company, "expense")
        wizard.execute("create_properties")

    def account(self, company, kind):
        domain = [(f"type.{kind}", "=", True), ("company", "=", company.id), ("closed", "!=", True)]
        return Model.get("account.account").find(domain, limit=1)[0]

    def fiscal_year(self, code, company, year):
        """Twelve periods, and one invoice sequence for each.

        Numbers have to rise with the date inside one sequence: with one sequence a year, October could not be posted
        after November.
        """
        record = Model.get("account.fiscalyear")(name=str(year), company=company)
        record.start_date, record.end_date = dt.date(year, 1, 1), dt.date(year, 12, 31)
        record.move_sequence = self.sequence("Account Move", f"{code} move {year}", company, f"{code}-M{year}-")
        while record.invoice_sequences:
            record.invoice_sequences.pop()
        record.save()
        record.click("create_period")
        row = Model.get("account.fiscalyear.invoice_sequence")
        for period in Model.get("account.period").find([("fiscalyear", "=", record.id)], order=[("start_date", "ASC")]):
            month = f"{period.start_date:%Y-%m}"
            sequence = self.sequence("Invoice", f"{code} invoice {month}", company, f"{code}-{month}-")
            names = ("out_invoice", "in_invoice", "out_credit_note", "in_credit_note")
            fields = {f"{name}_sequence": sequence for name in names}
            row(company=company, fiscalyear=record, period=period, **fields).save()

    def sequence(self, kind, name, company, prefix):
        kind = Model.get("ir.sequence.type").find([("name", "=", kind)], limit=1)[0]
        record = Model.get("ir.sequence.strict")(name=name, sequence_type=kind, company=company)
        record.prefix, record.padding = prefix, 4
        record.save()
        return record

    def tax(self, row, company):
        record = Model.get("account.tax")(name=row["tax"]["name"], description=row["tax"]["description"])
        record.company = company
        record.type = "percentage" if row["tax"]["rate"] else "none"
        if row["tax"]["rate"]:
            payable = Model.get("account.account").find(
                [("company", "=", company.id), ("code", "=", TAX_ACCOUNT)], limit=1
            )[0]
            record.rate = Decimal(row["tax"]["rate"])
            record.invoice_account = record.credit_note_account = payable
        record.save()
        return record

    def payment_term(self):
        term = Model.get("account.invoice.payment_term")(name=f"Net {self.firm['payment_days']}")
        line = term.lines.new(type="remainder")
        delta = line.relativedeltas[0] if line.relativedeltas else line.relativedeltas.new()
        delta.days = self.firm["payment_days"]
        term.save()
        return term

    def category(self):
        category = Model.get("product.category")(name="Professional services", accounting=True)
        category.save()
        return category

    def products(self, category):
        units = Model.get("product.uom")
        hour = units.find([("name", "=", "Hour")])[0]
        hour.rounding, hour.digits = FINE["rounding"], FINE["digits"]
        hour.save()
        whole = units.find([("name", "=", "Unit")])[0]
        engagement = units(name="Engagement", symbol="eng", category=whole.category, rate=1.0, factor=1.0, **FINE)
        engagement.save()
        by_name = {"Hour": hour, "Engagement": engagement}
        for row in self.firm["product"]:
            template = Model.get("product.template")(name=row["name"], type="service", list_price=Decimal(0))
            template.default_uom, template.account_category = by_name[row["unit"]], category
            template.code = row["code"]
            template.save()

    def users(self, admin_password, login, password):
        groups = {group.name: group.id for group in Model.get("res.group").find([])}
        group = Model.get("res.group")
        user = Model.get("res.user")(name="Integration fabric", login=login, email="fabric@example.com")
        for name in GROUPS_OF_THE_INTEGRATION:
            user.groups.append(group(groups[name]))
        user.company = None
        for company in self.companies.values():
            user.companies.append(Model.get("company.company")(company.id))
        user.company = next(iter(self.companies.values()))
        user.company_filter = "all"
        user.password = password
        user.save()
        admin = Model.get("res.user").find([("login", "=", "admin")])[0]
        held = {held.id for held in admin.groups}
        for number in groups.values():
            if number not in held:
                admin.groups.append(group(number))
        admin.password = admin_password
        admin.save()


TAX_ACCOUNT = "2.2.3"
"""Account "Accrued Taxes" of the Universal Chart of Accounts."""

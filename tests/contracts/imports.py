"""An import-linter contract of our own: adapters of one package never import each other.

Further modules of an adapter begin with its name (`jira.py` and `jira_translate.py`, `tryton.py` and `tryton_erp/`),
so a new adapter is checked without a list to keep.
"""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ApartContract(Contract):
    """`packages`: in each of them, a module imports only modules of its own adapter."""

    type_name = "apart"
    packages = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        across = [found for package in self.packages for found in crossings(graph, package)]  # type: ignore[attr-defined]
        return ContractCheck(kept=not across, metadata={"across": across})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["across"]:
            output.print_error(f"{importer} imports {imported}: what both need belongs into psfabric.", bold=False)


def crossings(graph: ImportGraph, package: str) -> list[tuple[str, str]]:
    """Imports (importer, imported) between different adapters of `package`."""
    inside = graph.find_descendants(package)
    adapter = {module: adapter_of(module, graph.find_children(package)) for module in inside}
    return sorted(
        (importer, imported)
        for importer in inside
        for imported in graph.find_modules_directly_imported_by(importer) & inside
        if adapter[importer] != adapter[imported]
    )


def adapter_of(module: str, children: set[str]) -> str:
    """The shortest child that `module` is, is inside of, or carries on with an underscore: its adapter."""
    return min((c for c in children if module == c or module.startswith((f"{c}.", f"{c}_"))), key=len)

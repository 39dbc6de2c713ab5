# SPDX-License-Identifier: Apache-2.0
"""An import contract that import-linter does not bring: a part may import the standard library and what is listed.

The forbidden contract needs every package named that must stay out; for programs that ship alone, such as the agent,
what is not listed is forbidden, also what nobody has thought of yet.
"""

from __future__ import annotations

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """Holds when every direct import of `source_modules` is theirs, allowed, or of the standard library.

    `allowed_modules` are taken with all that is below them; their own imports are not followed, give them a contract.
    `optional_modules` may import anything, since whoever imports them does without when that fails.
    """

    type_name = "only"

    source_modules = fields.SetField(subfield=fields.StringField())
    allowed_modules = fields.SetField(subfield=fields.StringField(), required=False)
    optional_modules = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Compares each direct import with the list."""
        sources = sorted(self.source_modules)
        missing = [source for source in sources if source not in graph.modules]
        allowed = {*sources, *(self.allowed_modules or ())}
        found = []
        for source in sources:
            if source in missing:
                continue
            for module in sorted(({source} | graph.find_descendants(source)) - (self.optional_modules or set())):
                found += [
                    (module, imported)
                    for imported in sorted(graph.find_modules_directly_imported_by(module))
                    if imported.split(".")[0] not in sys.stdlib_module_names
                    and not any(imported == one or imported.startswith(f"{one}.") for one in allowed)
                ]
        return ContractCheck(kept=not found and not missing, metadata={"found": found, "missing": missing})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Says which module imports what it may not."""
        for module in check.metadata["missing"]:
            output.print_error(f"- there is no module {module}")
        for module, imported in check.metadata["found"]:
            output.print_error(f"- {module} imports {imported}")

"""`lock`: the only verb that asks the package index; writes builder.lock whole, or not at all."""

import difflib
import sys

from builder import lockfile
from builder.commands.inputs import matrix_and_cells, root
from builder.errors import StaleError
from builder.host import load_site
from builder.names import cell, closure
from builder.options import Options
from builder.resolve import resolve_all


def run(options: Options) -> int:
    """Resolve the selected rows, keep the others, and write or compare."""
    matrix, cells = matrix_and_cells(options, listing=True)
    file = root(options) / "builder.lock"
    before = file.read_text("utf-8") if file.exists() else ""
    known = lockfile.load(file) if before else {}
    rows = {closure(spec) for spec in matrix.cells}
    found = {name: kept for name, kept in known.items() if name in rows}
    for spec, resolved in resolve_all(cells, load_site(options.site)):
        print(f"{cell(spec)}: {len(resolved.distributions)} distributions", file=sys.stderr)
        found[closure(spec)] = resolved
    after = lockfile.dump(found)
    if options.check and after != before:
        sys.stdout.writelines(
            difflib.unified_diff(
                before.splitlines(keepends=True), after.splitlines(keepends=True), "builder.lock", "index"
            )
        )
        raise StaleError("builder.lock is not what the index gives today", hint=lockfile.LOCK)
    if not options.check:
        scratch = file.with_suffix(".lock.new")
        scratch.write_text(after, "utf-8")
        scratch.replace(file)
    return 0

"""`lock`: the only verb that asks the package index; writes builder.lock whole, or not at all."""

import difflib
import sys
from pathlib import Path

from builder import coverage, lockfile
from builder.collect import collect
from builder.commands.inputs import matrix_and_cells, root
from builder.errors import StaleError
from builder.host import load_site
from builder.lockfile import Lock
from builder.matrix import Matrix
from builder.names import cell, closure
from builder.options import Options
from builder.resolve import Wishes, resolve_all
from builder.site import Site
from builder.spec import ImageSpec


def run(options: Options) -> int:
    """Resolve the selected rows, keep the others, and write or compare."""
    matrix, cells = matrix_and_cells(options, listing=True)
    file, site = root(options) / "builder.lock", load_site(options.site)
    before = file.read_text("utf-8") if file.exists() else ""
    known = lockfile.load(file) if before else Lock(closures={})
    found = locked(matrix, cells, known, Wishes(upgrade=options.upgrade, until=options.exclude_newer), site)
    after = lockfile.dump(found)
    print_uncovered(cells, found, bootstrapped=site.base == "bootstrap")
    if options.check:
        compare(before, after)
    else:
        write(file, after)
    return 0


def locked(matrix: Matrix, cells: tuple[ImageSpec, ...], known: Lock, wishes: Wishes, site: Site) -> Lock:
    """The known lock with the closures of these cells as the index answers them, and what everything in it requires."""
    rows = {closure(spec) for spec in matrix.cells}
    closures = {name: kept for name, kept in known.closures.items() if name in rows}
    for spec, resolved in resolve_all(cells, site, known.closures, wishes):
        print(f"{cell(spec)}: {len(resolved.distributions)} distributions", file=sys.stderr)
        closures[closure(spec)] = resolved
    found = Lock(closures=closures, requirements=known.requirements)
    return Lock(closures=closures, requirements=collect(found, matrix.cells, site))


def print_uncovered(cells: tuple[ImageSpec, ...], found: Lock, *, bootstrapped: bool) -> None:
    """What the lock does not fix, for people; equal rows together."""
    for left, specs in coverage.report(cells, found, bootstrapped=bootstrapped).items():
        print("not fixed by builder.lock in " + ", ".join(map(cell, specs)) + ":", file=sys.stderr)
        for sentence in left:
            print(f"  {sentence}", file=sys.stderr)


def compare(before: str, after: str) -> None:
    """Print the difference; raises StaleError when there is one."""
    if before != after:
        old, new = (text.splitlines(keepends=True) for text in (before, after))
        sys.stdout.writelines(difflib.unified_diff(old, new, "builder.lock", "index"))
        raise StaleError("builder.lock is not what the index gives today", hint=lockfile.LOCK)


def write(file: Path, text: str) -> None:
    scratch = file.with_suffix(".lock.new")
    scratch.write_text(text, "utf-8")
    scratch.replace(file)

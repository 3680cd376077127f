"""`lock`: asks the package index and the mirrors what there is today, and writes builder.lock.

The closures of a site's CPU wheels go to a file of their own. Each file is written whole, or not at all.
"""

import difflib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from builder.commands.common.inputs import matrix_and_cells, root
from builder.commands.flags.lock import LockOptions
from builder.dependencies import apt_resolve, conda_packages, debian_packages, lock_coverage, lockfile
from builder.dependencies.collect_metadata import collect
from builder.dependencies.debian_packages import KEYWORDS, Recorded
from builder.dependencies.lockfile import Closure, Lock
from builder.dependencies.resolve import Wishes, resolve_all
from builder.errors import BuilderError, StaleError
from builder.host.files import write_whole
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.matrix.load import Matrix
from builder.matrix.names import cell, closure
from builder.matrix.spec import ImageSpec, Platform


def run(options: LockOptions) -> int:
    """Resolve the selected cells on every platform, keep the others, and write or compare. Returns 0."""
    matrix, cells = matrix_and_cells(options)
    site = load_site(options.site)
    known = known_of(root(options), cpu_wheels=site.pip_cpu_index_url is not None)
    if options.conda_list:
        packages = conda_packages.explicit(options.conda_list)
        known = replace(known, conda={**known.conda, conda_packages.python_of(packages): packages})
    found = locked(matrix, cells, known, Wishes(upgrade=options.upgrade, until=options.exclude_newer), site)
    print_uncovered(cells, found, bootstrapped=site.base == "bootstrap")
    ours, theirs = lockfile.parted(found)
    store(root(options) / lockfile.NAME, ours, check=options.check)
    if theirs.closures:
        store(root(options) / lockfile.NAME_OF_CPU_WHEELS, theirs, check=options.check)
    return 0


def known_of(directory: Path, *, cpu_wheels: bool) -> Lock:
    """What is locked already; an empty file is as good as none."""
    if not text_of(directory / lockfile.NAME):
        return Lock(closures={})
    return lockfile.load_from(directory) if cpu_wheels else lockfile.load(directory / lockfile.NAME)


def store(file: Path, lock: Lock, *, check: bool) -> None:
    """Write the lock, or compare it with what is there; raises StaleError when they differ."""
    after = lockfile.dump(lock)
    if check:
        compare(text_of(file), after)
    else:
        write_whole(file, after)


def text_of(file: Path) -> str:
    return file.read_text("utf-8") if file.exists() else ""


def locked(matrix: Matrix, cells: tuple[ImageSpec, ...], known: Lock, wishes: Wishes, site: Site) -> Lock:
    """The known lock, with today's closures of the cells, and the requirements of everything in it."""
    rows = {name for spec in matrix.cells for name in (cell(spec), closure(spec))}
    closures = {name: kept for name, kept in known.closures.items() if name in rows}
    for spec, resolved in resolve_all(asking(cells, known, wishes), site, known.closures, wishes):
        print(f"{cell(spec)}: {len(resolved.distributions)} distributions", file=sys.stderr)
        closures[closure(spec)] = resolved
    found = Lock(closures=closures, requirements=known.requirements)
    packages = recorded(matrix.cells, cells, known.apt, wishes, site)
    return Lock(
        closures=closures,
        requirements=collect(found, matrix.cells, site),
        conda=of_conda(matrix.cells, known.conda, site),
        apt=packages,
    )


def of_conda(rows: Iterable[ImageSpec], known: conda_packages.Recorded, site: Site) -> conda_packages.Recorded:
    """Conda's packages of these rows: the known ones, with the sha256 of each that the site's directories hold."""
    needed = {conda_packages.question(spec) for spec in rows}
    directories = [*site.find_links, *filter(None, [site.wheelhouse])]
    return {name: conda_packages.with_sha256(kept, directories) for name, kept in known.items() if name in needed}


def asking(cells: tuple[ImageSpec, ...], known: Lock, wishes: Wishes) -> Iterable[ImageSpec]:
    """The cells to resolve. With `--upgrade apt` or `--upgrade base` alone only those that are not locked yet."""
    if not wishes.upgrade or not set(wishes.upgrade) <= set(KEYWORDS):
        return cells
    empty = Closure(asked="", distributions=())
    return (spec for spec in cells if known.closures.get(closure(spec), empty).asked != lockfile.asked(spec))


def recorded(
    rows: Iterable[ImageSpec],
    cells: Iterable[ImageSpec],
    known: Mapping[str, Recorded],
    wishes: Wishes,
    site: Site,
) -> dict[str, Recorded]:
    """The Debian packages by platform. The mirror is asked for those that are not known or shall move."""
    needed, selected = debian_packages.questions(rows), debian_packages.questions(cells)
    platforms = {spec.platform.name: spec.platform for spec in cells}
    found = {}
    for name, asked in needed.items():
        kept = known.get(name, Recorded())
        kept = replace(kept, lists={one: versions for one, versions in kept.lists.items() if one in asked})
        if name in selected:
            kept = asked_for(platforms[name], selected[name], kept, wishes, site)
        if kept.lists:
            found[name] = kept
    return found


def asked_for(platform: Platform, asked: set[str], kept: Recorded, wishes: Wishes, site: Site) -> Recorded:
    """The Debian packages of one platform. Without an answer of the mirror they stay as they are.

    Raises BuilderError when `--upgrade` names them.
    """
    base = debian_packages.base_question(platform)
    moving = (asked - {base} if "apt" in wishes.upgrade else set()) | ({base} if "base" in wishes.upgrade else set())
    wanted = moving | (asked - kept.lists.keys())
    if not wanted or platform.bootstrap is None:
        return kept
    print(f"{platform.name}: asking its mirror what {len(wanted)} lists of packages install", file=sys.stderr)
    try:
        today = apt_resolve.record(platform.bootstrap.suite, wanted, base, site)
    except BuilderError as error:
        if moving:
            raise
        print(f"{platform.name}: its packages are not recorded: {error.message}", file=sys.stderr)
        return kept
    new = {one: versions for one, versions in today.lists.items() if one in wanted}
    fresh = base in wanted or not kept.archives
    return Recorded(archives=today.archives if fresh else kept.archives, lists={**kept.lists, **new})


def print_uncovered(cells: tuple[ImageSpec, ...], found: Lock, *, bootstrapped: bool) -> None:
    """Print on stderr what the lock does not fix; cells with the same gaps share an entry."""
    for left, specs in lock_coverage.report(cells, found, bootstrapped=bootstrapped).items():
        print("not fixed by builder.lock in " + ", ".join(map(cell, specs)) + ":", file=sys.stderr)
        for sentence in left:
            print(f"  {sentence}", file=sys.stderr)


def compare(before: str, after: str) -> None:
    """Print the difference of two texts of the lock; raises StaleError when there is one."""
    if before != after:
        old, new = (text.splitlines(keepends=True) for text in (before, after))
        sys.stdout.writelines(difflib.unified_diff(old, new, "builder.lock", "index"))
        raise StaleError("builder.lock is not what the index gives today", hint=lockfile.LOCK)

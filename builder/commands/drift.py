"""`drift`: finds what changed in the world since builder.lock was written; exits with 3 when something did."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from builder.commands.common.inputs import matrix_and_cells, root, site_of
from builder.commands.common.output import document
from builder.commands.flags.nightly import DriftOptions
from builder.dependencies import lockfile, upstream
from builder.dependencies.drift import Drift, arranged, issue, moved, vanished
from builder.dependencies.lockfile import Closure
from builder.dependencies.resolve import Wishes, resolve_all
from builder.errors import BuilderError, RegistryError
from builder.host.files import write_whole
from builder.host.site import Site
from builder.matrix.load import Matrix
from builder.matrix.names import closure
from builder.matrix.reference import Registry, parse_registry
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import by_repository, orphans
from builder.registry import manifests
from builder.registry.connection import linked

STALE = 3


def run(options: DriftOptions) -> int:
    """Print what drifted in the selected cells on every platform; returns 3 when something did, else 0."""
    matrix, cells = matrix_and_cells(options)
    site, lock = site_of(options), lockfile.load_from(root(options))
    wanted = {closure(spec) for spec in cells}
    closures = {name: locked for name, locked in lock.closures.items() if name in wanted}
    tags = orphaned(options, matrix, site)
    conda = upstream.conda(cells, lock.conda, site)
    drifts = arranged([*upstream.mirrors(cells, lock.apt, site), *conda, *found(cells, closures, site), *tags])
    if options.issue:
        write_whole(options.issue, issue(drifts))
    if options.format == "github":
        print(document([{"name": name} for name in names_of(drifts)], "images", options.format))
    elif drifts or options.format != "table":
        print(document([row(drift, options) for drift in drifts], "drifts", options.format))
    print(f"{len(drifts)} changes since builder.lock was written", file=sys.stderr)
    return STALE if drifts else 0


def names_of(drifts: Sequence[Drift]) -> list[str]:
    """The cells that something drifted in."""
    return sorted({name for drift in drifts for name in drift.cells})


def found(cells: Sequence[ImageSpec], closures: dict[str, Closure], site: Site) -> Iterator[Drift]:
    """Everything that drifted in sources, keys and packages. An index that does not answer is one drift."""
    yield from upstream.sources(cells, site)
    yield from upstream.keys(cells, site, time.time())
    try:
        projects = {one.name for each in closures.values() for one in each.distributions}
        gone = tuple(vanished(closures, upstream.offered(projects, site)))
        broken = {name for drift in gone for name in drift.cells}
        whole = {name: closure for name, closure in closures.items() if name not in broken}
        yield from (*gone, *newer(cells, whole, site))
    except BuilderError as error:
        names = tuple(closures)
        yield Drift(
            kind="source unreachable", subject="package index", before="answered", after=error.message, cells=names
        )


def orphaned(options: DriftOptions, matrix: Matrix, site: Site) -> Iterator[Drift]:
    """The tags in the registries of `--registry` that no row of the whole matrix has any more.

    A registry that does not say its tags is one drift.
    """
    for target in dict.fromkeys(map(parse_registry, options.registries)):
        try:
            yield from orphaned_at(target, options, matrix, site)
        except RegistryError as error:
            after = error.message
            yield Drift(kind="source unreachable", subject=str(target), before="answered", after=after, cells=())


def orphaned_at(target: Registry, options: DriftOptions, matrix: Matrix, site: Site) -> Iterator[Drift]:
    """The same of one registry; raises RegistryError."""
    with linked(site, target.host) as connection:
        for repository, cells in by_repository(matrix.cells, options.repository).items():
            name = target.reference(repository)
            for tag in orphans(manifests.tags(connection, name.repository), cells):
                subject = f"{name}:{tag}"
                yield Drift(kind="tag orphaned", subject=subject, before="of a row", after="of no row", cells=())


def newer(cells: Sequence[ImageSpec], closures: dict[str, Closure], site: Site) -> Iterator[Drift]:
    """The packages to which the locked cells could move today."""
    locked = [spec for spec in cells if closure(spec) in closures]
    today = resolve_all(locked, site, closures, Wishes(upgrade=("*",)))
    return moved(closures, {closure(spec): found for spec, found in today})


def row(drift: Drift, options: DriftOptions) -> dict[str, object]:
    """One line of the table, or one entry of the document."""
    found = asdict(drift)
    cells = found.pop("cells")
    return {**found, "images": len(cells) if options.format == "table" else list(cells)}

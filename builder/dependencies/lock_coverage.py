"""What builder.lock does not fix, cell by cell: it may differ between two builds of the same lock."""

from collections.abc import Iterable, Iterator

from builder.dependencies import conda_packages, debian_packages
from builder.dependencies.lockfile import Lock, key
from builder.matrix.names import cell, closure
from builder.matrix.spec import ImageSpec


def uncovered(spec: ImageSpec, lock: Lock, *, bootstrapped: bool) -> Iterator[str]:
    """A sentence for each thing that the lock does not fix: what, why, and what would fix it."""
    yield from of_packages(spec, lock)
    if unseen := [one.name for one in conda_packages.of(spec, lock.conda) if not one.sha256]:
        yield (
            f"conda: {', '.join(unseen)}: known by their md5 only, and never asked of their channel; "
            "python -m builder fetch --to DIR fetches them, and with wheelhouse: DIR in site.yaml, python -m builder "
            "lock records their sha256"
        )
    if bootstrapped and spec.platform.bootstrap:
        yield (
            f"base: it is bootstrapped from what its mirror has on that day{state(spec, lock)}; "
            "python -m builder lock --upgrade base records today's"
        )
    yield from of_distributions(spec, lock)


def of_packages(spec: ImageSpec, lock: Lock) -> Iterator[str]:
    """What apt installs. It is recorded where the mirror is known, and fixed only by `name=version`."""
    packages = dict.fromkeys((*spec.packages.build, *spec.packages.runtime))
    free = sorted(name for name in packages if "=" not in name or "*" in name)
    names = f": {', '.join(free)}" if free else ""
    named = f"apt: {len(free)} of {len(packages)} packages have no whole version, and what all depend on has none"
    recorded = debian_packages.runtime(spec, lock.apt)
    if not packages:
        return
    if recorded:
        yield (
            f"{named}: their mirror decides on that day; {len(recorded)} versions are recorded to compare with, "
            "python -m builder lock --upgrade apt records today's"
        )
    elif spec.platform.bootstrap:
        yield f"{named}: no mirror has been asked, python -m builder lock --upgrade apt does{names}"
    else:
        yield (
            f"{named}{names}: their mirror decides on that day, and is known only inside the base of "
            f"{spec.platform.name}; NAME=VERSION in the matrix fixes one, then python -m builder render"
        )


def state(spec: ImageSpec, lock: Lock) -> str:
    """The days of the archives that are recorded."""
    archives = lock.apt[spec.platform.name].archives if spec.platform.name in lock.apt else {}
    days = ", ".join(f"{suite} of {text.partition(' ')[0]}" for suite, text in archives.items())
    return f"; recorded: {days}" if days else ""


def of_distributions(spec: ImageSpec, lock: Lock) -> Iterator[str]:
    if closure(spec) not in lock.closures:
        yield f"Python: every package, as the row is not locked; python -m builder lock --only '{cell(spec)}'"
        return
    found = lock.closures[closure(spec)].distributions
    if sdists := [d.name for d in found if not d.file.endswith(".whl")]:
        yield (
            f"Python: the wheels of {', '.join(sdists)}: only their source is fixed, they are compiled in the build; "
            "a wheel in a find-links directory of the site, then python -m builder lock --upgrade NAME"
        )
    if silent := [d.name for d in found if key(d.name, d.version) not in lock.requirements]:
        yield f"Python: what {', '.join(silent)} requires: its source does not say; only a wheel of it does"


def report(cells: Iterable[ImageSpec], lock: Lock, *, bootstrapped: bool) -> dict[tuple[str, ...], list[ImageSpec]]:
    """The sentences of `uncovered`, each with the cells it holds for."""
    grouped: dict[tuple[str, ...], list[ImageSpec]] = {}
    for spec in cells:
        if left := tuple(uncovered(spec, lock, bootstrapped=bootstrapped)):
            grouped.setdefault(left, []).append(spec)
    return grouped

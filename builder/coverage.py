"""What builder.lock does not fix, row by row: whatever may differ between two builds of the same lock."""

from collections.abc import Iterable, Iterator

from builder import ospackages
from builder.lockfile import Lock, key
from builder.names import closure
from builder.spec import ImageSpec


def uncovered(spec: ImageSpec, lock: Lock, *, bootstrapped: bool) -> Iterator[str]:
    """One sentence for each thing of the cell that the lock does not fix."""
    yield from of_packages(spec, lock)
    if spec.pin("miniconda"):
        yield f"conda's own choice of packages beside python {spec.value('python')}"
    if bootstrapped and spec.platform.bootstrap:
        yield f"the base, which is bootstrapped from what its mirror has on that day{state(spec, lock)}"
    yield from of_distributions(spec, lock)


def of_packages(spec: ImageSpec, lock: Lock) -> Iterator[str]:
    """What apt installs: recorded where the mirror of the platform is known, and fixed only by `name=version`."""
    packages = dict.fromkeys((*spec.packages.build, *spec.packages.runtime))
    free = sorted(name.partition("=")[0] for name in packages if "=" not in name or "*" in name)
    found = ospackages.runtime(spec, lock.apt)
    if found:
        yield f"what apt installs: its mirror decides on that day; {len(found)} versions are recorded to compare with"
    elif free:
        yield f"the versions of {len(free)} apt packages: {', '.join(free)}"


def state(spec: ImageSpec, lock: Lock) -> str:
    """The days of the archives that are recorded."""
    archives = lock.apt[spec.platform.name].archives if spec.platform.name in lock.apt else {}
    days = ", ".join(f"{suite} of {text.partition(' ')[0]}" for suite, text in archives.items())
    return f"; recorded: {days}" if days else ""


def of_distributions(spec: ImageSpec, lock: Lock) -> Iterator[str]:
    found = lock.closures[closure(spec)].distributions if closure(spec) in lock.closures else ()
    if sdists := [d.name for d in found if not d.file.endswith(".whl")]:
        yield f"the wheels compiled from source: {', '.join(sdists)}"
    if silent := [d.name for d in found if key(d.name, d.version) not in lock.requirements]:
        yield f"the requirements of what does not state them: {', '.join(silent)}"


def report(cells: Iterable[ImageSpec], lock: Lock, *, bootstrapped: bool) -> dict[tuple[str, ...], list[ImageSpec]]:
    """The cells by what the lock does not fix of them."""
    grouped: dict[tuple[str, ...], list[ImageSpec]] = {}
    for spec in cells:
        if left := tuple(uncovered(spec, lock, bootstrapped=bootstrapped)):
            grouped.setdefault(left, []).append(spec)
    return grouped

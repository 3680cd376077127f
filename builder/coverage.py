"""What builder.lock does not fix, row by row: whatever may differ between two builds of the same lock."""

from collections.abc import Iterable, Iterator

from builder.lockfile import Lock, key
from builder.names import closure
from builder.spec import ImageSpec


def uncovered(spec: ImageSpec, lock: Lock, *, bootstrapped: bool) -> Iterator[str]:
    """One sentence for each thing of the cell that the lock does not fix."""
    packages = dict.fromkeys((*spec.packages.build, *spec.packages.runtime))
    if free := [name.partition("=")[0] for name in packages if "=" not in name or "*" in name]:
        yield f"the versions of {len(free)} apt packages: {', '.join(sorted(free))}"
    if spec.pin("miniconda"):
        yield f"conda's own choice of packages beside python {spec.value('python')}"
    if bootstrapped and spec.platform.bootstrap:
        yield "the base, which is bootstrapped: the state its Debian mirror is in on that day"
    yield from of_distributions(spec, lock)


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

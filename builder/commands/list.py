"""`list`: the selected cells as a table, with deviations from the documented pins, and what was really verified."""

from typing import Any

from builder.build.recorded import RENDERED, Recorded, recorded
from builder.build.records import NOT_PROVED
from builder.catalogue.image_info import recorded_document
from builder.commands.common.inputs import lock_if_any, matrix_and_cells, root, say_what_is_hidden
from builder.commands.common.output import document
from builder.commands.options import Options
from builder.dependencies import cuda_wheels, known_breaks, lock_coverage
from builder.dependencies.lockfile import Lock
from builder.host.site_discovery import load_site
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec, Pin

COLUMNS = ("torch", "torchvision", "python", "cuda", "cudnn", "nccl", "openmpi", "horovod")


def run(options: Options) -> int:
    """Print the selected cells, and how many cells other platforms have; returns 0."""
    matrix, cells = matrix_and_cells(options)
    known, lock = recorded(root(options), cells), lock_if_any(options)
    cuda = cuda_wheels.cuda_of(matrix.cells, lock)
    if options.format == "table":
        rows = [short(spec, known.get(cell(spec)), cuda.get(cell(spec))) for spec in cells]
        print(document(rows, "images", "table"))
        if any(cell(spec) in cuda for spec in cells):
            print(f"\ntorch with CUDA: {cuda_wheels.MEANING}")
        if any(one.record.status == "rehearsed" for one in known.values()):
            print(f"\nrehearsed: {NOT_PROVED}")
        print_deviations(cells)
        if options.verbose:
            print_pins(options, cells, lock)
    else:
        left = uncovered(options, cells, lock)
        rows = [
            {
                **full(spec, known.get(cell(spec))),
                "cuda-in-cpu-torch": cuda.get(cell(spec)),
                "not-fixed": left[cell(spec)],
            }
            for spec in cells
        ]
        print(document(rows, "images", options.format))
    say_what_is_hidden(matrix, options)
    return 0


def uncovered(options: Options, cells: tuple[ImageSpec, ...], lock: Lock) -> dict[str, list[str]]:
    """Sentences on what builder.lock does not fix, by cell."""
    bootstrapped = load_site(options.site).base == "bootstrap"
    return {cell(spec): list(lock_coverage.uncovered(spec, lock, bootstrapped=bootstrapped)) for spec in cells}


def short(spec: ImageSpec, recorded: Recorded | None, cuda: str | None) -> dict[str, Any]:
    """One line of the table. `*` marks a value that differs from the documented one."""
    default = "default" if spec.is_default_platform else ""
    shown = {name: mark(spec.pin(name)) for name in COLUMNS}
    status = f"{recorded or RENDERED}{cuda_wheels.words(cuda)}"
    return {"name": cell(spec), "platform": default, **shown, "status": status}


def mark(pin: Pin | None) -> str:
    if pin is None:
        return "-"
    return f"{pin.value}*" if pin.documented else pin.value


def print_deviations(cells: tuple[ImageSpec, ...]) -> None:
    """Print each value with a star: what was documented, why it is not used, and in which releases."""
    rows: dict[str, dict[str, None]] = {}
    for spec in cells:
        for pin in spec.pins:
            if pin.documented:
                what = f"{pin.name} {pin.value}, documented {pin.documented}: {pin.reason}"
                rows.setdefault(what, {})[f"{spec.version} on {spec.platform.name}"] = None
    if rows:
        print("\n* not the documented value:")
    for what, where in rows.items():
        print(f"  {what} ({ranges(list(where))})")


def print_pins(options: Options, cells: tuple[ImageSpec, ...], lock: Lock) -> None:
    """Print every pin of each cell, the driver it needs, and what builder.lock does not fix."""
    rules, left = known_breaks.load(), uncovered(options, cells, lock)
    for spec in cells:
        print(f"\n{cell(spec)}: " + ", ".join(f"{pin.name} {pin.value}" for pin in spec.pins))
        print(driver(spec, rules), end="")
        for sentence in left[cell(spec)]:
            print(f"  not fixed by builder.lock: {sentence}")


def driver(spec: ImageSpec, rules: known_breaks.Rules) -> str:
    """A line with the oldest NVIDIA driver for the cell's CUDA; empty where that is not known."""
    cuda = (spec.pin("torch-cuda") or spec.pin("cuda")) if spec.device == "gpu" else None
    oldest = rules.driver(cuda.value) if cuda else None
    return f"  needs an NVIDIA driver of {oldest} or newer, for CUDA {cuda.value}\n" if cuda and oldest else ""


def ranges(rows: list[str]) -> str:
    """The releases by platform: `1.0.0, 1.1.0 on debian12`."""
    platforms: dict[str, list[str]] = {}
    for row in rows:
        version, _, platform = row.partition(" on ")
        platforms.setdefault(platform, []).append(version)
    versions: dict[str, list[str]] = {}
    for platform, found in platforms.items():
        versions.setdefault(", ".join(found), []).append(platform)
    return "; ".join(f"{found} on {' and '.join(where)}" for found, where in versions.items())


def full(spec: ImageSpec, recorded: Recorded | None) -> dict[str, Any]:
    """The whole cell, for programs."""
    return {
        "name": cell(spec),
        "framework": spec.framework,
        "version": spec.version,
        "device": spec.device,
        "platform": spec.platform.name,
        "default-platform": spec.is_default_platform,
        "default-version": spec.is_default_version,
        "status": str(recorded or RENDERED),
        "recorded": recorded_document(recorded) if recorded else None,
        "pins": {pin.name: pin.document() for pin in spec.pins},
    }

"""`validate`: finds every mistake of the matrix in one run, without Docker and without a network."""

import sys

from builder.build import render as rendering
from builder.commands.common.inputs import matrix_and_cells, pinned, root
from builder.commands.flags.validate import ValidateOptions
from builder.dependencies import known_breaks, lockfile
from builder.dependencies.conflicts import Conflict, accepted, as_documented, conflicts, of
from builder.errors import InputError
from builder.matrix.spec import ImageSpec


def run(options: ValidateOptions) -> int:
    """Load, judge, pin and render the selected cells on every platform; returns 0, or raises InputError."""
    _, cells = matrix_and_cells(options)
    if options.as_documented:
        differing = (spec for spec in cells if any(pin.documented for pin in spec.pins))
        return run_as_documented(options, tuple(map(as_documented, differing)))
    warnings = judge(options, cells)
    jinja = rendering.environment(root(options) / "templates")
    for image in pinned(options, cells):
        rendering.render(image, jinja)
    pins = sum(len(spec.pins) for spec in cells)
    print(f"{len(cells)} images, {pins} pins, each asserted by a check, {warnings}: {options.matrix} is valid")
    return 0


def run_as_documented(options: ValidateOptions, cells: tuple[ImageSpec, ...]) -> int:
    """Judge the cells with the documented versions, and print those that can be installed."""
    found = find(options, cells)
    for row in accepted(cells, found):
        print(f"{row} can be installed as documented")
    refuse(found)
    return 0


def judge(options: ValidateOptions, cells: tuple[ImageSpec, ...]) -> str:
    """Count the warnings. `--verbose` prints them and the notes. Raises InputError with every real conflict."""
    found = find(options, cells)
    refuse(found)
    lesser = [*of(found, "warning"), *of(found, "note")]
    for one in lesser if options.verbose else ():
        print(f"{one.severity}: {one}", file=sys.stderr)
    return f"no conflict, {len(list(of(found, 'warning')))} warnings (-v)"


def find(options: ValidateOptions, cells: tuple[ImageSpec, ...]) -> tuple[Conflict, ...]:
    return conflicts(cells, lockfile.load(root(options) / "builder.lock"), known_breaks.load())


def refuse(found: tuple[Conflict, ...]) -> None:
    if errors := tuple(map(str, of(found, "error"))):
        raise InputError(errors, hint="change the pin as said, then: python -m builder lock")

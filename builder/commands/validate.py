"""`validate`: finds every mistake of the matrix in one run, without Docker and without a network."""

import sys
from pathlib import Path

from builder.build import render as rendering
from builder.build.recorded import recorded
from builder.build.records import FILE, RECORD
from builder.build.records import load as load_records
from builder.commands.common.inputs import matrix_and_cells, root
from builder.commands.flags.validate import ValidateOptions
from builder.dependencies import known_breaks, lockfile
from builder.dependencies.conflicts import Conflict, accepted, as_documented, conflicts, of
from builder.dependencies.lockfile import Lock
from builder.errors import InputError
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec
from builder.verify.run_checks import shows_that_it_works

FIRST_CHECK = '''
from builder.verify.checks.plugin import Python


def test_it_computes(python: Python) -> None:
    assert python("import MODULE; print(MODULE.something())").strip() == "what it should be"'''


def run(options: ValidateOptions) -> int:
    """Load, judge, pin and render the selected cells on every platform; returns 0, or raises InputError."""
    matrix, cells = matrix_and_cells(options)
    if options.as_documented:
        differing = (spec for spec in cells if any(pin.documented for pin in spec.pins))
        return run_as_documented(options, tuple(map(as_documented, differing)))
    refuse_unchecked(root(options) / "templates", cells)
    lock = lockfile.load_from(root(options))
    warnings = judge(options, cells, lock)
    jinja = rendering.environment(root(options) / "templates")
    for image in lockfile.pin_all(cells, lock):
        rendering.render(image, jinja)
    judge_records(options, matrix.cells)
    pins = sum(len(spec.pins) for spec in cells)
    print(f"{len(cells)} cells, {pins} pins, each asserted by a check, {warnings}: {options.matrix} is valid")
    return 0


def run_as_documented(options: ValidateOptions, cells: tuple[ImageSpec, ...]) -> int:
    """Judge the cells with the documented versions, and print those that can be installed."""
    found = conflicts(cells, lockfile.load_from(root(options)), known_breaks.load())
    for row in accepted(cells, found):
        print(f"{row} can be installed as documented")
    refuse(found)
    return 0


def judge(options: ValidateOptions, cells: tuple[ImageSpec, ...], lock: Lock) -> str:
    """Count the warnings. `--verbose` prints them and the notes. Raises InputError with every real conflict."""
    found = conflicts(cells, lock, known_breaks.load())
    refuse(found)
    lesser = [*of(found, "warning"), *of(found, "note")]
    for one in lesser if options.verbose else ():
        print(f"{one.severity}: {one}", file=sys.stderr)
    return f"no conflict, {len(list(of(found, 'warning')))} warnings (-v)"


def judge_records(options: ValidateOptions, cells: tuple[ImageSpec, ...]) -> None:
    """Say which records are not of today, and no mistake; raises InputError when one is of no cell."""
    load_records(root(options) / FILE, set(map(cell, cells)))
    stale: dict[str, list[str]] = {}
    for name, one in recorded(root(options), cells).items():
        stale.setdefault(one.note, []).append(name)
    for note in sorted(stale.keys() - {""}):
        names = f": {', '.join(stale[note])}" if options.verbose else " (-v)"
        print(f"note: {len(stale[note])} records {note}{names}; after `build`: {RECORD}", file=sys.stderr)


def refuse_unchecked(templates: Path, cells: tuple[ImageSpec, ...]) -> None:
    """Raise InputError for each framework that no check of its own shows to work."""
    names = dict.fromkeys(spec.framework for spec in cells)
    without = [name for name in names if not shows_that_it_works(templates, name)]
    if without:
        file = templates / without[0] / f"test_{without[0].replace('-', '_')}.py"
        raise InputError(
            [f"{name}: no check of its own shows that it works in its image" for name in without],
            hint=f"write {file}, for example:\n{FIRST_CHECK}",
        )


def refuse(found: tuple[Conflict, ...]) -> None:
    if errors := tuple(map(str, of(found, "error"))):
        raise InputError(errors, hint="change the pin as said, then: python -m builder lock")

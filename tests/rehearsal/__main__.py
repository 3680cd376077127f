"""`python -m tests.rehearsal [--given DIR] ROW...`: builds and verifies rows of the documented platform on stand-ins.

What is compiled and packed is kept in the cache, so that a second row takes minutes. ROW is a cell such as
`pytorch/1.6.0-cpu-ubuntu16.04`, or a pattern of cells.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from builder.build.records import RECORD
from builder.errors import BuilderError, InputError, told
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.rehearsal import REPOSITORY
from builder.matrix.yaml_positions import near
from tests.rehearsal import sources, world
from tests.rehearsal.stand_ins import ROOT, cache_of, stand_ins


def main() -> int:
    """Make what is missing, then build; returns the exit code of the first verb that failed, else 0."""
    options = arguments()
    assert_rows(options.rows)
    found = stand_ins(options.given)
    matrix = world.write(ROOT, found, cache_of(options.given) / "world")
    only = [f"--only={row}" for row in options.rows]
    files = [f"--matrix={matrix}", f"--site={matrix.with_name('site.yaml')}"]
    built = ["build", f"--repository={REPOSITORY}", "--keep-going", *options.rest, *only, *files]
    verbs = [["render", *only, files[0]], built]
    if options.twice:
        verbs.append(["reproduce", *options.rows, *files])
    with world.served(found):
        code = next((code for words in verbs if (code := builder(*words))), 0)
    if not code:
        print(f"passed; to write that down: {RECORD} {' '.join(only)}", file=sys.stderr)
    return code


def assert_rows(rows: Sequence[str]) -> None:
    """Raise InputError for each row that is none, before anything is made for it."""
    cells = [cell(spec) for spec in load(ROOT / "matrix.yaml").cells]
    unknown = [row for row in rows if not any(fnmatch(name, row) for name in cells)]
    if unknown:
        problems = [f"{row}: no such cell{near(row, cells)}" for row in unknown]
        raise InputError(problems, hint="python -m builder list --all-platforms")


def builder(*words: str) -> int:
    """Run a verb of this checkout; returns its exit code."""
    command = [sys.executable, "-m", "builder", *words]
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode


def arguments() -> argparse.Namespace:
    """The rows, and in `rest` the flags that `build` gets besides."""
    parser = argparse.ArgumentParser(prog="python -m tests.rehearsal", description=__doc__, allow_abbrev=False)
    pinned = "a directory with the pinned releases of what is compiled: " + str(sources.GIVEN)
    parser.add_argument("--given", type=Path, help=pinned)
    parser.add_argument("--twice", action="store_true", help="then build each cell twice from scratch, and compare")
    parser.add_argument("rows", nargs="+", metavar="ROW")
    parsed, rest = parser.parse_known_args()
    parsed.rest = rest
    return parsed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BuilderError as error:
        print(told(error), file=sys.stderr)
        sys.exit(error.exit_code)

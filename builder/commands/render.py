"""`render`: images/ from the matrix, the lock and the templates; `--check` and `--bake` change nothing."""

import sys
from dataclasses import replace

from builder.build import render as rendering
from builder.commands.common import bake_file
from builder.commands.common.inputs import matrix_and_cells, pinned, root
from builder.commands.flags.render import RenderOptions
from builder.commands.options import Options
from builder.errors import StaleError
from builder.matrix.names import cell, context
from builder.matrix.spec import ImageSpec


def run(options: RenderOptions) -> int:
    """Write or compare the selected contexts; directories of rows that are gone count as a difference."""
    if options.bake:
        return bake_file.run(replace(options, every_platform=False))
    matrix, cells = matrix_and_cells(options)
    jinja = rendering.environment(root(options) / "templates")
    changed = 0
    for image in pinned(options, cells):
        files = rendering.render(image, jinja)
        directory = root(options) / context(image.spec)
        difference = list(rendering.difference(files, directory, image.spec))
        changed += bool(difference)
        if difference and (options.check or options.dry_run):
            sys.stdout.writelines(difference)
        elif difference:
            rendering.write(files, directory)
    gone = orphans(options, matrix.cells)
    if options.check and (changed or gone):
        raise StaleError(
            f"{changed} images differ, {len(gone)} have no row: {' '.join(gone)}".rstrip(": "),
            hint="python -m builder render",
        )
    print(f"{len(cells)} images, {changed} {'would change' if options.dry_run else 'changed'}", file=sys.stderr)
    if gone:
        print(f"no row of the matrix has: {' '.join(gone)}: git rm -r them", file=sys.stderr)
    return 0


def orphans(options: Options, cells: tuple[ImageSpec, ...]) -> list[str]:
    """Contexts below images/ that no cell of the matrix owns."""
    images = root(options) / "images"
    found = {path.parent.relative_to(images).as_posix() for path in images.glob("*/*/Dockerfile")}
    return [f"images/{name}" for name in sorted(found - {cell(spec) for spec in cells})]

"""`validate`: every mistake of the matrix in one run, without Docker and without a network."""

from builder import render as rendering
from builder.commands.inputs import matrix_and_cells, pinned, root
from builder.options import Options


def run(options: Options) -> int:
    """Load, pin and render the selected cells, all of them unless some are selected."""
    _, cells = matrix_and_cells(options, listing=True)
    jinja = rendering.environment(root(options) / "templates")
    for image in pinned(options, cells):
        rendering.render(image, jinja)
    pins = sum(len(spec.pins) for spec in cells)
    print(f"{len(cells)} images, {pins} pins, each asserted by a check: {options.matrix} is valid")
    return 0

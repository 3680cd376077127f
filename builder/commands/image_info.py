"""`image-info`: one document about the selected images, for programs, the catalogue and `reference`."""

import sys

from builder.catalogue.image_info import dump
from builder.commands.common.image_source import infos
from builder.commands.common.inputs import matrix_and_cells, say_what_is_hidden
from builder.commands.flags.view import ViewOptions
from builder.host.files import write_whole


def run(options: ViewOptions) -> int:
    """Print or write the document. A cell without an image has an entry that says so. Returns 0."""
    matrix, cells = matrix_and_cells(options)
    found = infos(options, cells)
    text = dump(found)
    if options.output is None:
        print(text, end="")
    else:
        write_whole(options.output, text)
    count = sum(info.image is not None for info in found)
    where = options.registry or "this engine"
    print(f"{len(found)} cells; {where} has verified images of {count}", file=sys.stderr)
    say_what_is_hidden(matrix, options)
    return 0

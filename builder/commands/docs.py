"""`docs`: writes the catalogue as static pages, or the table in the README."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from builder.build.recorded import recorded
from builder.catalogue import image_info_file, readme_table
from builder.catalogue import pages as catalogue
from builder.catalogue.image_info import Info, info_of
from builder.commands.common.image_source import infos
from builder.commands.common.inputs import lock_if_any, matrix_and_cells, root, say_what_is_hidden
from builder.commands.common.output import say
from builder.commands.flags.view import DocsOptions
from builder.dependencies.cuda_wheels import cuda_of
from builder.errors import EngineError, InputError, StaleError
from builder.host.files import write_whole
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec

REFRESH = "python -m builder docs --readme"


def run(options: DocsOptions) -> int:
    """Write the catalogue to --output, or the README's table; returns 0."""
    if options.readme:
        return table(options)
    if options.output is None:
        raise InputError("docs: where to? --output DIR for the catalogue, --readme for the README's table")
    matrix, cells = matrix_and_cells(options)
    found = known(options, cells)
    past = [image_info_file.load(file) for file in options.since]
    files = catalogue.pages(found, past, cuda_of(matrix.cells, lock_if_any(options)))
    for name, text in files.items():
        write_whole(options.output / name, text)
    for stale in leftovers(options.output, files):
        stale.unlink()
    print(options.output / "index.html")
    print(f"{len(found)} images", file=sys.stderr)
    say_what_is_hidden(matrix, options)
    return 0


def known(options: DocsOptions, cells: Sequence[ImageSpec]) -> tuple[Info, ...]:
    """The images. When no engine answers and no other source is named, only what matrix and records say of them."""
    try:
        return infos(options, cells)
    except EngineError as error:
        say(f"{error.message} The pages say what the matrix and the records say.")
        known = recorded(root(options), cells)
        return tuple(info_of(spec, None, known.get(cell(spec))) for spec in cells)


def leftovers(directory: Path, files: catalogue.Files) -> list[Path]:
    """Our pages of images that are gone. A page without our mark is somebody else's, and stays."""
    pages = sorted((directory / "images").glob("*.html"))
    old = [path for path in pages if path.relative_to(directory).as_posix() not in files]
    return [path for path in old if catalogue.GENERATOR in path.read_text("utf-8", "replace")]


def table(options: DocsOptions) -> int:
    """Write or compare the README's table, which has every platform and no site's preference. Raises StaleError."""
    file = root(options) / "README.md"
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    cells = load(options.matrix).cells
    cuda = cuda_of(cells, lock_if_any(options))
    wanted = readme_table.with_table(text, cells, recorded(root(options), cells), cuda)
    if options.check and wanted != text:
        old, new = text.splitlines(keepends=True), wanted.splitlines(keepends=True)
        sys.stdout.writelines(difflib.unified_diff(old, new, "a/README.md", "b/README.md"))
        raise StaleError(f"{file}: its table is not what the matrix, the lock and the records say", hint=REFRESH)
    if wanted != text:
        write_whole(file, wanted)
    print(f"{file}: {'up to date' if wanted == text else 'written'}", file=sys.stderr)
    return 0

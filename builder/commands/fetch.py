"""`fetch`: downloads every locked file of the selected cells, so that they build without a package index."""

import sys
import tempfile
from pathlib import Path

from builder.commands.common.inputs import matrix_and_cells, pinned
from builder.commands.common.output import counted, document
from builder.commands.flags.fetch import FetchOptions
from builder.commands.options import Options
from builder.dependencies import wheelhouse
from builder.dependencies.download import algorithm
from builder.dependencies.wheelhouse import Item
from builder.errors import BuilderError, InputError, StaleError
from builder.host import mutex
from builder.host.cache import cache_directory
from builder.host.site_discovery import load_site


def run(options: FetchOptions) -> int:
    """Fill the directory of `--to`, or print what that of `--check` lacks; raises BuilderError."""
    _, cells = matrix_and_cells(options)
    wanted = wheelhouse.items(pinned(options, cells))
    if options.only_check:
        return check(options, wanted, options.only_check)
    return fill(options, wanted, options.to or Path())


def check(options: Options, wanted: tuple[Item, ...], directory: Path) -> int:
    """Print what is missing or corrupt; raises StaleError when something is."""
    found = wheelhouse.states(wanted, directory)
    rows = [
        {
            "name": item.name,
            "version": item.version,
            "file": item.file,
            "state": state,
            "checksum": f"{algorithm(item.checksum)}:{item.checksum}",
        }
        for item, state in found
        if state != "whole"
    ]
    if rows or options.format == "json":
        print(document(rows, "files", options.format))
    if rows:
        raise StaleError(
            f"{directory}: {len(rows)} of {len(wanted)} files are not there as they are locked",
            hint=f"{wheelhouse.FETCH} {directory}",
        )
    print(f"{directory}: all {len(wanted)} files are there", file=sys.stderr)
    return 0


def fill(options: Options, wanted: tuple[Item, ...], directory: Path) -> int:
    """Download what the directory lacks, and print each file on stderr; raises BuilderError."""
    site, done = load_site(options.site), list[str]()
    writable(directory)
    lock = mutex.acquire(cache_directory() / "locks", f"fetch {directory.resolve()}")
    if not isinstance(lock, mutex.Mutex):
        raise BuilderError(f"{directory}: {lock} is filling it", hint="wait for it")
    try:
        for item, how in wheelhouse.fill(wanted, directory, site):
            done.append(how)
            if how != "kept" or options.verbose:
                size = (directory / item.file).stat().st_size
                print(f"{item} {how}, {size / 1e6:,.1f} MB", file=sys.stderr)
    finally:
        lock.release()
        print(f"{directory}: {counted(done) or 'none'} of {len(wanted)} files", file=sys.stderr)
    return 0


def writable(directory: Path) -> None:
    """Make the directory; raises InputError when nothing can be written there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise InputError(
            f"{directory}: {error.strerror}: nothing can be written there", hint="name another: --to DIR"
        ) from None

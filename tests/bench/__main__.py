"""Measures ours beside a peer's command in the same run, and prints a table: `python -m tests.bench [--write] [ROW...]`.

A missed aim is a word in the table, never a failure.
"""

import argparse
import importlib
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.bench.measured import HEAD, BenchError, Measured, line

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
QUICK = ("plan", "unchanged", "hundred", "many", "verifying", "rebase", "bump", "sizes", "same", "derive", "run")
SLOW = ("whole", "large_whole", "large_sizes", "large_same")
"""These build PyTorch from nothing, which takes minutes."""
MODULES = {"hundred": "unchanged", "large_whole": "whole", "large_sizes": "sizes", "large_same": "same"}
"""Where a row is not in the module of its name."""
Row = Callable[[], Iterable[Measured]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join((*QUICK, *SLOW)))
    parser.add_argument("--write", action="store_true", help=f"put the figures into {README.name}")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was made is removed
    if unknown := set(options.rows) - {*QUICK, *SLOW}:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    found: list[Measured] = []
    try:
        for one in (one for name in options.rows or QUICK for one in lines_of(name)):
            found.append(one)  # noqa: PERF402 (what was measured is kept when the rest is interrupted)
    finally:
        print("\n".join([HEAD, *(line(one) for one in found)]))
        if options.write:
            write(found)
    return 0


def row(name: str) -> Row:
    """The function that measures a row; what only that row imports is imported now."""
    module = importlib.import_module(f"tests.bench.{MODULES.get(name, name)}")
    found: Row = getattr(module, name)
    return found


def lines_of(name: str) -> Iterator[Measured]:
    """The lines of a row as they are measured; why there is none is said on stderr."""
    began = time.monotonic()
    try:
        for one in row(name)():
            print(line(one), file=sys.stderr, flush=True)
            yield one
    except (BenchError, AssertionError, OSError) as error:
        print(f"{name}: not measured: {error}", file=sys.stderr)
    print(f"{name}: {time.monotonic() - began:.0f} s in all", file=sys.stderr, flush=True)


def write(found: Iterable[Measured]) -> None:
    """Put the lines into the README, in place of those of the same work; others stay."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    kept = {work(text): text for text in old.strip().splitlines()[2:]}
    kept |= {work(text): text for text in map(line, found)}
    README.write_text("\n".join([f"{before}{BEGIN}", HEAD, *kept.values(), f"{END}{after}"]), "utf-8")


def work(text: str) -> str:
    """What a line is of: its first words, without the note."""
    return text.split("|")[1].partition(";")[0].strip()


if __name__ == "__main__":
    sys.exit(main())

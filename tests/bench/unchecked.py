"""`build` without its checks, for a comparison with tools that have none: `python -m tests.bench.unchecked build ...`.

Nothing is remembered as verified; the tags are given all the same, so they belong to a benchmark.
"""

import sys
from typing import Any

from builder import jobs, promote
from builder.__main__ import main


def no_container(*_: Any) -> None:
    """In place of a container for the checks."""


if __name__ == "__main__":
    jobs.Queue.container = no_container  # type: ignore[method-assign, assignment]
    promote.check = no_container  # type: ignore[assignment]
    sys.exit(main())

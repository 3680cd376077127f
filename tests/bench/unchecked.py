"""`build` without its checks, for a comparison with tools that have none: `python -m tests.bench.unchecked build ...`.

Nothing is remembered as verified; the tags are given all the same, so they belong to a benchmark.
"""

import sys
from typing import Any

from builder.__main__ import main
from builder.build import job, queue


def no_container(*_: Any) -> None:
    """In place of a container for the checks."""


if __name__ == "__main__":
    queue.Queue.container = no_container  # type: ignore[method-assign, assignment]
    job.check = no_container  # type: ignore[assignment]
    sys.exit(main())

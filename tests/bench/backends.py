"""`verify` with a difference, for comparisons: `python -m tests.bench.backends thirty FILE IMAGE`, or `... plain IMAGE [FLAG...]`.

thirty: only the checks of that file, which are none of ours, in our container and over our shell; prints what failed.
plain:  our own checks as they are, over testinfra's own docker backend.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import testinfra
from testinfra.host import Host

from builder.__main__ import main
from builder.verify import run_checks
from builder.verify.checks import plugin
from builder.verify.container import promised


def thirty(file: Path, image: str) -> int:
    """Print the failed checks of the file, one a line."""
    run_checks.own_checks = lambda _: ()  # type: ignore[assignment]
    report = run_checks.verify(image, expected=replace(promised(image), pins={}), extra_checks=[file])
    print("\n".join(one.name for one in report.results if one.outcome != "passed"))
    return 0


def connection(subject: plugin.Subject, user: str | None) -> Iterator[Host]:
    """Testinfra's own way: a `docker exec` for each command."""
    yield testinfra.get_host(f"docker://{f'{user}@' if user else ''}{subject.container}")


def plain(*argv: str) -> int:
    plugin.connection = connection
    return main(["verify", *argv])


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(thirty(Path(words[1]), words[2]) if words[0] == "thirty" else plain(*words[1:]))

"""What the image holds can be used: each module is imported, and each library that a file needs is found."""

import json
from pathlib import Path

import pytest
from testinfra.host import Host

from builder.matrix.probes import PYTHON
from builder.matrix.promise import Promise
from builder.verify.checks import expected_failures
from builder.verify.checks.expected_failures import ImportOf
from builder.verify.checks.plugin import Subject, last_words

HERE = Path(__file__).parent
MODULES_SECONDS = 600
LIBRARIES_SECONDS = 120
ROOTS = ("/opt", "/usr/local")
"""Where distributions and what is compiled lie; below /usr the packages of the OS name what they need themselves."""


def test_modules_are_imported(host: Host, promise: Promise) -> None:
    script = f"{HERE.joinpath('import_modules.py').read_text('utf-8')}\nmain({MODULES_SECONDS - 60})\n"
    done = host.run(f"{PYTHON} -c %s", script, timeout=MODULES_SECONDS)
    assert done.rc == 0, f"the modules cannot be listed: {last_words(done.stderr or done.stdout)}"
    found = [ImportOf(*json.loads(line)) for line in done.stdout.splitlines()]
    if problems := expected_failures.of_modules(found, expected_failures.known().modules, promise.distributions()):
        pytest.fail("; ".join(problems), pytrace=False)


def test_libraries_are_found(host: Host, subject: Subject) -> None:
    script = f"{HERE.joinpath('find_libraries.py').read_text('utf-8')}\nmain({ROOTS!r})\n"
    done = host.run(f"{PYTHON} -I -S -c %s", script, timeout=LIBRARIES_SECONDS)
    assert done.rc == 0, f"the libraries cannot be listed: {last_words(done.stderr or done.stdout)}"
    found = json.loads(done.stdout)
    known = expected_failures.known().libraries
    problems = expected_failures.of_libraries(found["missing"], found["found"], known, has_driver=subject.has_gpu)
    if problems:
        pytest.fail("; ".join(problems), pytrace=False)

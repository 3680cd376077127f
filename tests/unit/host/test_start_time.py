"""The command line answers at once: what takes long to import is imported by the verb that needs it."""

import subprocess
import sys

import pytest

HEAVY = {"cryptography", "cyclonedx", "docker", "installer", "jinja2", "jsonschema", "packaging", "pytest", "rattler"}
HEAVY |= {"http", "requests", "ssl", "testinfra", "urllib3", "yaml", "zstandard"}


@pytest.mark.parametrize(
    ("argument", "allowed"), [("--help", set[str]()), ("--version", set[str]()), ("list", {"packaging", "yaml"})]
)
def test_nothing_heavy_is_imported(argument: str, allowed: set[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "builder", argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert imported & HEAVY <= allowed

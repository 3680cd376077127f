"""The scripts of a night, where a repository is a new fork, and where a system is not the one that they know."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REFUSES = '#!/bin/sh\necho "gh $*" >> "$LOG"\ncase $1 in auth) exit 0;; esac\necho "disabled" >&2\nexit 1\n'
ACCEPTS = '#!/bin/sh\necho "gh $*" >> "$LOG"\n'


def git(directory: Path, *words: str) -> str:
    name = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    done = subprocess.run(["git", *name, *words], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """A clone of a small repository with the script, and what a night found."""
    origin, clone = tmp_path / "origin.git", tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", "--bare", str(origin)], check=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(clone)], check=True)
    (clone / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/propose", clone / ".ci/propose")
    (clone / "builder.lock").write_text("old\n")
    git(clone, "add", "-A")
    git(clone, "commit", "--quiet", "--message=one")
    git(clone, "remote", "add", "origin", str(origin))
    (clone / "builder.lock").write_text("new\n")
    (tmp_path / "lock.patch").write_text(git(clone, "diff", "--binary"))
    git(clone, "checkout", "--", "builder.lock")
    (tmp_path / "drift.md").write_text("# what moved\n")
    return clone


def proposed(fork: Path, gh: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """The script's end, and what it asked of gh."""
    programs = fork.parent / "bin"
    programs.mkdir()
    (programs / "gh").write_text(gh)
    (programs / "gh").chmod(0o755)
    log = fork.parent / "log"
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "LOG": str(log)}
    command = [".ci/propose", str(fork.parent / "drift.md"), str(fork.parent / "lock.patch")]
    done = subprocess.run(command, cwd=fork, env=environment, capture_output=True, text=True, check=False)
    return done, log.read_text()


def test_a_new_fork_gets_the_branch_and_a_line_for_each_refusal(fork: Path) -> None:
    done, _ = proposed(fork, REFUSES)
    assert done.returncode == 0, done.stderr
    assert git(fork.parent / "origin.git", "show", "nightly-lock:builder.lock") == "new\n"
    warnings = [line for line in done.stdout.splitlines() if line.startswith("::warning::")]
    assert [line.partition(": ")[0] for line in warnings] == [
        "::warning::pull requests cannot be listed",
        "::warning::issues are off",
    ]
    assert "# what moved" in done.stdout


def test_what_is_refused_late_is_said_too(fork: Path) -> None:
    """Lists are read, but nothing may be written; and a rule forbids the branch."""
    hook = fork.parent / "origin.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    done, _ = proposed(fork, '#!/bin/sh\necho "gh $*" >> "$LOG"\ncase $2 in create|edit) exit 1;; esac\n')
    assert done.returncode == 0, done.stderr
    warnings = [line.partition(": ")[0] for line in done.stdout.splitlines() if line.startswith("::warning::")]
    assert warnings == [
        "::warning::the branch nightly-lock may not be pushed",
        "::warning::no pull request of nightly-lock",
        "::warning::this job may not write issues; the report follows",
    ]
    assert "# what moved" in done.stdout


def test_where_all_is_allowed_both_are_made(fork: Path) -> None:
    done, asked = proposed(fork, ACCEPTS)
    assert done.returncode == 0, done.stderr
    assert "::warning::" not in done.stdout
    assert "gh pr create --head nightly-lock" in asked
    assert "gh issue create --title The world has moved" in asked


@pytest.mark.parametrize(
    "system", ["ID=ubuntu\nVERSION_CODENAME=noble", "ID=debian\nVERSION_CODENAME=trixie", "ID=arch"]
)
def test_no_other_system_gets_sources_of_debian(system: str, tmp_path: Path) -> None:
    text = (ROOT / ".ci/common").read_text().replace("/etc/os-release", str(tmp_path / "os-release"))
    (tmp_path / "os-release").write_text(system)
    (tmp_path / "common").write_text(
        text.replace("as_root()", "unused()").replace("unused() {", "as_root() { exit 9; }\nunused() {")
    )
    command = ["bash", "-euc", f". {tmp_path}/common; add_newer_suite"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "gets none of Debian's: install by hand what is missing" in done.stderr


def test_nothing_is_removed_but_on_a_hosted_runner() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "RUNNER_ENVIRONMENT"}
    done = subprocess.run([ROOT / ".ci/free-disk"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "nothing is removed" in done.stderr) == (0, True)

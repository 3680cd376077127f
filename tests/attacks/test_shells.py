"""What a hostile image prints, and how long it takes, has a bound; no engine is needed, as only `docker exec` is used."""

import os
import resource
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from builder.errors import EngineError, VerifyError
from builder.host import process
from builder.host.command import Command
from builder.verify.checks import backend
from builder.verify.checks.backend import ShellBackend
from tests.support.corpus import cases


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` whose exec starts, instead of a shell in a container, the shell that the test writes."""
    (tmp_path / "docker").write_text(f'#!/bin/sh\nexec sh "{tmp_path}/shell"\n')
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(backend, "GRACE_SECONDS", 0.2)
    return tmp_path / "shell"


@pytest.mark.parametrize("case", cases("shells"))
def test_it_is_read_so_far_and_so_long(case: Any, docker: Path) -> None:
    docker.write_text(case.get("shell", "exec sh"))
    began = time.monotonic()
    with closing(ShellBackend("c" * 64, limit=100_000, deadline=began + 30)) as shell:
        if "code" in case:
            assert shell.run(case["command"], timeout=1).rc == case["code"]
        else:
            with pytest.raises((VerifyError, EngineError), match=case["says"]) as caught:
                # What is not about time has time, on a busy machine too.
                shell.run(case.get("command", "true"), timeout=1 if "within" in case["says"] else 10)
            assert caught.value.message.isprintable()
    assert time.monotonic() - began < 25


def test_nothing_is_run_after_the_deadline(docker: Path) -> None:
    docker.write_text("exec sh")
    with (
        closing(ShellBackend("c" * 64, deadline=time.monotonic())) as shell,
        pytest.raises(VerifyError, match="the time for the whole verification is over"),
    ):
        shell.run("true")


def test_a_program_of_this_host_is_read_so_far_and_so_long() -> None:
    with pytest.raises(EngineError, match=r"more than 67,108,864 bytes were printed"):
        process.run(Command(argv=("cat", "/dev/zero")), timeout=60)
    with pytest.raises(EngineError, match="no answer within 0 s"):
        process.run(Command(argv=("sleep", "60")), timeout=0.2)
    with pytest.raises(EngineError, match="no answer within 0 s"):
        process.run(Command(argv=("sh", "-c", "exec >&- 2>&-; sleep 60")), timeout=0.3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2_000_000

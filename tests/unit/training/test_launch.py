"""The launcher as it runs in a container: a process of its own, on this machine's Python."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from builder.training.launcher.instructions import FIRST_HOST, SOURCE
from builder.training.request.distribution import PLACEHOLDERS, Topology, environments


class Launcher:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        shutil.copy(SOURCE, directory)

    def start(self, script: str, *arguments: str, topology: Topology | None = None, **more: Any) -> Any:
        words = more.pop("arguments_of_launcher", ("node", "0"))
        (self.directory / "script.py").write_text(script)
        topology = topology or Topology()
        plan = {
            "command": [sys.executable, str(self.directory / "script.py"), *arguments],
            "placeholders": PLACEHOLDERS,
            "ranks": environments(topology, "run"),
            "processes_per_node": topology.processes_per_node,
            "prefixed": topology.world_size > 1,
            "starts": None,
            "seconds": None,
            "grace": 1,
            **more,
        }
        (self.directory / "launch.json").write_text(json.dumps(plan))
        command = [sys.executable, str(self.directory / "launch.py"), *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, script: str, *arguments: str, **more: Any) -> tuple[int, bytes, bytes]:
        child = self.start(script, *arguments, **more)
        out, err = child.communicate(timeout=30)
        return child.returncode, out, err


TWO = Topology(backend="gloo", processes_per_node=2)


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(tmp_path)


def test_a_lone_process_writes_as_it_likes(launcher: Launcher) -> None:
    script = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 2); sys.exit(7)"
    assert launcher.run(script) == (7, bytes(range(256)) * 2, b"")


def test_several_say_who_they_are_and_get_their_rank(launcher: Launcher) -> None:
    script = "import os, sys; print(os.environ['RANK'], sys.argv[1:], end=''); print('e', file=sys.stderr)"
    code, out, err = launcher.run(script, "$AZ_BATCHAI_TASK_INDEX", "$RANK", "x $AZ_BATCHAI_TASK_INDEX", topology=TWO)
    assert code == 0
    assert sorted(out.decode().splitlines()) == [
        "[0] 0 ['0', '$RANK', 'x $AZ_BATCHAI_TASK_INDEX']",
        "[1] 1 ['1', '$RANK', 'x $AZ_BATCHAI_TASK_INDEX']",
    ]
    assert sorted(err.splitlines()) == [b"[0] e", b"[1] e"]


def test_one_that_fails_ends_all(launcher: Launcher) -> None:
    script = "import os, sys, time; sys.exit(3) if os.environ['RANK'] == '1' else time.sleep(60)"
    code, _, err = launcher.run(script, topology=TWO)
    assert code == 3
    assert b"rank 1 ended with exit code 3: the others are stopped" in err


def test_one_that_is_killed_is_named_by_its_signal(launcher: Launcher) -> None:
    script = "import os, time; os.kill(os.getpid(), 9) if os.environ['RANK'] == '0' else time.sleep(60)"
    code, _, err = launcher.run(script, topology=TWO)
    assert code == 137
    assert b"rank 0 was killed by SIGKILL" in err


def test_time_is_up_for_the_obedient_and_the_deaf(launcher: Launcher) -> None:
    script = "import signal, time\n{}\ntime.sleep(60)"
    polite = "signal.signal(15, lambda *_: (print('saved', flush=True), exit(0)))"
    code, out, err = launcher.run(script.format(polite), seconds=1)
    assert (code, out) == (124, b"saved\n")
    assert b"the limit of 1 s is reached" in err
    began = time.monotonic()
    assert launcher.run(script.format("signal.signal(15, signal.SIG_IGN)"), seconds=1, grace=0.5)[0] == 124
    assert 1.5 < time.monotonic() - began < 30


def test_sigterm_reaches_the_script_and_its_helpers(launcher: Launcher, tmp_path: Path) -> None:
    script = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
print("ready", flush=True)
time.sleep(60)
"""
    running = launcher.start(script)
    assert running.stdout.readline() == b"ready\n"
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 143
    running.communicate()
    helper = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    assert not helper.exists() or helper.read_text().split()[2] == "Z"


def test_a_program_that_is_not_there_is_named(launcher: Launcher) -> None:
    code, _, err = launcher.run("", command=["/nowhere/python"])
    assert code == 127
    assert b"/nowhere/python: No such file" in err


def test_a_program_that_may_not_be_executed_is_named(launcher: Launcher, tmp_path: Path) -> None:
    """With the code that shells have for it, alone and as a rank of mpirun."""
    topology = Topology(backend="mpi")
    code, _, err = launcher.run("", command=[str(tmp_path / "script.py")], topology=topology)
    assert (code, err) == (126, f"launcher: {tmp_path}/script.py: Permission denied\n".encode())
    command = [sys.executable, str(tmp_path / "launch.py"), "rank"]
    rank = subprocess.run(command, env={"PMI_RANK": "0"}, capture_output=True, check=False)
    assert (rank.returncode, rank.stderr) == (126, err)


def test_under_mpirun_it_becomes_the_rank(launcher: Launcher, tmp_path: Path) -> None:
    topology = Topology(backend="mpi", processes_per_node=2)
    launcher.run("import os; print(os.environ['RANK'], os.environ['WORLD_SIZE'])", topology=topology)
    command = [sys.executable, str(tmp_path / "launch.py"), "rank"]
    done = subprocess.run(command, env={"OMPI_COMM_WORLD_RANK": "1"}, capture_output=True, text=True, check=True)
    assert done.stdout == "1 2\n"
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert "mpirun of this image" in done.stderr


def test_the_number_of_a_node_may_come_from_its_environment(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    script = "import os; print(*(os.environ[name] for name in ('RANK', 'WORLD_SIZE', 'NODE_RANK', 'MASTER_ADDR')))"
    topology = Topology(backend="gloo", nodes=2, processes_per_node=2, master_address="run-1-master-0")
    code, out, err = launcher.run(script, topology=topology, arguments_of_launcher=("node-from", "RANK"))
    assert (code, sorted(out.splitlines())) == (0, [b"[2] 2 4 1 run-1-master-0", b"[3] 3 4 1 run-1-master-0"]), err


@pytest.mark.parametrize("value", ["2", "-1", "", "one"])
def test_a_number_that_no_node_has_is_refused(value: str, launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", value)
    topology = Topology(backend="gloo", nodes=2)
    code, _, err = launcher.run("", topology=topology, arguments_of_launcher=("node-from", "RANK"))
    assert code == 125
    assert f"RANK is {value!r}".encode() in err


@pytest.mark.parametrize("line", ["a-worker-0.a.team.svc slots=2\nb slots=2\n", "a-worker-0.a.team.svc:2\n"])
def test_the_first_host_of_a_hostfile_is_where_mpi_ranks_meet(
    line: str, launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hostfile").write_text(line)
    (tmp_path / "mpirun").write_text(MPIRUN)
    (tmp_path / "mpirun").chmod(0o755)
    monkeypatch.setenv("OMPI_MCA_orte_default_hostfile", str(tmp_path / "hostfile"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    topology = Topology(backend="mpi", nodes=2, master_address=FIRST_HOST)
    starts = [("mpirun", sys.executable, str(tmp_path / "launch.py"), "rank")]
    script = "import os; print(os.environ['MASTER_ADDR'], os.environ['AZ_BATCH_MASTER_NODE'])"
    code, out, err = launcher.run(script, topology=topology, starts=starts)
    assert (code, out) == (0, b"a-worker-0.a.team.svc a-worker-0.a.team.svc:6105\n"), err


MPIRUN = """#!/bin/sh
# as mpirun does on another host: only what -x names arrives there
first=
while [ "$1" = -x ]; do [ "$2" = LAUNCH_FIRST_HOST ] && first=$LAUNCH_FIRST_HOST; shift 2; done
exec env -i OMPI_COMM_WORLD_RANK=1 LAUNCH_FIRST_HOST="$first" "$@"
"""

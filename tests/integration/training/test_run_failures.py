"""Runs that do not end well: each says how it ended, keeps what was written, and leaves nothing running."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from builder.errors import EngineError, InputError
from builder.training import ContainerRegistry, LocalTarget, estimator_for
from builder.training.local.containers import LABEL_DIRECTORY
from builder.training.local.nodes import LABEL_RUN
from builder.training.local.run import LocalRun
from builder.training.records.run import Run
from tests.support.command_line import ROOT, CommandResult, environment
from tests.support.project import REPOSITORY, Project
from tests.support.registries import PASSWORD, USER, registry

HOLDER = f"{REPOSITORY}-{{framework}}"
MEGABYTES, BITS = 64, 14
BLOCK = "bytes(n for n in range(256) if n != 10) * 64 + bytes(63) + b'\\n'"
"""16 kB of every byte and one line's end: the engine reads its own logs line by line, some 25 000 of them a second."""
READY = "print('ready', flush=True)\n"


class ScriptRuns:
    """A directory with one script, and the runs of it."""

    def __init__(self, root: Path, site: Path, client: docker.DockerClient) -> None:
        self.project = Project(root=root, site=site, framework="pytorch", repository=HOLDER)
        self.client = client
        self.source = root / "source"
        self.source.mkdir()
        self.runs = root / "runs"

    def command(self, script: str, *flags: str) -> tuple[str, ...]:
        (self.source / "s.py").write_text(script)
        where = (f"--source={self.source}", f"--runs={self.runs}", f"--repository={HOLDER}", "--platform=debian12")
        return ("run", "--version=2.13", "--entry=s.py", *where, *flags)

    def run(self, script: str, *flags: str) -> CommandResult:
        return self.project.run(*self.command(script, *flags))

    def verb(self, *words: str) -> CommandResult:
        return self.project.run(*words, f"--runs={self.runs}")

    def last(self) -> Run:
        return LocalRun(directory=max(self.runs.glob("s-*"), key=lambda path: path.stat().st_mtime_ns))

    def containers(self) -> list[Container]:
        found = self.client.containers.list(all=True, filters={"label": LABEL_RUN})
        return [one for one in found if one.labels[LABEL_DIRECTORY].startswith(str(self.runs))]


@pytest.fixture
def script_runs(
    built: Callable[..., CommandResult], tmp_path: Path, site_file: Path, engine: docker.DockerClient
) -> Iterator[ScriptRuns]:
    """A script_runs that has removed its containers before the test is over; it counts as a failure when it had to."""
    assert built("--version=2.13", "--cpu", "--platform=debian12").code == 0
    found = ScriptRuns(tmp_path, site_file, engine)
    yield found
    left = found.containers()
    for one in left:
        one.remove(force=True)
    assert not left


def test_a_script_that_fails_says_so(script_runs: ScriptRuns) -> None:
    done = script_runs.run("import sys\nopen('outputs/part', 'w').write('x')\nprint('last words')\nsys.exit(3)")
    assert (done.code, done.out) == (3, "last words\n")
    assert "failed with exit code 3" in done.err
    assert (script_runs.last().exit_code, (script_runs.last().outputs / "part").read_text()) == (3, "x")
    assert script_runs.last().logs() == "last words\n"


def test_a_script_that_is_killed_and_one_that_needs_too_much(script_runs: ScriptRuns) -> None:
    assert "failed with exit code 137" in script_runs.run("import os; os.kill(os.getpid(), 9)").err
    assert "out of memory" in script_runs.run("x = bytearray(10**9)", "--memory=64m").err


def test_the_source_is_read_only_and_outputs_are_the_callers(script_runs: ScriptRuns) -> None:
    done = script_runs.run("import os\nos.makedirs('outputs/a/b')\nopen('outputs/a/b/c', 'w')\nopen('new', 'w')")
    assert done.code == 1
    assert "Read-only file system" in done.err
    assert {path.stat().st_uid for path in script_runs.last().outputs.rglob("*")} == {os.getuid()}


def test_a_script_that_hangs_is_ended_at_its_limit(script_runs: ScriptRuns) -> None:
    script = "import signal, time\nsignal.signal(15, lambda *_: (open('outputs/saved', 'w'), exit(0)))\ntime.sleep(90)"
    done = script_runs.run(script, "--max-duration=2")
    assert done.code == 124
    assert "timed out after 2." in done.err
    assert "it took longer than 2 s" in done.err
    assert (script_runs.last().outputs / "saved").exists()


def test_limits_are_what_the_flags_say(script_runs: ScriptRuns) -> None:
    script = "import os; s = os.statvfs('/dev/shm'); print(s.f_blocks * s.f_frsize)\nprint(os.environ.get('RANK'))"
    # In either version of cgroups.
    script += "\nimport glob; print(open(glob.glob('/sys/fs/cgroup/**/pids.max', recursive=True)[0]).read().strip())"
    told = script_runs.run(script, "--shm-size=128m", "--cpus=0.5", "--pids-limit=77").out
    assert told == f"{128 * 1024**2}\nNone\n77\n"
    assert script_runs.run(script).out.splitlines()[-1] == "16384"


def test_every_byte_of_a_large_and_binary_output_arrives(script_runs: ScriptRuns) -> None:
    """The two streams stay apart, and what is no text is not changed."""
    script = f"""
import sys
block = {BLOCK}
for _ in range({MEGABYTES} << 20 >> {BITS}):
    sys.stdout.buffer.write(block)
sys.stderr.write("done\\n")
"""
    command = [sys.executable, "-m", "builder", *script_runs.command(script)]
    scratch = environment({}, script_runs.project.scratch)
    with subprocess.Popen(
        command, cwd=script_runs.project.root, env=scratch, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stderr
        total, size = hashlib.sha256(), 0
        while piece := child.stdout.read(1 << 20):
            total.update(piece)
            size += len(piece)
        assert b"done\n" in child.stderr.read()
    assert (child.returncode, size) == (0, MEGABYTES << 20)
    assert total.digest() == hashlib.sha256(eval(BLOCK) * (MEGABYTES << 20 >> BITS)).digest()
    assert (script_runs.last().directory / "output.log").stat().st_size == size + len("done\n")


def test_ctrl_c_cancels_and_keeps_what_was_written(script_runs: ScriptRuns) -> None:
    script = f"import time\nopen('outputs/part', 'w').write('x')\n{READY}time.sleep(90)"
    with script_runs.project.started(*script_runs.command(script)) as live:
        live.until("ready")
        live.send(signal.SIGINT)
        assert live.end() == 130
        assert "cancelled after" in live.said
    assert (script_runs.last().status, (script_runs.last().outputs / "part").read_text()) == ("cancelled", "x")
    assert not script_runs.containers()


def test_a_closed_pipe_ends_the_run(script_runs: ScriptRuns) -> None:
    script = "import time\nwhile True:\n    print('x' * 1000, flush=True)\n    time.sleep(0.01)"
    command = [sys.executable, "-m", "builder", *script_runs.command(script)]
    with subprocess.Popen(
        command,
        cwd=script_runs.project.root,
        env=environment({}, script_runs.project.scratch),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout
        child.stdout.read(10)
        child.stdout.close()
        child.wait(60)
    assert script_runs.last().status == "cancelled"


def test_a_killed_builder_leaves_a_run_to_adopt_and_one_to_stop(script_runs: ScriptRuns) -> None:
    wait = "while not os.path.exists('outputs/go'): time.sleep(0.02)\n"
    script = f"import os, time\n{READY}{wait}print('the end')\nopen('outputs/o', 'w')"
    deaf = f"import time\n{READY}time.sleep(90)"
    for text in (script, deaf):
        with script_runs.project.started(*script_runs.command(text)) as live:
            live.until("ready")
            done = script_runs.verb("runs", "--format=json")
            assert done.code == 0, done.err
            listed = json.loads(done.out)["runs"]
            assert listed[-1]["followed by"] == f"process {live.process.pid}"
            live.send(signal.SIGKILL)
            live.end()
    found = json.loads(script_runs.verb("runs", "--format=json").out)["runs"]
    assert [(one["status"], one["followed by"]) for one in found] == [("running", "nobody")] * 2
    script_runs.project.run("clean")
    first = LocalRun(directory=script_runs.runs / found[0]["name"])
    with script_runs.project.started("runs", "adopt", found[0]["name"], f"--runs={script_runs.runs}") as adopted:
        adopted.until("ready")
        (first.outputs / "go").touch()
        assert adopted.end() == 0
        assert "the end" in adopted.said
    stopped = script_runs.verb("runs", "stop", found[1]["name"])
    assert (stopped.code, stopped.err) == (0, f"{found[1]['name']}: cancelled\n")
    listed = json.loads(script_runs.verb("runs", "--format=json").out)["runs"]
    assert [one["status"] for one in listed] == ["completed", "cancelled"]
    assert first.logs() == "ready\nthe end\n"
    assert {path.stat().st_uid for path in first.outputs.rglob("*")} == {os.getuid()}


def test_logs_are_read_beside_whoever_follows(script_runs: ScriptRuns) -> None:
    """And the run goes on when they are not wanted any more."""
    wait = "while not os.path.exists('outputs/go'): time.sleep(0.02)\n"
    script = f"import os, sys, time\nprint('of', os.environ['RANK'], flush=True)\n{wait}print('the end')"
    flags = ("--gloo", "--processes-per-node=2", "--lr", "0.1")
    with script_runs.project.started(*script_runs.command(script, *flags)) as live:
        live.until("of 1")
        run = script_runs.last()
        with script_runs.project.started("runs", "logs", "-f", "last", f"--runs={script_runs.runs}") as left:
            left.until("of 0")
            left.send(signal.SIGINT)
            assert left.end() == 130
            assert f"{run.id}: the run goes on" in left.said
        with script_runs.project.started(
            "runs", "logs", "last", "-f", "--rank=1", f"--runs={script_runs.runs}"
        ) as watched:
            watched.until("of 1")
            (run.outputs / "go").touch()
            assert watched.end() == 0
            assert watched.said == "of 1\nthe end\n"
        assert live.end() == 0
    assert script_runs.verb("runs", "logs", "last", "--rank", "0").out == "of 0\nthe end\n"
    shown = script_runs.verb("runs", "show", "last").out
    assert "\narguments    --lr 0.1\n" in shown
    assert "\nprocesses    2 with gloo\n" in shown


def test_a_person_at_a_prompt_has_the_mounts_of_a_run(script_runs: ScriptRuns) -> None:
    """Once with what a pipe says, and once at a terminal."""
    command = [sys.executable, "-m", "builder", *script_runs.command("")]
    command[command.index("--entry=s.py")] = "--shell"
    surroundings = environment({}, script_runs.project.scratch)
    said = "pwd; ls; touch x; echo part > outputs/part; exit 7\n"
    done = subprocess.run(
        command, input=said, cwd=script_runs.project.root, env=surroundings, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (7, "/training/source\nlogs\noutputs\ns.py\n"), done.stderr
    assert "Read-only file system" in done.stderr
    run = LocalRun(directory=next(script_runs.runs.glob("bash-*")))
    assert (run.status, (run.outputs / "part").read_text()) == ("failed", "part\n")
    assert "a prompt, which a person repeats" in script_runs.verb("rerun", "last").err
    ours, theirs = os.openpty()
    with subprocess.Popen(
        command, cwd=script_runs.project.root, env=surroundings, stdin=theirs, stdout=theirs, stderr=theirs
    ) as live:
        os.close(theirs)
        os.write(ours, b"test -t 0 && echo is-$((6 * 7)); exit 3\n")
        shown = everything(ours)
        assert (live.wait(60), b"is-42" in shown) == (3, True), shown
    assert "is-42" in script_runs.verb("runs", "logs", "last").out
    assert not script_runs.containers()


def everything(terminal: int) -> bytes:
    """What is printed at a terminal, until nobody has it open any more."""
    found = b""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            found += piece
    os.close(terminal)
    return found


def test_an_image_without_python_and_one_that_is_not_there(script_runs: ScriptRuns) -> None:
    done = script_runs.run("", "--image=framework-images.invalid/none:1")
    assert done.code == 125
    assert "framework-images.invalid/none:1 cannot be pulled" in done.err
    done = script_runs.project.run(
        *script_runs.command("")[:-1], "--repository=framework-images-none", "--platform=debian12"
    )
    assert done.code == 125
    assert "python -m builder build --framework pytorch --version 2.13.0 --cpu" in done.err
    assert not list(script_runs.runs.glob("s-*"))


def test_a_private_registry_wants_the_right_password(
    script_runs: ScriptRuns, engine: docker.DockerClient, tmp_path: Path
) -> None:
    name = f"{HOLDER.replace('{framework}', 'pytorch')}:2.13.0-cpu-debian12"
    (script_runs.source / "s.py").write_text("print('from the registry')")
    made = estimator_for("pytorch", matrix=ROOT / "matrix.yaml", platform="debian12")
    with registry(tmp_path / "registry", login=True) as server:
        reference = f"{server.host}/team/image:1"
        engine.api.tag(engine.images.get(name).id, f"{server.host}/team/image", "1")
        try:
            login = {"username": USER, "password": PASSWORD}
            pushed = list(engine.api.push(reference, auth_config=login, stream=True, decode=True))
            assert not [event for event in pushed if "error" in event]
        finally:
            engine.api.remove_image(reference, noprune=True)

        def submitted(password: str) -> Run:
            details = ContainerRegistry(address=server.host, username=USER, password=password)
            return made(
                script_runs.source,
                compute_target=LocalTarget(runs=script_runs.runs),
                entry_script="s.py",
                custom_docker_image="team/image:1",
                image_registry_details=details,
            ).submit()

        with pytest.raises(EngineError, match=f"cannot be pulled as {USER}") as caught:
            submitted("wrong-canary")
        assert "wrong-canary" not in str(caught.value)
        try:
            run = submitted(PASSWORD)
            assert run.wait(show_output=False) == 0
            assert run.logs() == "from the registry\n"
        finally:
            engine.api.remove_image(reference, noprune=True)
    assert PASSWORD not in (run.directory / "record.json").read_text()
    with pytest.raises(InputError, match="follows it already"), run.attended():
        run.attended().__enter__()

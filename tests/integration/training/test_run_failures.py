"""Runs that do not end well: each says how it ended, keeps what was written, and leaves nothing running."""

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
from tests.integration.conftest import REPOSITORY
from tests.support.registries import PASSWORD, USER, registry
from tests.support.repository import ROOT, Done, Lab, environment

HOLDER = f"{REPOSITORY}-{{framework}}"
MEGABYTES, BITS = 64, 14
BLOCK = "bytes(n for n in range(256) if n != 10) * 64 + bytes(63) + b'\\n'"
"""16 kB of every byte and one line's end: the engine reads its own logs line by line, some 25 000 of them a second."""
READY = "print('ready', flush=True)\n"


class Shop:
    """A directory with one script, and the runs of it."""

    def __init__(self, root: Path, site: Path, client: docker.DockerClient) -> None:
        self.lab = Lab(root=root, site=site, framework="pytorch", repository=HOLDER)
        self.client = client
        self.source = root / "source"
        self.source.mkdir()
        self.runs = root / "runs"

    def command(self, script: str, *flags: str) -> tuple[str, ...]:
        (self.source / "s.py").write_text(script)
        where = (f"--source={self.source}", f"--runs={self.runs}", f"--repository={HOLDER}", "--platform=debian12")
        return ("run", "--version=2.13", "--entry=s.py", *where, *flags)

    def run(self, script: str, *flags: str) -> Done:
        return self.lab.run(*self.command(script, *flags))

    def verb(self, *words: str) -> Done:
        return self.lab.run(*words, f"--runs={self.runs}")

    def last(self) -> Run:
        return LocalRun(directory=max(self.runs.glob("s-*"), key=lambda path: path.stat().st_mtime_ns))

    def containers(self) -> list[Container]:
        found = self.client.containers.list(all=True, filters={"label": LABEL_RUN})
        return [one for one in found if one.labels[LABEL_DIRECTORY].startswith(str(self.runs))]


@pytest.fixture
def shop(built: Callable[..., Done], tmp_path: Path, site_file: Path, engine: docker.DockerClient) -> Iterator[Shop]:
    """A shop that has removed its containers before the test is over; it counts as a failure when it had to."""
    assert built("--version=2.13", "--cpu", "--platform=debian12").code == 0
    found = Shop(tmp_path, site_file, engine)
    yield found
    left = found.containers()
    for one in left:
        one.remove(force=True)
    assert not left


def test_a_script_that_fails_says_so(shop: Shop) -> None:
    done = shop.run("import sys\nopen('outputs/part', 'w').write('x')\nprint('last words')\nsys.exit(3)")
    assert (done.code, done.out) == (1, "last words\n")
    assert "failed with exit code 3" in done.err
    assert (shop.last().exit_code, (shop.last().outputs / "part").read_text()) == (3, "x")
    assert shop.last().logs() == "last words\n"


def test_a_script_that_is_killed_and_one_that_needs_too_much(shop: Shop) -> None:
    assert "failed with exit code 137" in shop.run("import os; os.kill(os.getpid(), 9)").err
    assert "out of memory" in shop.run("x = bytearray(10**9)", "--memory=64m").err


def test_the_source_is_read_only_and_outputs_are_the_callers(shop: Shop) -> None:
    done = shop.run("import os\nos.makedirs('outputs/a/b')\nopen('outputs/a/b/c', 'w')\nopen('new', 'w')")
    assert done.code == 1
    assert "Read-only file system" in done.err
    assert {path.stat().st_uid for path in shop.last().outputs.rglob("*")} == {os.getuid()}


def test_a_script_that_hangs_is_ended_at_its_limit(shop: Shop) -> None:
    script = "import signal, time\nsignal.signal(15, lambda *_: (open('outputs/saved', 'w'), exit(0)))\ntime.sleep(90)"
    done = shop.run(script, "--max-duration=2")
    assert done.code == 1
    assert "timed out after 2." in done.err
    assert "it took longer than 2 s" in done.err
    assert (shop.last().outputs / "saved").exists()


def test_limits_are_what_the_flags_say(shop: Shop) -> None:
    script = "import os; s = os.statvfs('/dev/shm'); print(s.f_blocks * s.f_frsize)\nprint(os.environ.get('RANK'))"
    assert shop.run(script, "--shm-size=128m", "--cpus=0.5").out == f"{128 * 1024**2}\nNone\n"


def test_every_byte_of_a_large_and_binary_output_arrives(shop: Shop) -> None:
    """The two streams stay apart, and what is no text is not changed."""
    script = f"""
import sys
block = {BLOCK}
for _ in range({MEGABYTES} << 20 >> {BITS}):
    sys.stdout.buffer.write(block)
sys.stderr.write("done\\n")
"""
    command = [sys.executable, "-m", "builder", *shop.command(script)]
    scratch = environment({}, shop.lab.scratch)
    with subprocess.Popen(
        command, cwd=shop.lab.root, env=scratch, stdout=subprocess.PIPE, stderr=subprocess.PIPE
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
    assert (shop.last().directory / "output.log").stat().st_size == size + len("done\n")


def test_ctrl_c_cancels_and_keeps_what_was_written(shop: Shop) -> None:
    script = f"import time\nopen('outputs/part', 'w').write('x')\n{READY}time.sleep(90)"
    with shop.lab.started(*shop.command(script)) as live:
        live.until("ready")
        live.send(signal.SIGINT)
        assert live.end() == 130
        assert "cancelled after" in live.said
    assert (shop.last().status, (shop.last().outputs / "part").read_text()) == ("cancelled", "x")
    assert not shop.containers()


def test_a_closed_pipe_ends_the_run(shop: Shop) -> None:
    script = "import time\nwhile True:\n    print('x' * 1000, flush=True)\n    time.sleep(0.01)"
    command = [sys.executable, "-m", "builder", *shop.command(script)]
    with subprocess.Popen(
        command,
        cwd=shop.lab.root,
        env=environment({}, shop.lab.scratch),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout
        child.stdout.read(10)
        child.stdout.close()
        child.wait(60)
    assert shop.last().status == "cancelled"


def test_a_killed_builder_leaves_a_run_to_adopt_and_one_to_stop(shop: Shop) -> None:
    script = f"import time\n{READY}time.sleep(6)\nprint('the end')\nopen('outputs/o', 'w')"
    deaf = f"import time\n{READY}time.sleep(90)"
    for text in (script, deaf):
        with shop.lab.started(*shop.command(text)) as live:
            live.until("ready")
            done = shop.verb("runs", "--format=json")
            assert done.code == 0, done.err
            listed = json.loads(done.out)["runs"]
            assert listed[-1]["followed by"] == f"process {live.process.pid}"
            live.send(signal.SIGKILL)
            live.end()
    found = json.loads(shop.verb("runs", "--format=json").out)["runs"]
    assert [(one["status"], one["followed by"]) for one in found] in (
        [("running", "nobody")] * 2,
        [("completed", None), ("running", "nobody")],
    )
    shop.lab.run("clean")
    adopted = shop.verb("runs", "adopt", found[0]["name"])
    assert (adopted.code, adopted.out) == (0, "ready\nthe end\n" if found[0]["exit"] is None else "")
    stopped = shop.verb("runs", "stop", found[1]["name"])
    assert (stopped.code, stopped.err) == (0, f"{found[1]['name']}: cancelled\n")
    listed = json.loads(shop.verb("runs", "--format=json").out)["runs"]
    assert [one["status"] for one in listed] == ["completed", "cancelled"]
    first = LocalRun(directory=shop.runs / found[0]["name"])
    assert first.logs() == "ready\nthe end\n"
    assert {path.stat().st_uid for path in first.outputs.rglob("*")} == {os.getuid()}


def test_an_image_without_python_and_one_that_is_not_there(shop: Shop) -> None:
    done = shop.run("", "--image=framework-images.invalid/none:1")
    assert done.code == 1
    assert "framework-images.invalid/none:1 cannot be pulled" in done.err
    done = shop.lab.run(*shop.command("")[:-1], "--repository=framework-images-none", "--platform=debian12")
    assert done.code == 1
    assert "python -m builder build --framework pytorch --version 2.13.0 --cpu" in done.err
    assert not list(shop.runs.glob("s-*"))


def test_a_private_registry_wants_the_right_password(shop: Shop, engine: docker.DockerClient, tmp_path: Path) -> None:
    name = f"{HOLDER.replace('{framework}', 'pytorch')}:2.13.0-cpu-debian12"
    (shop.source / "s.py").write_text("print('from the registry')")
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
                shop.source,
                compute_target=LocalTarget(runs=shop.runs),
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

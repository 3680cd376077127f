"""A second engine, whose BuildKit is another builder: its own data, and a network of its own that leads nowhere.

In the network namespace of the first it would take that one's bridge away.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.engine_proxy import forward
from tests.support.polling import until

UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
"""What turns a connection to an engine into one to its BuildKit; buildx does the same for its `docker` driver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondEngine:
    """A running engine, by its own address and by that of its BuildKit."""

    engine: str
    buildkit: str


@contextmanager
def start_second_engine(*, containerd_store: bool = True) -> Iterator[SecondEngine]:
    """Start it, and stop it with everything it holds; needs root."""
    directory = Path(tempfile.mkdtemp(prefix="fi2-"))
    (directory / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": containerd_store}}))
    paths = {"config-file": "daemon.json", "data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    flags = [f"--{flag}={directory / name}" for flag, name in paths.items()]
    engine = directory / "docker.sock"
    flags += [f"--host=unix://{engine}", "--bridge=none", "--iptables=false", "--ip6tables=false"]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(["unshare", "--net", "dockerd", *flags], stdout=log, stderr=log)
    try:
        until_it_answers(process, engine, directory / "log")
        with forwarded(directory / "buildkit.sock", engine):
            yield SecondEngine(engine=f"unix://{engine}", buildkit=f"unix://{directory / 'buildkit.sock'}")
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(directory, ignore_errors=True)


def until_it_answers(process: subprocess.Popen[bytes], engine: Path, log: Path) -> None:
    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        version = ["docker", f"--host=unix://{engine}", "version"]
        return subprocess.run(version, capture_output=True, check=False).returncode == 0

    until(answers, 60, log.read_text)


@contextmanager
def forwarded(path: Path, engine: Path) -> Iterator[None]:
    """A socket that speaks BuildKit's own protocol, as that of a stand-alone buildkitd does."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=accept, args=(listener, engine), daemon=True).start()
        yield
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def accept(listener: socket.socket, engine: Path) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(engine))
            far.sendall(UPGRADE)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += far.recv(1)
            assert b" 101 " in answer, answer
            for pair in ((near, far), (far, near)):
                threading.Thread(target=forward, args=pair, daemon=True).start()

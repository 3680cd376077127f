"""Engines of every kind, each as the environment that names it; all are stopped with what they hold."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from tests.support.engine_proxy import HOST, forward
from tests.support.polling import until
from tests.support.registries import free_port
from tests.support.second_engine import near_address, start_second_engine

Environment = Mapping[str, str]
SSHD = """
HostKey {directory}/host
AuthorizedKeysFile {directory}/own.pub
PidFile none
PermitRootLogin yes
StrictModes no
UsePAM no
SetEnv DOCKER_HOST={engine}
"""
SSH = """#!/bin/sh
exec {ssh} -i {directory}/own -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR "$@"
"""
ROOTLESS = "framework-images-test"
"""The user of the rootless engine."""


@contextmanager
def own() -> Iterator[Environment]:
    """The engine of these tests, with containerd's image store."""
    yield {}


@contextmanager
def classic() -> Iterator[Environment]:
    with start_second_engine(containerd_store=False, reaches_out=True) as found:
        yield {"DOCKER_HOST": found.engine}


@contextmanager
def by_context() -> Iterator[Environment]:
    """The current context of docker's configuration names the engine of these tests."""
    with scratch() as directory:
        environment = {"DOCKER_CONFIG": str(directory), "DOCKER_HOST": ""}
        for words in (("create", "far", f"--docker=host={HOST}"), ("use", "far")):
            command = ["docker", "context", *words]
            subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
        yield environment


@contextmanager
def by_tcp() -> Iterator[Environment]:
    """An address of this machine that is none of the loopback's, as that of another machine."""
    with start_second_engine(reaches_out=True) as found, listening(found.engine.removeprefix("unix://")) as address:
        yield {"DOCKER_HOST": f"tcp://{address}"}


@contextmanager
def listening(path: str) -> Iterator[str]:
    """A port whose connections are those of a socket."""
    with socket.create_server((near_address(), 0)) as listener:
        threading.Thread(target=accept, args=(listener, path), daemon=True).start()
        host, port = listener.getsockname()
        yield f"{host}:{port}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def accept(listener: socket.socket, path: str) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(path)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=forward, args=pair, daemon=True).start()


@contextmanager
def by_ssh() -> Iterator[Environment]:
    """A server of its own on this machine, whose logins get that engine; ssh takes its key from a stand-in on the path."""
    with scratch() as directory, start_second_engine(reaches_out=True) as found:
        for name in ("host", "own"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
        (directory / "config").write_text(SSHD.format(directory=directory, engine=found.engine))
        (directory / "bin").mkdir()
        (directory / "bin/ssh").write_text(SSH.format(directory=directory, ssh=shutil.which("ssh")))
        (directory / "bin/ssh").chmod(0o755)
        Path("/run/sshd").mkdir(exist_ok=True)  # it wants one to be there
        address, port = near_address(), free_port()
        command: list[str | Path] = [
            "/usr/sbin/sshd",
            "-D",
            "-e",
            "-f",
            directory / "config",
            f"-oListenAddress={address}:{port}",
        ]
        with running(command, directory / "log", lambda: answers(address, port)):
            environment = {"DOCKER_HOST": f"ssh://root@{address}:{port}"}
            yield {**environment, "PATH": f"{directory / 'bin'}:{os.environ['PATH']}"}


def answers(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), 1):
        return True
    return False


@contextmanager
def rootless() -> Iterator[Environment]:
    """An engine of a user who is not root, in a namespace of its own."""
    subprocess.run(["useradd", "--create-home", ROOTLESS], check=True)
    try:
        directory = Path(pwd.getpwnam(ROOTLESS).pw_dir)
        engine = f"unix://{directory}/docker.sock"
        (directory / "daemon.json").write_text('{"features": {"containerd-snapshotter": true}}')
        where = f"PATH=/usr/sbin:/usr/bin:/sbin:/bin XDG_RUNTIME_DIR={directory}"
        flags = f"--host={engine} --config-file={directory}/daemon.json"
        script = f"{where} exec /usr/share/docker.io/contrib/dockerd-rootless.sh {flags}"
        as_user = f"setpriv --reuid={ROOTLESS} --regid={ROOTLESS} --init-groups --reset-env sh -c '{script}'"
        # Its network needs this device, which only root may open on some machines.
        device = f"mknod -m 666 {directory}/tun c 10 200 && mount --bind {directory}/tun /dev/net/tun"
        command = ["unshare", "--mount", "sh", "-c", f"{device} && exec {as_user}"]
        ping = ["docker", f"--host={engine}", "version"]
        with running(
            command,
            directory / "log",
            lambda: subprocess.run(ping, capture_output=True, check=False).returncode == 0,
        ):
            yield {"DOCKER_HOST": engine}
    finally:
        subprocess.run(["userdel", "--remove", ROOTLESS], check=False, capture_output=True)


@contextmanager
def podman() -> Iterator[Environment]:
    with scratch() as directory:
        engine = f"unix://{directory}/podman.sock"
        places = (f"--root={directory}/root", f"--runroot={directory}/run")
        # Its storage is a mount, which ends with the namespace.
        command = ["unshare", "--mount", "podman", *places, "system", "service", "--time=0", engine]
        with running(command, directory / "log", (directory / "podman.sock").exists):
            yield {"DOCKER_HOST": engine}


KINDS: Mapping[str, Callable[[], AbstractContextManager[Environment]]] = {
    "containerd": own,
    "classic": classic,
    "context": by_context,
    "tcp": by_tcp,
    "ssh": by_ssh,
    "rootless": rootless,
    "podman": podman,
}


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory with a short name, as those of sockets are short."""
    directory = Path(tempfile.mkdtemp(prefix="fie-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running(command: Sequence[str | Path], log: Path, is_up: Callable[[], bool]) -> Iterator[None]:
    """A server that is up in the block."""
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd="/", start_new_session=True)
    try:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            return is_up()

        until(ready, 60, log.read_text)
        yield
    finally:
        process.terminate()
        process.wait(60)

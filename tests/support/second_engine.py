"""A second engine, whose BuildKit is another builder: its own data, and a network of its own.

In the network namespace of the first it would take that one's bridge away.
"""

import ipaddress
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from tests.support.engine_proxy import forward
from tests.support.polling import until

UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
"""What turns a connection to an engine into one to its BuildKit; buildx does the same for its `docker` driver."""


NO_NETWORK = ("--bridge=none", "--iptables=false", "--ip6tables=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondEngine:
    """A running engine, by its own address and by that of its BuildKit."""

    engine: str
    buildkit: str


@contextmanager
def start_second_engine(
    *, containerd_store: bool = True, reaches_out: bool = False, insecure: Sequence[str] = ()
) -> Iterator[SecondEngine]:
    """Start it, and stop it with everything it holds; needs root.

    With `reaches_out` its builds reach what those of the first engine reach, else its network leads nowhere. Registries
    named by `insecure` are asked without TLS.
    """
    directory = Path(tempfile.mkdtemp(prefix="fi2-"))
    settings = {"features": {"containerd-snapshotter": containerd_store}, "insecure-registries": list(insecure)}
    (directory / "daemon.json").write_text(json.dumps(settings))
    paths = {"config-file": "daemon.json", "data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    flags = [f"--{flag}={directory / name}" for flag, name in paths.items()]
    engine = directory / "docker.sock"
    flags += [f"--host=unix://{engine}", *(() if reaches_out else NO_NETWORK)]
    # The daemon is started when its network is there, by a line on its input.
    command = ["unshare", "--net", "sh", "-c", 'read -r _ && exec dockerd "$@"', "sh", *flags]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        if reaches_out:
            until(lambda: has_own_network(process.pid), 10, lambda: "no network of its own")
            connect(process.pid)
        assert process.stdin
        process.stdin.write(b"\n")
        process.stdin.close()
        until_it_answers(process, engine, directory / "log")
        with forwarded(directory / "buildkit.sock", engine):
            yield SecondEngine(engine=f"unix://{engine}", buildkit=f"unix://{directory / 'buildkit.sock'}")
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(directory, ignore_errors=True)


def has_own_network(process: int) -> bool:
    return Path(f"/proc/{process}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def connect(process: int) -> None:
    """Put the network of a process on the first engine's bridge, with an address from its end; it ends with the process."""
    bridge = first_bridge()
    subnet = ipaddress.ip_network(bridge["IPAM"]["Config"][0]["Subnet"])
    gateway = near_address()
    own = f"{subnet.broadcast_address - 1 - secrets.randbelow(200)}/{subnet.prefixlen}"
    near, device = f"fi2{secrets.token_hex(4)}", bridge["Options"]["com.docker.network.bridge.name"]
    there = ("nsenter", f"--net=/proc/{process}/ns/net")
    for command in (
        ("ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", str(process)),
        ("ip", "link", "set", near, "master", device, "up"),
        (*there, "ip", "link", "set", "lo", "up"),
        (*there, "ip", "address", "add", own, "dev", "eth0"),
        (*there, "ip", "link", "set", "eth0", "up"),
        (*there, "ip", "route", "add", "default", "via", gateway),
    ):
        subprocess.run(command, check=True, capture_output=True)


def first_bridge() -> dict[str, Any]:
    with closing(docker.from_env()) as client:
        return dict(client.networks.get("bridge").attrs)


def near_address() -> str:
    """The address at which a second engine that reaches out finds this machine."""
    return str(first_bridge()["IPAM"]["Config"][0]["Gateway"])


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

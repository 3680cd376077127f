"""Makes the containers of a plan: their mounts, user, environment and limits."""

import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.host.limits import SECRET_BYTES
from builder.matrix.names import LABEL_HOST
from builder.matrix.regular_file import read_bytes
from builder.training.launcher import instructions
from builder.training.local import nodes
from builder.training.local.proxies import proxies, unreachable
from builder.training.request.plan import CONTROL, LOGS, OUTPUTS, SECRETS, SOURCE, Mount, RunPlan

if TYPE_CHECKING:
    import docker

LABEL_DIRECTORY = "framework-images.run-directory"
LOG = {"max-size": "1024g", "max-file": "1", "compress": "false"}
"""The engine's `local` driver keeps every byte as it is; its JSON driver does not. The log goes with the container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who the processes of a container run as."""

    words: str | None
    """What the engine is told, e.g. `501:20`; None leaves it to the image."""
    uid: int | None
    """The owner of what they write; None when only the image knows it."""
    gid: int = 0


def user_of(configured: str, *, uid: int, gid: int) -> User:
    """The user of the container: the caller, who then owns the files. When root calls, the image decides."""
    if uid:
        return User(words=f"{uid}:{gid}", uid=uid, gid=gid)
    name, _, group = configured.partition(":")
    if not name or name == "root":
        return User(words=None, uid=0)
    return User(words=None, uid=int(name) if name.isdigit() else None, gid=int(group) if group.isdigit() else 0)


def prepare(directory: Path, plan: RunPlan, user: User) -> list[Mount]:
    """Fill the run's directory. Returns its parts as mounts, which the container's user may read or write."""
    control = directory / "control"
    for name in ("outputs", "logs", "control"):
        (directory / name).mkdir()
        (directory / name).chmod(0o755)
    for name in ("outputs", "logs"):
        own(directory / name, user)
    shutil.copyfile(instructions.SOURCE, control / instructions.SOURCE.name)
    hosts = tuple(map(instructions.node_name, range(plan.nodes)))
    told = instructions.of_plan(plan, directory.name, hosts)
    (control / instructions.FILE).write_text(told.to_json(), "utf-8")
    for file in control.iterdir():
        file.chmod(0o644)
    return [
        Mount(source=plan.snapshot.path, target=SOURCE),
        Mount(source=str(directory / "outputs"), target=OUTPUTS, read_only=False),
        Mount(source=str(directory / "logs"), target=LOGS, read_only=False),
        Mount(source=str(control), target=CONTROL),
        *plan.inputs,
        *secret_mounts(directory, plan, user),
        *(ssh_mounts(directory, user) if plan.topology.backend == "mpi" and plan.nodes > 1 else ()),
    ]


def own(path: Path, user: User) -> None:
    """Let the container's user write there. An unknown user needs a path that everybody may write to."""
    if os.getuid() == 0 and user.uid is not None:
        os.chown(path, user.uid, user.gid)
    elif user.uid is None:
        path.chmod(0o777)


def secret_mounts(directory: Path, plan: RunPlan, user: User) -> list[Mount]:
    """A private copy of each secret. The copies are deleted when the run is over."""
    found = []
    for name, source in plan.secrets:
        copy = directory / "secrets" / name
        copy.parent.mkdir(exist_ok=True, mode=0o700)
        write_private(copy, read_bytes(Path(source), SECRET_BYTES), user)
        found.append(Mount(source=str(copy), target=f"{SECRETS}/{name}"))
    return found


def ssh_mounts(directory: Path, user: User) -> list[Mount]:
    """The SSH key of this run, for its nodes only; and a passwd file for a user whom the image does not know."""
    place = directory / "ssh"
    place.mkdir(mode=0o755)
    private, public = ssh_key_pair()
    write_private(place / "id_rsa", private, user)
    write_private(place / "authorized_keys", public, user)
    found = [Mount(source=str(place), target=instructions.SSH)]
    if user.words:
        (place / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\ntrainer:x:{user.uid}:{user.gid}::/tmp:/bin/sh\n")
        found.append(Mount(source=str(place / "passwd"), target="/etc/passwd"))
    return found


def ssh_key_pair() -> tuple[bytes, bytes]:
    """A new private key and its public half, in the format of OpenSSH."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n"


def write_private(path: Path, content: bytes, user: User) -> None:
    """Write a file for the container's user only. Where that user is unknown, everybody in the container reads it."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    own(path, user)
    path.chmod(0o400 if user.uid is not None else 0o444)


def variables(plan: RunPlan, user: User, around: Mapping[str, str]) -> dict[str, str]:
    """The environment of the container: the proxies around us, our defaults, and the caller's variables over both."""
    named = map(instructions.node_name, range(plan.nodes)) if plan.nodes > 1 else ()
    found = {**proxies(around, plan.shared_environment(), named), **instructions.defaults(plan)}
    if user.words and user.words != plan.image.user:
        # The image's /etc/passwd lacks this user, and torch asks for a home and a name.
        found.update(HOME="/tmp", USER="trainer", LOGNAME="trainer")  # noqa: S108 (the container's own)
    return {**found, **plan.shared_environment()}


def create(
    client: "docker.DockerClient", run: str, directory: Path, plan: RunPlan, *, gpus: bool, tty: bool | None = None
) -> None:
    """Make the containers of a run, one for each node, without starting them. Several share a private network.

    `tty` is whether a person at a prompt has a terminal; None where the launcher runs a script.
    """
    user = user_of(plan.image.user, uid=os.getuid(), gid=os.getgid())
    for one in unreachable(os.environ):
        print(
            f"note: {one} is a proxy of this machine, which a container does not reach: the run has none",
            file=sys.stderr,
        )
    mounts = prepare(directory, plan, user)
    network = nodes.connect(client, run) if plan.nodes > 1 else None
    for node in range(plan.nodes):
        client.api.create_container(
            plan.image.digest,
            name=nodes.container_of(run, node),
            hostname=instructions.node_name(node) if network else None,
            entrypoint=list(instructions.node_command(node) if tty is None else plan.command),
            stdin_open=tty is not None,
            tty=bool(tty),
            command=[],
            environment=variables(plan, user, os.environ),
            labels={LABEL_HOST: socket.gethostname(), nodes.LABEL_RUN: run, LABEL_DIRECTORY: str(directory)},
            working_dir=SOURCE,
            user=user.words,
            stop_signal="SIGTERM",
            host_config=host_config(client, plan, mounts, gpus=gpus, network=network),
            networking_config=aliased(client, network, instructions.node_name(node)) if network else None,
        )


def aliased(client: "docker.DockerClient", network: str, name: str) -> dict[str, Any]:
    """A network configuration: other nodes find the container under this name."""
    endpoints: Any = {network: client.api.create_endpoint_config(aliases=[name])}
    return client.api.create_networking_config(endpoints)


def host_config(
    client: "docker.DockerClient", plan: RunPlan, mounts: list[Mount], *, gpus: bool, network: str | None
) -> dict[str, Any]:
    """The limits and mounts of a container. Swap counts as memory, so the limit of memory holds."""
    from docker.types import DeviceRequest, LogConfig
    from docker.types import Mount as Bound

    limits = plan.limits
    return client.api.create_host_config(
        mounts=[Bound(one.target, one.source, type="bind", read_only=one.read_only) for one in mounts],
        network_mode=network,
        shm_size=limits.shm,
        mem_limit=limits.memory,
        memswap_limit=limits.memory,
        pids_limit=limits.pids,
        nano_cpus=round(limits.cpus * 10**9) if limits.cpus else None,
        device_requests=[DeviceRequest(count=-1, capabilities=[["gpu"]])] if gpus else None,
        log_config=LogConfig(type="local", config=LOG),
        init=True,
    )

"""A plan as one container of the engine: what it is given, how it is started, ended and removed."""

import json
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.matrix.names import LABEL_HOST
from builder.training.launcher import instructions
from builder.training.local import nodes
from builder.training.request.plan import CONTROL, LOGS, OUTPUTS, SECRETS, SOURCE, Mount, RunPlan

if TYPE_CHECKING:
    import docker

LABEL_DIRECTORY = "framework-images.run-directory"
LOG = {"max-size": "1024g", "max-file": "1", "compress": "false"}
"""A log that keeps every byte as it is, which JSON would not, and that is gone with the container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who the processes of a container are: its words for the engine, and the number that owns what they write."""

    words: str | None
    uid: int | None
    gid: int = 0


def user_of(configured: str, *, uid: int, gid: int) -> User:
    """Who runs for a caller: the caller, so that the files are theirs; for root, whoever the image says."""
    if uid:
        return User(words=f"{uid}:{gid}", uid=uid, gid=gid)
    name, _, group = configured.partition(":")
    if not name or name == "root":
        return User(words=None, uid=0)
    return User(words=None, uid=int(name) if name.isdigit() else None, gid=int(group) if group.isdigit() else 0)


def prepare(directory: Path, plan: RunPlan, user: User) -> list[Mount]:
    """What the run writes to and reads from its own directory, as mounts; owned by the user of the container."""
    control = directory / "control"
    for name in ("outputs", "logs", "control"):
        (directory / name).mkdir()
        (directory / name).chmod(0o755)
    for name in ("outputs", "logs"):
        own(directory / name, user)
    shutil.copyfile(instructions.SOURCE, control / instructions.SOURCE.name)
    hosts = tuple(map(instructions.node_name, range(plan.nodes)))
    (control / instructions.FILE).write_text(json.dumps(instructions.instructions(plan, hosts)), "utf-8")
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
    """Let the container's user write: it is the owner, or nobody knows who it will be."""
    if os.getuid() == 0 and user.uid is not None:
        os.chown(path, user.uid, user.gid)
    elif user.uid is None:
        path.chmod(0o777)


def secret_mounts(directory: Path, plan: RunPlan, user: User) -> list[Mount]:
    """A private copy of each secret that the container's user can read; it is removed when the run is over."""
    found = []
    for name, source in plan.secrets:
        copy = directory / "secrets" / name
        copy.parent.mkdir(exist_ok=True, mode=0o700)
        copy.touch(mode=0o600)
        copy.write_bytes(Path(source).read_bytes())
        own(copy, user)
        copy.chmod(0o400 if user.uid is not None else 0o444)
        found.append(Mount(source=str(copy), target=f"{SECRETS}/{name}"))
    return found


def ssh_mounts(directory: Path, user: User) -> list[Mount]:
    """The key with which the nodes of this run let each other in, and a name for a user that the image lacks."""
    place = directory / "ssh"
    place.mkdir(mode=0o755)
    from builder.training.local import sshkeys

    private, public = sshkeys.pair()
    for name, content in (("id_rsa", private), ("authorized_keys", public)):
        (place / name).touch(mode=0o600)
        (place / name).write_bytes(content)
        own(place / name, user)
        (place / name).chmod(0o400 if user.uid is not None else 0o444)
    found = [Mount(source=str(place), target=instructions.SSH)]
    if user.words:
        (place / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\ntrainer:x:{user.uid}:{user.gid}::/tmp:/bin/sh\n")
        found.append(Mount(source=str(place / "passwd"), target="/etc/passwd"))
    return found


def variables(plan: RunPlan, user: User) -> dict[str, str]:
    """The environment of the container: our defaults, then the caller's word."""
    found = instructions.defaults(plan)
    if user.words and user.words != plan.image.user:
        # Not in the image's /etc/passwd: torch and others ask for a home and a name.
        found.update(HOME="/tmp", USER="trainer", LOGNAME="trainer")  # noqa: S108 (the container's own)
    return {**found, **plan.shared_environment()}


def create(client: "docker.DockerClient", run: str, directory: Path, plan: RunPlan, *, gpus: bool) -> None:
    """Make the containers of a run, one a node, and do not start them; several get a network of their own."""
    user = user_of(plan.image.user, uid=os.getuid(), gid=os.getgid())
    mounts = prepare(directory, plan, user)
    network = nodes.connect(client, run) if plan.nodes > 1 else None
    for node in range(plan.nodes):
        client.api.create_container(
            plan.image.digest,
            name=nodes.container_of(run, node),
            hostname=instructions.node_name(node) if network else None,
            entrypoint=list(instructions.node_command(node)),
            command=[],
            environment=variables(plan, user),
            labels={LABEL_HOST: socket.gethostname(), nodes.LABEL_RUN: run, LABEL_DIRECTORY: str(directory)},
            working_dir=SOURCE,
            user=user.words,
            stop_signal="SIGTERM",
            host_config=host_config(client, plan, mounts, gpus=gpus, network=network),
            networking_config=named(client, network, instructions.node_name(node)) if network else None,
        )


def named(client: "docker.DockerClient", network: str, name: str) -> dict[str, Any]:
    """The name under which the other nodes find a container."""
    endpoints: Any = {network: client.api.create_endpoint_config(aliases=[name])}
    return client.api.create_networking_config(endpoints)


def host_config(
    client: "docker.DockerClient", plan: RunPlan, mounts: list[Mount], *, gpus: bool, network: str | None
) -> dict[str, Any]:
    """The limits and mounts of a container; memory has no swap beside it, so that a limit is one."""
    from docker.types import DeviceRequest, LogConfig
    from docker.types import Mount as Bound

    limits = plan.limits
    return client.api.create_host_config(
        mounts=[Bound(one.target, one.source, type="bind", read_only=one.read_only) for one in mounts],
        network_mode=network,
        shm_size=limits.shm,
        mem_limit=limits.memory,
        memswap_limit=limits.memory,
        nano_cpus=round(limits.cpus * 10**9) if limits.cpus else None,
        device_requests=[DeviceRequest(count=-1, capabilities=[["gpu"]])] if gpus else None,
        log_config=LogConfig(type="local", config=LOG),
        init=True,
    )

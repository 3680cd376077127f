"""An image that is ready to be verified: its promise is read, and a container of it runs `sleep`."""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.errors import EngineError, VerifyError
from builder.host import engine
from builder.host.architecture import oci_name
from builder.host.leftovers import host
from builder.matrix.derived_label import DerivedLabel, derived_in
from builder.matrix.names import LABEL_HOST, LABEL_OWNER
from builder.matrix.promise import Promise, promise_in
from builder.verify.report import HostKind

if TYPE_CHECKING:
    import docker
    from testinfra.backend.base import CommandResult

HINT = "verify an image that `python -m builder build` made; `docker inspect` shows its labels"
SHARED_MEMORY = "512m"
PROCESSES = 1024
"""The processes of a container at once; importing a hundred distributions and two ranks of MPI take some dozens."""
MEMORY = "12g"
"""What a container may take of the host; importing all of torch 2 for GPU takes 2 GB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the checks need; `seconds` is the time until the container ran."""

    reference: str
    digest: str
    client: "docker.DockerClient"
    container: str
    """The container's id."""
    label: Promise
    derived: DerivedLabel | None
    config: Mapping[str, Any]
    host: HostKind
    seconds: float


@contextlib.contextmanager
def ready(reference: str) -> Iterator[Ready]:
    """The image with a container that lasts as long as the block. Each call has its own client, so any thread may.

    Raises InputError for an image that is not ours, and EngineError.
    """
    began = time.monotonic()
    with engine.connected() as client:
        image = engine.described(client, reference)
        digest = str(image["Id"])
        labels = image["Config"].get("Labels") or {}
        label, derived, host = promise(image), derived_in(labels, digest), host_kind(client)
        with container(client, digest, gpu=host.gpu != "none") as identity:
            yield Ready(
                reference=reference,
                digest=digest,
                client=client,
                container=identity,
                label=label,
                derived=derived,
                config=image["Config"],
                host=host,
                seconds=time.monotonic() - began,
            )


def promised(reference: str) -> Promise:
    """What the label of an image says; raises InputError when it was not built here."""
    with engine.connected() as client:
        return promise(engine.described(client, reference))


def assert_there(image: Ready) -> None:
    """Raise unless the container still runs: checks that failed for want of it say nothing about the image."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        state = image.client.api.inspect_container(image.container)["State"]
    except (DockerException, RequestException) as error:
        raise EngineError(
            f"the engine went away while {image.digest} was verified, so nothing is known about it: "
            f"{engine.reason(error)}",
            hint=f"{engine.DOCTOR}; then repeat this, and python -m builder clean removes the container",
        ) from error
    if not state["Running"]:
        why = "for want of memory" if state.get("OOMKilled") else f"with exit code {state.get('ExitCode')}"
        raise VerifyError(
            f"the container of {image.digest} ended {why} while the checks ran, so nothing is known about the image",
            hint="dmesg, and free memory; then repeat this",
        )


def promise(image: Mapping[str, Any]) -> Promise:
    """What the label of an image says; raises InputError when it was not built here."""
    return promise_in(image["Config"].get("Labels") or {}, str(image["Id"]), HINT)


def has_gpu(client: "docker.DockerClient") -> bool:
    """Whether this engine can hand a GPU to a container."""
    return host_kind(client).gpu != "none"


def host_kind(client: "docker.DockerClient") -> HostKind:
    """What the engine says of its host."""
    info = client.info()
    return HostKind(
        architecture=oci_name(str(info["Architecture"])),
        gpu="nvidia" if "nvidia" in (info.get("Runtimes") or {}) else "none",
        engine=str(info["ServerVersion"]),
    )


def own_name() -> str:
    """A name by which `clean` knows a container of this process."""
    return f"framework-images-{os.getpid()}-{secrets.token_hex(4)}"


def confined() -> dict[str, Any]:
    """The options of a container in which a foreign image runs: no network, no privileges, limits, and whose it is."""
    return {
        "labels": {LABEL_HOST: host(), LABEL_OWNER: str(os.getpid())},
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": PROCESSES,
        "mem_limit": MEMORY,
        "memswap_limit": MEMORY,
    }


@contextlib.contextmanager
def container(client: "docker.DockerClient", digest: str, *, gpu: bool = False) -> Iterator[str]:
    """A container of the image that runs `sleep`, confined. It is removed by its name in every case.

    It has no network, no new privileges, limits of processes and memory, and of all capabilities one: root, which looks
    for what nobody should find, may read every file.
    """
    from docker.errors import DockerException
    from docker.types import DeviceRequest
    from requests.exceptions import RequestException

    name = own_name()
    try:
        started = client.containers.run(
            digest,
            name=name,
            detach=True,
            entrypoint=["sleep", "infinity"],
            command=[],
            cap_add=["DAC_READ_SEARCH"],
            init=True,
            **confined(),
            shm_size=SHARED_MEMORY,
            device_requests=[DeviceRequest(count=-1, capabilities=[["gpu"]])] if gpu else [],
        )
        yield str(started.id)
    except BaseException:
        with contextlib.suppress(DockerException, RequestException):  # the first error is the one to tell
            remove(client, name)
        raise
    else:
        remove(client, name)


def answer(client: "docker.DockerClient", digest: str, command: str, *args: str, **shell: Any) -> "CommandResult":  # noqa: ANN401 (the options of ShellBackend)
    """What a command gives in a container of the image, which is then removed.

    Raises VerifyError when it prints or lasts too long, and EngineError.
    """
    with container(client, digest) as identity:
        return asked(identity, command, *args, **shell)


def asked(container: str, command: str, *args: str, **shell: Any) -> "CommandResult":  # noqa: ANN401 (the options of ShellBackend)
    """The same in a container that runs."""
    from builder.verify.checks.backend import ShellBackend

    with contextlib.closing(ShellBackend(container, **shell)) as backend:
        return backend.run(command, *args)


def remove(client: "docker.DockerClient", name: str) -> None:
    from docker.errors import NotFound

    with contextlib.suppress(NotFound):
        client.api.remove_container(name, force=True, v=True)

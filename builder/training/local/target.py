"""Runs on the engine of this machine: one container for a node."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import InputError
from builder.host import engine
from builder.host.files import expanded
from builder.training.images import engine_image
from builder.training.launcher import instructions
from builder.training.local import containers, nodes
from builder.training.local.run import Run
from builder.training.records import record
from builder.training.request import snapshot
from builder.training.request.argument_checks import is_there
from builder.training.request.plan import RunPlan
from builder.training.request.run_request import RunRequest, plan_of
from builder.training.request.sizes import size
from builder.verify.container import has_gpu

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTarget:
    """The engine of this machine, and what a run may use of it; sizes as `512m` or `2g`."""

    memory: str | None = None
    cpus: float | None = None
    secrets: Mapping[str, str | PathLike[str]] = field(default_factory=dict)
    """Files whose content the script reads at /run/secrets/NAME, and whose path is in NAME_FILE."""
    repository: str | None = None
    """The name of the images, as `build --repository` has it."""
    matrix: Path | None = None
    site: Path | None = None
    runs: Path | None = None
    source_limit: str = "300m"

    def __post_init__(self) -> None:
        problems = [
            f"{name}: {value!r} is not a size like 2g or 512m"
            for name, value in (("memory", self.memory), ("source_limit", self.source_limit))
            if value is not None and size(value) is None
        ]
        if self.cpus is not None and not self.cpus > 0:
            problems.append(f"cpus: {self.cpus!r} is not a number above 0")
        for name, path in self.secrets.items():
            if not record.SECRET.fullmatch(name):
                problems.append(f"secrets: {name!r} is not a name of letters, digits and _")
            elif not is_there(expanded(path)):
                problems.append(f"secrets: {name}: {path} does not exist, or may not be read")
        if problems:
            raise InputError(problems)

    def submit(self, request: RunRequest) -> Run:
        """Start the run; raises InputError or EngineError, and leaves nothing then."""
        request = meeting(request)
        place = record.root(self.runs)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        origin = engine_image.ImageOrigin(repository=self.repository, matrix=self.matrix, site=self.site)
        limit = size(self.source_limit) or snapshot.LIMIT
        taken = snapshot.take(request.source, place / snapshot.STORE, limit=limit, skip=(place,))
        with engine.connected() as client:
            plan = plan_of(
                request,
                image=engine_image.resolve(client, request, origin),
                snapshot=taken,
                memory=size(self.memory),
                cpus=self.cpus,
                secrets=tuple((name, str(expanded(path).resolve())) for name, path in self.secrets.items()),
            )
            return start(client, plan, place)


def meeting(request: RunRequest) -> RunRequest:
    """The request, where several nodes know the first by its name on their network."""
    if request.topology.nodes == 1:
        return request
    return replace(request, topology=replace(request.topology, master_address=instructions.node_name(0)))


def start(client: "docker.DockerClient", plan: RunPlan, place: Path) -> Run:
    """Start a planned run; whatever goes wrong leaves neither a container nor a directory."""
    gpus = gpus_for(client, plan)
    run = Run(directory=place / record.new_id(plan.command[1]))
    run.directory.mkdir(mode=0o700)
    try:
        written = record.write(run.directory, record.Record(run=run.id, plan=plan, submitted=record.now()))
        containers.create(client, run.id, run.directory, plan, gpus=gpus)
        for node in range(plan.nodes):
            begin(client, nodes.container_of(run.id, node), plan)
        record.write(run.directory, replace(written, status="running", started=record.now()))
    except BaseException:
        nodes.remove(client, run.id)
        shutil.rmtree(run.directory, ignore_errors=True)
        raise
    return run


def repeated(client: "docker.DockerClient", plan: RunPlan, place: Path) -> Run:
    """Start a plan of the past again; raises InputError when something it needs is no longer there."""
    needed = [plan.snapshot.path, *(one.source for one in plan.inputs), *(path for _, path in plan.secrets)]
    problems = [f"{path}: the run needs it, and it is gone" for path in needed if not Path(path).exists()]
    if engine.inspect(client, plan.image.digest) is None:
        problems.append(f"{plan.image.digest}: this engine no longer has the image ({plan.image.reference})")
    if problems:
        raise InputError(problems)
    return start(client, plan, place)


def begin(client: "docker.DockerClient", container: str, plan: RunPlan) -> None:
    """Start a container; raises InputError when the image has no Python to start."""
    from docker.errors import APIError

    try:
        client.api.start(container)
    except APIError as error:
        if "executable file not found" not in engine.reason(error):
            raise
        raise InputError(f"{plan.image.reference}: there is no `python` on its PATH to run the script with") from None


def gpus_for(client: "docker.DockerClient", plan: RunPlan) -> bool:
    """Whether the run gets GPUs: it must want them, and the engine must have them; says so when it has none."""
    if not plan.limits.gpus:
        return False
    if has_gpu(client):
        return True
    if plan.topology.backend == "nccl":
        raise InputError("Nccl needs GPUs, and this engine has none: use Gloo()", hint="python -m builder doctor")
    print("this engine has no GPU: the script finds none, and runs on the processor", file=sys.stderr)
    return False

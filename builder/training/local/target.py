"""The engine of this machine as a target: plans a run, starts its containers, starts a run of the past again."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import InputError
from builder.host import engine
from builder.training.images import engine_image
from builder.training.launcher import instructions
from builder.training.local import containers, nodes, prompt
from builder.training.local.run import LocalRun
from builder.training.records import record
from builder.training.request import resources, snapshot
from builder.training.request.plan import DEFAULT_PIDS, RunPlan, Snapshot
from builder.training.request.run_request import RunRequest, plan_of
from builder.training.request.sizes import size
from builder.verify.container import has_gpu

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTarget:
    """The engine of this machine, and what a run may use of it. Sizes are text like `512m` or `2g`."""

    memory: str | None = None
    cpus: float | None = None
    pids_limit: int | None = None
    """Processes and threads of a node at once; there is always a limit."""
    secrets: Mapping[str, str | PathLike[str]] = field(default_factory=dict)
    """Files of this host by name. The script reads one at /run/secrets/NAME; the variable NAME_FILE has that path."""
    repository: str | None = None
    """The name of the images, as `build --repository` takes it."""
    matrix: Path | None = None
    site: Path | None = None
    runs: Path | None = None
    source_limit: str = "300m"

    def __post_init__(self) -> None:
        resources.check(
            memory=self.memory,
            cpus=self.cpus,
            pids_limit=self.pids_limit,
            source_limit=self.source_limit,
            secrets=self.secrets,
        )

    def submit(self, request: RunRequest) -> LocalRun:
        """Start the run. Raises InputError or EngineError; then nothing of the run is left."""
        taken = self._snapshot(request)
        with engine.connected() as client:
            return start(client, self._plan(client, with_master_address(request), taken), record.root(self.runs))

    def prompt(self, request: RunRequest) -> LocalRun:
        """Make the run of a person at a prompt, which `local.prompt.attach` begins. Raises BuilderError."""
        taken = self._snapshot(request)
        with engine.connected() as client:
            plan = self._plan(client, request, taken)
            return prompt.prepared(client, plan, record.root(self.runs), gpus=gpus_for(client, plan))

    def _snapshot(self, request: RunRequest) -> Snapshot:
        """The source in the store of snapshots, before the engine is asked."""
        place = record.root(self.runs)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        limit = size(self.source_limit) or snapshot.LIMIT
        return snapshot.take(request.source, place / snapshot.STORE, limit=limit, skip=(place,))

    def _plan(self, client: "docker.DockerClient", request: RunRequest, taken: Snapshot) -> RunPlan:
        """The plan of the run, with the image that this engine has."""
        origin = engine_image.ImageOrigin(repository=self.repository, matrix=self.matrix, site=self.site)
        return plan_of(
            request,
            image=engine_image.resolve(client, request, origin),
            snapshot=taken,
            memory=size(self.memory),
            cpus=self.cpus,
            pids=self.pids_limit or DEFAULT_PIDS,
            secrets=resources.secret_files(self.secrets),
        )


def with_master_address(request: RunRequest) -> RunRequest:
    """The request with the name of the first node, under which the others find it on their network."""
    if request.topology.nodes == 1:
        return request
    return replace(request, topology=replace(request.topology, master_address=instructions.node_name(0)))


def start(client: "docker.DockerClient", plan: RunPlan, place: Path) -> LocalRun:
    """Start a planned run. An error leaves neither a container nor a directory."""
    engine.assert_mounts()
    gpus = gpus_for(client, plan)
    run = LocalRun(directory=place / record.new_id(plan.entry))
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


def repeated(client: "docker.DockerClient", plan: RunPlan, place: Path) -> LocalRun:
    """Start the plan of an earlier run again. Raises InputError when something that it needs is gone."""
    if plan.is_prompt:
        raise InputError("that run was a prompt, which a person repeats", hint="python -m builder run --shell")
    needed = [plan.snapshot.path, *(one.source for one in plan.inputs), *(path for _, path in plan.secrets)]
    problems = [f"{path}: the run needs it, and it is gone" for path in needed if not Path(path).exists()]
    if engine.inspect(client, plan.image.digest) is None:
        problems.append(f"{plan.image.digest}: this engine no longer has the image ({plan.image.reference})")
    if problems:
        raise InputError(problems)
    return start(client, plan, place)


def begin(client: "docker.DockerClient", container: str, plan: RunPlan) -> None:
    """Start a container. Raises InputError when the image has no `python`."""
    from docker.errors import APIError

    try:
        client.api.start(container)
    except APIError as error:
        if "executable file not found" not in engine.reason(error):
            raise
        raise InputError(f"{plan.image.reference}: there is no `python` on its PATH to run the script with") from None


def gpus_for(client: "docker.DockerClient", plan: RunPlan) -> bool:
    """Whether the run gets GPUs. A note on stderr says when it wants them and the engine has none.

    Raises InputError when the run cannot do without: NCCL works between GPUs only.
    """
    if not plan.limits.gpus:
        return False
    if has_gpu(client):
        return True
    if plan.topology.backend == "nccl":
        raise InputError(
            "NCCL needs GPUs, and this engine has none: Gloo does without", hint="python -m builder doctor"
        )
    print("this engine has no GPU: the script finds none, and runs on the processor", file=sys.stderr)
    return False

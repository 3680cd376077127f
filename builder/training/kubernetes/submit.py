"""A run on a cluster, from a request to objects: planned here, created whole or not at all."""

import base64
import contextlib
import gzip
import io
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from builder.errors import BuilderError, ClusterError, InputError
from builder.host.files import expanded
from builder.training.images import registry_image
from builder.training.images.engine_image import ImageOrigin
from builder.training.kubernetes import api
from builder.training.kubernetes.jobs import kind_of, master_of, metadata, objects
from builder.training.kubernetes.pods import Object
from builder.training.kubernetes.run import ClusterRun
from builder.training.kubernetes.settings import KubernetesTarget
from builder.training.launcher import instructions
from builder.training.records import record
from builder.training.request import snapshot
from builder.training.request.argument_checks import is_there
from builder.training.request.plan import RunPlan
from builder.training.request.run_request import RunRequest, plan_of
from builder.training.request.sizes import size

NOT_RECORDED = ("secrets", "matrix", "site", "insecure_registries", "runs")
"""Of a target, what a run does not need any more, or what stands in its plan."""


def submit(target: KubernetesTarget, request: RunRequest) -> ClusterRun:
    """Start the run; raises BuilderError, and leaves nothing on the cluster then."""
    place = record.root(target.runs)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    cluster = api.connect(target)
    return start(cluster, planned(target, request, place), target, place)


def document(target: KubernetesTarget, request: RunRequest) -> str:
    """The objects of the run but its secrets as YAML documents; says on stderr which Secret is to be made."""
    with tempfile.TemporaryDirectory() as scratch:
        plan = planned(target, request, Path(scratch))
        name = name_of(plan)
        plan = met(plan, name)
        found = rendered(plan, target, name)
    if plan.secrets:
        files = " ".join(f"--from-file={key}=FILE" for key, _ in plan.secrets)
        print(
            f"the run reads a Secret, which is not printed: "
            f"kubectl create secret generic {name}-secrets --namespace {target.namespace} {files}",
            file=sys.stderr,
        )
    return stream(found)


def stream(found: list[Object]) -> str:
    """The objects as YAML documents; text of several lines stays readable."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return yaml.dump_all(found, Dumper=Dumper, sort_keys=False, allow_unicode=True, explicit_start=True)


def planned(target: KubernetesTarget, request: RunRequest, place: Path) -> RunPlan:
    """The run as a value: its image as a registry has it, its source as a snapshot."""
    origin = ImageOrigin(
        repository=target.repository,
        matrix=target.matrix,
        site=target.site,
        insecure_registries=target.insecure_registries,
    )
    image = registry_image.resolve(request, target.registry, origin)
    limit = size(target.source_limit) or snapshot.LIMIT
    return plan_of(
        request,
        image=image,
        snapshot=snapshot.take(request.source, place / snapshot.STORE, limit=limit, skip=(record.root(target.runs),)),
        memory=size(target.memory),
        cpus=target.cpus,
        secrets=tuple((name, str(expanded(path).resolve())) for name, path in target.secrets.items()),
    )


def name_of(plan: RunPlan) -> str:
    """A new name for a run, which services may have too: they begin with a letter."""
    name = record.new_id(plan.command[1])
    return name if name[0].isalpha() else f"run-{name}"


def met(plan: RunPlan, name: str) -> RunPlan:
    """The plan, where several nodes know the first by what the cluster calls it in this run."""
    if plan.nodes == 1:
        return plan
    return replace(plan, topology=replace(plan.topology, master_address=master_of(name, kind_of(plan))))


def rendered(plan: RunPlan, target: KubernetesTarget, name: str) -> list[Object]:
    """The objects of the run; raises InputError."""
    import json

    files = {
        instructions.SOURCE.name: instructions.SOURCE.read_text("utf-8"),
        instructions.FILE: json.dumps(instructions.instructions(plan)),
    }
    archive = b"" if target.source_claim else packed(Path(plan.snapshot.path))
    return objects(plan, target, name, files=files, archive=archive)


def packed(directory: Path) -> bytes:
    """A snapshot as a compressed archive: the same snapshot gives the same bytes."""
    target = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(directory.rglob("*")):
            archive.add(path, str(path.relative_to(directory)), recursive=False, filter=anonymous)
    return target.getvalue()


def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """An entry without what differs from host to host."""
    entry.uid = entry.gid = 0
    entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def start(cluster: api.Cluster, plan: RunPlan, target: KubernetesTarget, place: Path) -> ClusterRun:
    """Create the run's objects; whatever goes wrong leaves neither an object nor a directory."""
    name = name_of(plan)
    plan = met(plan, name)
    *needed, job = rendered(plan, target, name)
    if plan.secrets:
        needed.append(secret(plan, target, name))
    run = ClusterRun(directory=place / name)
    run.directory.mkdir(mode=0o700)
    known = {key: value for key, value in asdict(target).items() if key not in NOT_RECORDED}
    # Whoever takes the run over may have another current context, or be in another directory.
    known |= {"context": cluster.context, "kubeconfig": absolute(target.kubeconfig)}
    try:
        written = record.Record(run=name, plan=plan, submitted=record.now(), cluster=known)
        record.write(run.directory, written)
        with undone(cluster) as attempted:
            owner = create(cluster, suspended(job), attempted)
            for one in needed:
                create(cluster, owned(one, owner), attempted)
            cluster.begin(job, suspension(job, is_on=False))
    except BaseException:
        shutil.rmtree(run.directory, ignore_errors=True)
        raise
    return run


def absolute(path: str | None) -> str | None:
    return str(expanded(path).resolve()) if path else None


def create(cluster: api.Cluster, body: Object, attempted: list[Object]) -> Object:
    """Create an object; it counts as attempted unless the cluster said for sure that it did not create it."""
    attempted.append(body)
    try:
        return cluster.create(body)
    except ClusterError as error:
        if error.status in api.REFUSED:
            attempted.pop()
        raise


@contextlib.contextmanager
def undone(cluster: api.Cluster) -> Iterator[list[Object]]:
    """The objects that an error in the block removes again, the last first; says which it could not."""
    attempted: list[Object] = []
    try:
        yield attempted
    except BaseException:
        for body in reversed(attempted):
            try:
                cluster.delete(body)
            except BuilderError as error:
                what = f"{body['kind'].lower()} {body['metadata']['name']} --namespace {cluster.namespace}"
                print(f"{error.message}; it may be left: kubectl delete {what}", file=sys.stderr)
        raise


def suspension(job: Object, *, is_on: bool) -> Object:
    """What of a job says whether it waits."""
    place = {"suspend": is_on}
    return {"spec": place if job["kind"] == "Job" else {"runPolicy": place}}


def suspended(job: Object) -> Object:
    """The job, waiting for what it reads: one that is cut off while all is created never begins."""
    spec, wanted = job["spec"], suspension(job, is_on=True)["spec"]
    if "runPolicy" in wanted:
        wanted = {"runPolicy": {**spec["runPolicy"], **wanted["runPolicy"]}}
    return {**job, "spec": {**spec, **wanted}}


def owned(body: Object, owner: Object) -> Object:
    """The object as part of the job: whoever deletes the job deletes it too."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    return {**body, "metadata": {**body["metadata"], "ownerReferences": [reference]}}


def secret(plan: RunPlan, target: KubernetesTarget, name: str) -> Object:
    """The secrets of the run, read at this moment; raises InputError when one cannot be read."""
    try:
        data = {key: base64.b64encode(Path(path).read_bytes()).decode() for key, path in plan.secrets}
    except OSError as error:
        raise InputError(f"secrets: {error.filename}: {error.strerror}") from None
    meta = metadata(target, f"{name}-secrets", name)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "immutable": True, "data": data}


def repeated(run: ClusterRun, place: Path) -> ClusterRun:
    """Start a run of the past again, on the same cluster; raises BuilderError."""
    plan = run.plan
    needed = [plan.snapshot.path, *(path for _, path in plan.secrets)]
    problems = [f"{path}: the run needs it, and it is gone" for path in needed if not is_there(Path(path))]
    if problems:
        raise InputError(problems)
    return start(api.connect(run.target), plan, run.target, place)

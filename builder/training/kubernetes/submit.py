"""Creates the objects of a planned run on a cluster: all of them, or none."""

import base64
import contextlib
import gzip
import io
import shutil
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from builder.errors import BuilderError, ClusterError, InputError
from builder.host.files import expanded
from builder.host.limits import SECRET_BYTES
from builder.matrix.regular_file import read_bytes
from builder.training.kubernetes import api
from builder.training.kubernetes.jobs import kind_of, master_of, metadata, objects
from builder.training.kubernetes.pods import Object
from builder.training.kubernetes.run import ClusterRun
from builder.training.kubernetes.settings import ClusterSettings
from builder.training.launcher import instructions
from builder.training.records import record
from builder.training.request.argument_types import is_there
from builder.training.request.plan import RunPlan


def start(cluster: api.Cluster, plan: RunPlan, settings: ClusterSettings, runs: Path) -> ClusterRun:
    """Create the run's objects. An error leaves neither an object nor a directory. Raises BuilderError."""
    name = new_name(plan)
    plan = with_master_address(plan, name)
    *needed, job = objects_of(plan, settings, name)
    if plan.secrets:
        needed.append(secret(plan, settings, name))
    run = ClusterRun(directory=runs / name)
    run.directory.mkdir(mode=0o700)
    kubeconfig = str(expanded(settings.kubeconfig).resolve()) if settings.kubeconfig else None
    # Another process may have another current context, or be in another directory.
    known = {**settings.to_record(), "context": cluster.context, "kubeconfig": kubeconfig}
    try:
        record.write(run.directory, record.Record(run=name, plan=plan, submitted=record.now(), cluster=known))
        with deleted_on_error(cluster) as attempted:
            owner = create(cluster, suspended(job), attempted)
            for one in needed:
                create(cluster, owned_by(owner, one), attempted)
            cluster.begin(job, suspension(job, is_on=False))
    except BaseException:
        shutil.rmtree(run.directory, ignore_errors=True)
        raise
    return run


def repeated(run: ClusterRun, runs: Path) -> ClusterRun:
    """Start an earlier run again, on the same cluster. Raises InputError when something that it needs is gone."""
    plan = run.plan
    needed = [plan.snapshot.path, *(path for _, path in plan.secrets)]
    problems = [f"{path}: the run needs it, and it is gone" for path in needed if not is_there(Path(path))]
    if problems:
        raise InputError(problems)
    return start(api.connect(run.settings), plan, run.settings, runs)


def new_name(plan: RunPlan) -> str:
    """A new name for the run. Services have the same name, and theirs begin with a letter."""
    name = record.new_id(plan.entry)
    return name if name[0].isalpha() else f"run-{name}"


def with_master_address(plan: RunPlan, name: str) -> RunPlan:
    """The plan with the name of the first node, under which the others find it on the cluster."""
    if plan.nodes == 1:
        return plan
    return replace(plan, topology=replace(plan.topology, master_address=master_of(name, kind_of(plan))))


def objects_of(plan: RunPlan, settings: ClusterSettings, name: str) -> list[Object]:
    """The objects of the run except its Secret; the job is the last. Raises InputError."""
    files = {
        instructions.SOURCE.name: instructions.SOURCE.read_text("utf-8"),
        instructions.FILE: instructions.of_plan(plan, name).to_json(),
    }
    archive = b"" if settings.source_claim else archive_of(Path(plan.snapshot.path))
    return objects(plan, settings, name, files=files, archive=archive)


def archive_of(directory: Path) -> bytes:
    """A snapshot as a compressed archive. The same snapshot gives the same bytes."""
    target = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(directory.rglob("*")):
            archive.add(path, str(path.relative_to(directory)), recursive=False, filter=anonymous)
    return target.getvalue()


def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """An entry without owner and time, which differ from host to host."""
    entry.uid = entry.gid = 0
    entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def create(cluster: api.Cluster, body: Object, attempted: list[Object]) -> Object:
    """Create an object, and count it as attempted unless the cluster surely refused it. Raises ClusterError."""
    attempted.append(body)
    try:
        return cluster.create(body)
    except ClusterError as error:
        if error.status in api.REFUSED:
            attempted.pop()
        raise


@contextlib.contextmanager
def deleted_on_error(cluster: api.Cluster) -> Iterator[list[Object]]:
    """A list of objects. An error in the block deletes them, the last first; a line on stderr names those that stay."""
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
    """The part of a job that makes it wait, or begin."""
    place = {"suspend": is_on}
    return {"spec": place if job["kind"] == "Job" else {"runPolicy": place}}


def suspended(job: Object) -> Object:
    """The job, waiting until all that it reads exists. When we are cut off before that, it never begins."""
    spec, wanted = job["spec"], suspension(job, is_on=True)["spec"]
    if "runPolicy" in wanted:
        wanted = {"runPolicy": {**spec["runPolicy"], **wanted["runPolicy"]}}
    return {**job, "spec": {**spec, **wanted}}


def owned_by(owner: Object, body: Object) -> Object:
    """The object as part of the job: the cluster deletes it with the job."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    return {**body, "metadata": {**body["metadata"], "ownerReferences": [reference]}}


def secret(plan: RunPlan, settings: ClusterSettings, name: str) -> Object:
    """The Secret of the run, read from its files now. Raises InputError when a file cannot be read."""
    try:
        data = {key: base64.b64encode(read_bytes(Path(path), SECRET_BYTES)).decode() for key, path in plan.secrets}
    except OSError as error:
        raise InputError(f"secrets: {error.filename}: {error.strerror}") from None
    meta = metadata(settings, f"{name}-secrets", name)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "immutable": True, "data": data}

"""A cluster as a target: plans a run for it, submits the run, or writes it down for kubectl."""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import ClassVar

from builder.training.images.engine_image import ImageOrigin
from builder.training.kubernetes import api
from builder.training.kubernetes.pods import Object
from builder.training.kubernetes.run import ClusterRun
from builder.training.kubernetes.settings import ClusterSettings
from builder.training.kubernetes.submit import new_name, objects_of, start, with_master_address
from builder.training.records import record
from builder.training.request import resources, snapshot
from builder.training.request.plan import RunPlan
from builder.training.request.run_request import RunRequest, plan_of
from builder.training.request.sizes import size


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesTarget(ClusterSettings):
    """A namespace of a cluster, and what of this host a run reads when it is submitted."""

    is_here: ClassVar[bool] = False
    secrets: Mapping[str, str | PathLike[str]] = field(default_factory=dict)
    """Files of this host, which become a Secret of the run. The script reads them at /run/secrets/NAME."""
    insecure_registries: tuple[str, ...] = ()
    """Besides those that the site names."""
    matrix: Path | None = None
    site: Path | None = None
    runs: Path | None = None

    def __post_init__(self) -> None:
        resources.check(memory=self.memory, cpus=self.cpus, source_limit=self.source_limit, secrets=self.secrets)

    def submit(self, request: RunRequest) -> ClusterRun:
        """Create the run on the cluster. Raises BuilderError; then nothing of the run is left there."""
        runs = record.root(self.runs)
        runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        cluster = api.connect(self)
        return start(cluster, self._plan(request, runs), self, runs)

    def document(self, request: RunRequest) -> str:
        """The objects of the run as YAML for `kubectl apply --filename -`. The cluster is not asked.

        Secrets are left out; a line on stderr tells how to make theirs. Raises BuilderError.
        """
        with tempfile.TemporaryDirectory() as scratch:
            plan = self._plan(request, Path(scratch))
            name = new_name(plan)
            text = yaml_of(objects_of(with_master_address(plan, name), self, name))
        if plan.secrets:
            files = " ".join(f"--from-file={key}=FILE" for key, _ in plan.secrets)
            print(
                f"the run reads a Secret, which is not printed: "
                f"kubectl create secret generic {name}-secrets --namespace {self.namespace} {files}",
                file=sys.stderr,
            )
        return text

    def _plan(self, request: RunRequest, runs: Path) -> RunPlan:
        """The plan of the run: its image in a registry, its source as a snapshot in that directory of runs."""
        from builder.training.images import registry_image  # slow: it brings the catalogue

        origin = ImageOrigin(
            repository=self.repository,
            matrix=self.matrix,
            site=self.site,
            insecure_registries=self.insecure_registries,
        )
        limit = size(self.source_limit) or snapshot.LIMIT
        skip = (record.root(self.runs),)
        return plan_of(
            request,
            image=registry_image.resolve(request, self.registry, origin),
            snapshot=snapshot.take(request.source, runs / snapshot.STORE, limit=limit, skip=skip),
            memory=size(self.memory),
            cpus=self.cpus,
            secrets=resources.secret_files(self.secrets),
        )


def yaml_of(objects: list[Object]) -> str:
    """The objects as YAML documents. Text of several lines stays readable."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return yaml.dump_all(objects, Dumper=Dumper, sort_keys=False, allow_unicode=True, explicit_start=True)

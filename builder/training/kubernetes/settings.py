"""The cluster as a value: where runs go, and what of it a run may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from builder.errors import InputError
from builder.host.files import expanded
from builder.training.records.record import SECRET
from builder.training.request.argument_checks import is_there
from builder.training.request.sizes import size

if TYPE_CHECKING:
    from builder.training.kubernetes.run import ClusterRun
    from builder.training.request.run_request import RunRequest

CLAIM = "pvc://"
"""`pvc://CLAIM/PATH` is a path of a PersistentVolumeClaim; any other path is one of the cluster's nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesTarget:
    """A namespace of a cluster; what is None is left to the cluster or to the user's kubeconfig."""

    is_here: ClassVar[bool] = False
    namespace: str = "default"
    context: str | None = None
    kubeconfig: str | None = None
    registry: str | None = None
    """HOST[/PREFIX] of the registry that the cluster pulls the images of the matrix from."""
    pull_secret: str | None = None
    service_account: str | None = None
    outputs_claim: str | None = None
    """The claim that receives `outputs` and `logs`, below the run's name; without it they end with the pods."""
    source_claim: str | None = None
    """`CLAIM/PATH` of a source directory that is too large for a ConfigMap; it has empty `outputs` and `logs`."""
    node_selector: tuple[tuple[str, str], ...] = ()
    keep_seconds: int = 24 * 3600
    """How long a finished job stays to be looked at."""
    memory: str | None = None
    """Of each pod, as `512m` or `2g`."""
    cpus: float | None = None
    secrets: Mapping[str, str | PathLike[str]] = field(default_factory=dict)
    """Files of this host, which become a Secret of the run; the script reads them at /run/secrets/NAME."""
    repository: str | None = None
    """The name of the images, as `push --repository` has it."""
    insecure_registries: tuple[str, ...] = ()
    """Besides those that the site names."""
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
            if not SECRET.fullmatch(name):
                problems.append(f"secrets: {name!r} is not a name of letters, digits and _")
            elif not is_there(expanded(path)):
                problems.append(f"secrets: {name}: {path} does not exist, or may not be read")
        if problems:
            raise InputError(problems)

    def submit(self, request: "RunRequest") -> "ClusterRun":
        """Create the run's objects on the cluster; raises BuilderError, and leaves nothing there then."""
        from builder.training.kubernetes.submit import submit

        return submit(self, request)

    def document(self, request: "RunRequest") -> str:
        """The run's objects but its secrets, for `kubectl apply --filename -`; the cluster is not asked."""
        from builder.training.kubernetes.submit import document

        return document(self, request)

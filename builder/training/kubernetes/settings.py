"""What of a cluster a run uses, as a plain value; the record of the run keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

CLAIM = "pvc://"
"""`pvc://CLAIM/PATH` is a path of a PersistentVolumeClaim; any other path is one of the cluster's nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """A namespace of a cluster. The kubeconfig or the cluster decides what is None."""

    namespace: str = "default"
    context: str | None = None
    kubeconfig: str | None = None
    registry: str | None = None
    """HOST[/PREFIX] of the registry from which the cluster pulls the images of the matrix."""
    pull_secret: str | None = None
    service_account: str | None = None
    outputs_claim: str | None = None
    """The claim that keeps `outputs` and `logs`, below the name of the run. Without it they end with the pods."""
    source_claim: str | None = None
    """`CLAIM/PATH` of a source directory that is too large for a ConfigMap. It has empty `outputs` and `logs`."""
    node_selector: tuple[tuple[str, str], ...] = ()
    keep_seconds: int = 24 * 3600
    """How long a finished job stays on the cluster."""
    memory: str | None = None
    """For each pod, as `512m` or `2g`."""
    cpus: float | None = None
    """For each pod."""
    repository: str | None = None
    """The name of the images, as `push --repository` takes it."""
    source_limit: str = "300m"

    def to_record(self) -> dict[str, object]:
        """The settings as the record of a run has them, whatever a subclass adds."""
        return {field.name: getattr(self, field.name) for field in fields(ClusterSettings)}


def from_record(found: Mapping[str, object]) -> ClusterSettings:
    """The settings in the record of a run."""
    values: dict[str, Any] = dict(found)
    selector = tuple((str(name), str(value)) for name, value in values.pop("node_selector", ()))
    return ClusterSettings(**values, node_selector=selector)

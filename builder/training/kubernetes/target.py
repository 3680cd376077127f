"""The cluster as a value: where runs go, and what of it a run may use."""

from dataclasses import dataclass

CLAIM = "pvc://"
"""`pvc://CLAIM/PATH` is a path of a PersistentVolumeClaim; any other path is one of the cluster's nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesTarget:
    """A namespace of a cluster; what is None is left to the cluster or to the user's kubeconfig."""

    namespace: str = "default"
    context: str | None = None
    kubeconfig: str | None = None
    pull_secret: str | None = None
    service_account: str | None = None
    outputs_claim: str | None = None
    """The claim that receives `outputs` and `logs`, below the run's name; without it they end with the pods."""
    source_claim: str | None = None
    """`CLAIM/PATH` of a source directory that is too large for a ConfigMap."""
    node_selector: tuple[tuple[str, str], ...] = ()
    keep_seconds: int = 24 * 3600
    """How long a finished job stays to be looked at."""

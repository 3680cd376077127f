"""Requests to a cluster through the Kubernetes client. Its errors become ours: what failed, why, what to do.

What each status means: https://kubernetes.io/docs/reference/using-api/api-concepts/#api-concepts-errors.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from builder.errors import ClusterError
from builder.training.kubernetes.pods import Object
from builder.training.kubernetes.settings import ClusterSettings

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

T = TypeVar("T")
PIP = "python -m pip install 'kubernetes>=35'"
TIMEOUT = (5, 30)
"""Seconds to connect, and between two parts of an answer."""
RAW: Object = {"_preload_content": False, "_request_timeout": TIMEOUT}
UNAUTHORIZED, FORBIDDEN, MISSING, CONFLICT, INVALID = 401, 403, 404, 409, 422
REFUSED = (UNAUTHORIZED, FORBIDDEN, MISSING, CONFLICT, INVALID)
"""The statuses that surely mean that nothing was created."""
OPERATORS = {
    "PyTorchJob": "Kubeflow's Training Operator (v1): https://www.kubeflow.org/docs/components/trainer/legacy-v1/",
    "MPIJob": "Kubeflow's MPI Operator (v2beta1): https://github.com/kubeflow/mpi-operator",
}
PLURALS = {
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "Job": "jobs",
    "PyTorchJob": "pytorchjobs",
    "MPIJob": "mpijobs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A connection to one namespace of a cluster. Every method raises ClusterError."""

    namespace: str
    context: str
    core: Any
    custom: Any
    """For jobs of all kinds, because the paths of the API follow one pattern."""

    def create(self, body: Object) -> Object:
        """Create an object. Returns it as the cluster stored it."""
        kind, name = body["kind"], body["metadata"]["name"]
        make = {"ConfigMap": self.core.create_namespaced_config_map, "Secret": self.core.create_namespaced_secret}
        if kind in make:
            return self._asked(f"create {kind} {name}", lambda: make[kind](self.namespace, body, **RAW))
        return self._asked(
            f"create {kind} {name}", lambda: self.custom.create_namespaced_custom_object(*path(body), body, **RAW)
        )

    def begin(self, body: Object, change: Object) -> None:
        """Let a suspended job begin: `change` is a merge patch of it."""
        name = body["metadata"]["name"]
        patch = self.custom.patch_namespaced_custom_object
        self._asked(f"start {name}", lambda: patch(*path(body), name, change, **RAW))

    def job(self, body: Object) -> Object | None:
        """The job as it is now; None when it is gone."""
        name, get = body["metadata"]["name"], self.custom.get_namespaced_custom_object
        with missing_is_no_error():
            return self._asked(f"read {name}", lambda: get(*path(body), name, **RAW))
        return None

    def delete(self, body: Object) -> None:
        """Delete an object and all that it owns. An object that is gone is no error."""
        kind, name = body["kind"], body["metadata"]["name"]
        remove = {"ConfigMap": self.core.delete_namespaced_config_map, "Secret": self.core.delete_namespaced_secret}
        with missing_is_no_error():
            if kind in remove:
                self._asked(f"delete {kind} {name}", lambda: remove[kind](name, self.namespace, **RAW))
                return
            away = self.custom.delete_namespaced_custom_object
            options = {"propagation_policy": "Foreground", **RAW}
            self._asked(f"delete {kind} {name}", lambda: away(*path(body), name, **options))

    def pods(self, selector: str) -> list[Object]:
        """The pods with that label, sorted by name."""
        listed = self.core.list_namespaced_pod
        found = self._asked("list pods", lambda: listed(self.namespace, label_selector=selector, **RAW))
        return sorted(found.get("items") or (), key=lambda pod: str(pod["metadata"]["name"]))

    def warnings(self, name: str) -> list[str]:
        """The warnings about an object, oldest first. Empty when the user may not read events."""
        wanted = f"involvedObject.name={name},type=Warning"
        listed = self.core.list_namespaced_event
        try:
            found = self._asked("list events", lambda: listed(self.namespace, field_selector=wanted, **RAW))
        except ClusterError:
            return []
        return [str(one.get("message") or "") for one in found.get("items") or ()]

    def log(self, pod: str, container: str, *, follow: bool, seconds: int | None = None) -> "BaseHTTPResponse":
        """The log of a container as an open answer. Each line begins with its time.

        `seconds` leaves out what is older.
        """
        options: Object = {"container": container, "follow": follow, "timestamps": True, "_preload_content": False}
        if seconds:
            options["since_seconds"] = seconds
        timeout = (TIMEOUT[0], None if follow else TIMEOUT[1])
        read = self.core.read_namespaced_pod_log
        return self._do(
            f"read the log of {pod}",
            lambda: cast("BaseHTTPResponse", read(pod, self.namespace, **options, _request_timeout=timeout)),
        )

    def _asked(self, what: str, call: Callable[[], "BaseHTTPResponse"]) -> Object:
        """The JSON of the answer. The client's own models would drop fields that they do not know."""
        return self._do(what, lambda: dict(json.loads(call().data)))

    def _do(self, what: str, call: Callable[[], T]) -> T:
        """What the call returns."""
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return call()
        except ApiException as error:
            raise refused(f"{what} in {self.namespace}", error.status, reason(error.body, error.reason)) from None
        except (HTTPError, OSError, ValueError) as error:
            raise ClusterError(
                f"the cluster does not answer ({what}): {brief(error)}", hint="kubectl cluster-info"
            ) from None


def path(body: Object) -> tuple[str, str, str, str]:
    """Group, version, namespace and plural of an object, for a path of the API."""
    group, _, version = body["apiVersion"].partition("/")
    return group, version, body["metadata"]["namespace"], PLURALS[body["kind"]]


@contextlib.contextmanager
def missing_is_no_error() -> Iterator[None]:
    """Suppress the error 404 of the block."""
    try:
        yield
    except ClusterError as error:
        if error.status != MISSING:
            raise


def refused(what: str, status: int, why: str) -> ClusterError:
    """The error for a refusal: the cluster's own words, and what to do."""
    hint = "kubectl cluster-info"
    kind = next((kind for kind in OPERATORS if kind in what), None)
    if status == MISSING and kind and "namespaces" not in why:
        return ClusterError(f"{what}: the cluster knows no {kind}", hint=f"install {OPERATORS[kind]}", status=status)
    if status == MISSING and "namespaces" in why:
        hint = "kubectl create namespace NAME, or name another with --namespace"
    if status in (UNAUTHORIZED, FORBIDDEN):
        hint = "kubectl auth can-i --list; the administrators of the cluster grant rights"
    return ClusterError(f"cannot {what}: {why}", hint=hint, status=status)


def reason(body: object, otherwise: object) -> str:
    """The message in the cluster's answer; its status line when there is none."""
    try:
        found = json.loads(body if isinstance(body, str | bytes) else "")
        return str(found["message"])
    except (ValueError, KeyError, TypeError):
        return str(otherwise)


def brief(error: BaseException) -> str:
    """The innermost cause of an error of the HTTP library, as one line."""
    while isinstance(inner := getattr(error, "reason", error.args[-1] if error.args else None), BaseException):
        error = inner
    return " ".join(str(error).split())[:300] or type(error).__name__


def connect(settings: ClusterSettings) -> Cluster:
    """A connection to the cluster of the kubeconfig. Nothing is sent yet. Raises ClusterError."""
    try:
        from kubernetes import client, config
    except ImportError:
        raise ClusterError("the Kubernetes client is not installed", hint=PIP) from None
    configuration = client.Configuration()
    configuration.retries = 0
    try:
        context = settings.context or str(config.list_kube_config_contexts(settings.kubeconfig)[1]["name"])
        config.load_kube_config(settings.kubeconfig, context, client_configuration=configuration)
    except (config.ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        where = settings.kubeconfig or "$KUBECONFIG, else ~/.kube/config"
        raise ClusterError(
            f"no kubeconfig that can be used ({where}): {brief(error)}", hint="kubectl config get-contexts"
        ) from None
    api = client.ApiClient(configuration)
    return Cluster(
        namespace=settings.namespace, context=context, core=client.CoreV1Api(api), custom=client.CustomObjectsApi(api)
    )

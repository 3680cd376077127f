"""Writes how an image is used: with Docker, an estimator, Azure ML, Kubernetes or a dev container.

Pure: values to text. Every value is quoted by the rules of JSON, YAML, Python or the shell, so that it stays one value.
"""

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.catalogue.form_names import Form
from builder.catalogue.image_info import Info
from builder.matrix.tags import names_fingerprint

SHARED_MEMORY = "2g"
"""What the estimator gave every run: data loaders pass batches through /dev/shm, and Docker's 64 MB are too few."""
PYTHON = "/opt/env/bin/python"
USER, UID, WORK = "trainer", 1000, "/home/trainer/work"
SECRET = "registry-credentials"  # noqa: S105 (the name of a secret, not one)
TAGGED = ("torch", "scikit-learn", "python", "cuda", "cudnn", "nccl", "horovod")
AZUREML_SCHEMA = "https://azuremlschemas.azureedge.net/latest/environment.schema.json"
RESERVED = re.compile(r"(azureml|microsoft)", re.IGNORECASE)
"""The beginnings that Azure ML keeps for names of its own environments."""
Files = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """How an image is pulled."""

    host: str | None
    """The registry; None when only this engine has the image, so that nobody else can pull it."""
    repository: str
    digest: str
    tag: str | None = None
    """When set, the image is named by this tag and not by its digest."""

    @property
    def path(self) -> str:
        """The reference without the host of the registry."""
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" if self.host else self.path


def pull_of(info: Info, *, by_tag: bool = False) -> Pull | None:
    """How the cell's image is pulled, from a registry when one has it, else on this engine; None without an image.

    With `by_tag`, it is named by its immutable tag when it has one.
    """
    if info.image is None or not info.image.places:
        return None
    place = max(info.image.places, key=lambda place: (place.is_registry, len(place.tags)))
    host, _, repository = place.repository.partition("/") if place.is_registry else ("", "", place.repository)
    immutable = next((tag for tag in place.tags if names_fingerprint(tag, info.image.fingerprint)), None)
    return Pull(host=host or None, repository=repository, digest=info.image.digest, tag=immutable if by_tag else None)


def name_of(info: Info) -> str:
    """The cell's name without a slash: `pytorch-1.6.0-gpu-debian12`."""
    return info.name.replace("/", "-")


def label_of(info: Info) -> str:
    """The cell's name as a DNS label of at most 63 characters (RFC 1123): `pytorch-1-6-0-gpu-debian12`."""
    return re.sub(r"[^a-z0-9]+", "-", name_of(info).lower())[:63].strip("-")


def described(info: Info) -> str:
    return f"{info.title} {info.version} for {info.device.upper()} on {info.os}"


def reference(_: Info, pull: Pull) -> Files:
    return {"reference.txt": f"{pull}\n"}


def custom_docker_image(_: Info, pull: Pull) -> Files:
    """The estimator's arguments, with the registry apart from the image.

    Without `user_managed`, the estimator would install its own torch over that of the image.
    """
    content: dict[str, Any] = {"custom_docker_image": pull.path, "user_managed": True}
    lines = [f"custom_docker_image = {pull.path!r}", "user_managed = True"]
    if pull.host:
        content["image_registry_details"] = {"address": pull.host}
        lines = [
            "from azureml.core.container_registry import ContainerRegistry",
            "",
            *lines,
            "image_registry_details = ContainerRegistry()",
            f"image_registry_details.address = {pull.host!r}",
            "# Take its username and password from the workspace's key vault, never from a file.",
        ]
    return {"custom_docker_image.py": "\n".join([*lines, ""]), "custom_docker_image.json": dumped(content)}


def azureml_v1(info: Info, pull: Pull) -> Files:
    """The file that `Environment.load_from_directory` of azureml-core reads, without credentials."""
    registry = {"address": pull.host, "username": None, "password": None, "registryIdentity": None}
    content: dict[str, Any] = {
        "name": name_of(info),
        "version": None,
        "environmentVariables": {},
        "python": {
            "userManagedDependencies": True,
            "interpreterPath": PYTHON,
            "condaDependenciesFile": None,
            "baseCondaEnvironment": None,
        },
        "docker": {
            "enabled": True,
            "baseImage": pull.path,
            "baseDockerfile": None,
            "buildContext": None,
            "sharedVolumes": True,
            "shmSize": SHARED_MEMORY,
            "arguments": [],
            "baseImageRegistry": registry,
            "platform": {"os": "Linux", "architecture": "amd64"},
        },
        "inferencingStackVersion": None,
    }
    return {"azureml_environment.json": dumped(content)}


def azureml_v2(info: Info, what: Mapping[str, Any], version: str) -> str:
    """An environment for `az ml environment create --file`; `what` names the image, or the build that makes it."""
    tags = {pin.name: pin.value for pin in info.pins if pin.name in TAGGED}
    return dumped_yaml(
        {
            "$schema": AZUREML_SCHEMA,
            "name": name_of(info),
            "version": version,
            "description": described(info),
            "tags": {"framework": info.title, "device": info.device.upper(), **tags},
            **what,
            "os_type": "linux",
        }
    )


def azureml_v2_image(info: Info, pull: Pull) -> Files:
    digits = pull.digest.removeprefix("sha256:")
    return {"environment.yml": azureml_v2(info, {"image": str(pull)}, f"sha256-{digits[:12]}")}


def azureml_v2_build(info: Info, path: str, context: Mapping[str, str]) -> str:
    """An environment that Azure ML builds from the context at `path`, beside the file; its version is a hash of it."""
    content = json.dumps(dict(sorted(context.items()))).encode()
    build = {"build": {"path": path, "dockerfile_path": "Dockerfile"}}
    return azureml_v2(info, build, f"context-{hashlib.sha256(content).hexdigest()[:12]}")


def docker_run(info: Info, pull: Pull) -> Files:
    gpus = ["--gpus", "all"] if info.device == "gpu" else []
    words = ["docker", "run", "--rm", "-it", *gpus, "--shm-size", SHARED_MEMORY]
    mount = f'-v "$PWD:{WORK}" -w {WORK}'
    return {"docker-run.sh": f"{shlex.join(words)} {mount} {shlex.quote(str(pull))} python train.py\n"}


def kubernetes(info: Info, pull: Pull) -> Files:
    """A pod; the name of the GPU limit: https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/."""
    memory = {"medium": "Memory", "sizeLimit": "2Gi"}
    container: dict[str, Any] = {
        "name": label_of(info),
        "image": str(pull),
        "command": ["python", "train.py"],
        "workingDir": WORK,
        "volumeMounts": [{"name": "shared-memory", "mountPath": "/dev/shm"}],  # noqa: S108 (in the container)
    }
    if info.device == "gpu":
        container["resources"] = {"limits": {"nvidia.com/gpu": 1}}
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": UID, "runAsGroup": UID, "fsGroup": UID},
        "containers": [container],
        "volumes": [{"name": "shared-memory", "emptyDir": memory}],
    }
    header = ""
    if pull.host:
        spec["imagePullSecrets"] = [{"name": SECRET}]
        header = f"# kubectl create secret docker-registry {SECRET} --docker-server={pull.host} --docker-username=...\n"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": label_of(info)}, "spec": spec}
    return {"pod.yaml": header + dumped_yaml(pod)}


def devcontainer(info: Info, pull: Pull) -> Files:
    """A dev container; where it requires a GPU, tools add `--gpus all` themselves.

    The format: https://containers.dev/implementors/json_reference.
    """
    content: dict[str, Any] = {
        "name": described(info),
        "image": str(pull),
        "remoteUser": USER,
        "runArgs": [f"--shm-size={SHARED_MEMORY}"],
        "customizations": {"vscode": {"settings": {"python.defaultInterpreterPath": PYTHON}}},
    }
    if info.device == "gpu":
        content["hostRequirements"] = {"gpu": True}
    return {".devcontainer/devcontainer.json": dumped(content)}


IMAGE_FORMS: Mapping[Form, Callable[[Info, Pull], Files]] = {
    "reference": reference,
    "custom_docker_image": custom_docker_image,
    "azureml-v1": azureml_v1,
    "azureml-v2-image": azureml_v2_image,
    "docker-run": docker_run,
    "kubernetes": kubernetes,
    "devcontainer": devcontainer,
}
"""The function of each form: it returns texts by file name, and the first is the one that `reference` prints."""


def dumped(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def dumped_yaml(content: Mapping[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(content, sort_keys=False, width=200))

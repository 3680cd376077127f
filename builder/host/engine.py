"""The Docker Engine: inspect, run, tag and remove by digest. Builds go through `buildx`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from builder.errors import EngineError
from builder.host.endpoint import Endpoint, endpoint
from builder.host.retry import RetryPolicy, retry
from builder.matrix.reference import names_host

if TYPE_CHECKING:
    import docker

DOCTOR = "python -m builder doctor"
AT_ONCE = RetryPolicy(pauses=(0.0,) * 3)


@contextmanager
def connected() -> Iterator["docker.DockerClient"]:
    """A client of the engine of DOCKER_HOST or of the current context; raises EngineError with a hint."""
    client = answering(endpoint(os.environ))
    with translated():
        try:
            yield client
        finally:
            client.close()


def answering(place: Endpoint) -> "docker.DockerClient":
    """A client of the engine there, which has answered; raises EngineError that names the address."""
    import docker

    with translated(f"Docker at {place}"):
        # The ssh command, as docker itself: it reads the user's configuration, and the SDK's library another.
        client = docker.from_env(timeout=120, use_ssh_client=place.address.startswith("ssh:"))
        client.ping()  # with DOCKER_API_VERSION set the client above has asked nobody
        return client


def assert_mounts() -> None:
    """Raise EngineError for an engine on another machine: it has no directory of this one to mount."""
    place = endpoint(os.environ)
    if place.is_remote:
        hint = "an engine of this machine: docker context use default; or --target kubernetes"
        raise EngineError(f"Docker at {place}: a run mounts directories of this machine, and it has none", hint=hint)


def assert_builds(client: "docker.DockerClient") -> None:
    """Raise EngineError for a service that only speaks the engine's language: builds need its BuildKit."""
    with translated():
        components = client.version().get("Components") or []
    if any("podman" in str(one.get("Name")).lower() for one in components):
        raise EngineError(
            f"Docker at {endpoint(os.environ)}: this is Podman, whose service has no BuildKit: it cannot build here",
            hint="DOCKER_HOST or a context of a Docker Engine: docker context ls",
        )


@contextmanager
def translated(what: str = "Docker") -> Iterator[None]:
    """Turns the errors of the SDK into an EngineError with a hint."""
    import requests
    from docker.errors import APIError, DockerException

    try:
        yield
    except (APIError, DockerException, requests.exceptions.RequestException) as error:
        raise EngineError(f"{what}: {reason(error)}", hint=DOCTOR) from error


def reason(error: Exception) -> str:
    """The engine's own words, in one line, without the SDK's wrapping."""
    explanation = getattr(error, "explanation", None)
    text = str(explanation or error)
    if "ConnectionRefused" in text or "FileNotFoundError" in text or "Connection refused" in text:
        return "the engine does not answer: is it running?"
    if "RemoteDisconnected" in text or "Connection reset" in text:
        return "the engine went away: is it still running?"
    if "no space left" in text.lower():
        return f"the disk is full ({text})"
    return " ".join(text.split())


def inspect(client: "docker.DockerClient", reference: str) -> dict[str, Any] | None:
    """What the engine knows of an image, or None when it has no such image."""
    from docker.errors import ImageNotFound

    try:
        return dict(client.api.inspect_image(reference))  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None


def digest(client: "docker.DockerClient", reference: str) -> str | None:
    """The id of the image a reference names (`sha256:...`), or None."""
    image = inspect(client, reference)
    return str(image["Id"]) if image else None


def described(client: "docker.DockerClient", reference: str) -> dict[str, Any]:
    """What the engine knows of an image; raises EngineError when there is none of that name."""
    image = inspect(client, reference)
    if image is None:
        hint = f"docker pull {reference}" if names_host(reference) else "docker images; python -m builder plan --all"
        raise EngineError(f"{reference}: no such image on this engine", hint=hint)
    return image


def labels(client: "docker.DockerClient", reference: str) -> dict[str, str]:
    """The labels of an image; raises EngineError when there is none of that name."""
    return labels_in(described(client, reference))


def labels_in(image: Mapping[str, Any]) -> dict[str, str]:
    return dict((image.get("Config") or {}).get("Labels") or {})


def has_containerd_store(info: Mapping[str, Any]) -> bool:
    """Whether the engine that says this of itself keeps images with their manifests, and names them by those.

    The classic store, such as overlay2, keeps a configuration and unpacked layers, and names an image by the former.
    """
    return "containerd" in str(info.get("DriverStatus"))


def images_with_label(client: "docker.DockerClient", label: str) -> list[dict[str, Any]]:
    """The engine's images that have the label, tagged or not, by one request.

    We filter: an engine with containerd's store takes three times as long for a list that it filters itself.
    """
    return [image for image in listed(client) if label in (image.get("Labels") or {})]


def listed(client: "docker.DockerClient") -> list[dict[str, Any]]:
    """All images. The engine fails when an image is removed while it makes the list, so it is asked again."""
    from docker.errors import APIError

    def passing(error: Exception) -> float | None:
        return 0.0 if isinstance(error, APIError) and "not found" in reason(error) else None

    return retry(lambda: [dict(image) for image in client.api.images()], passing=passing, policy=AT_ONCE)

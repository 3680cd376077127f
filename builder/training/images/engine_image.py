"""Finds the image of a run on the engine, or pulls it. The run uses its digest."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import EngineError
from builder.host import engine
from builder.matrix.names import cell
from builder.matrix.promise import promise_or_none
from builder.matrix.tags import own_tag, repository_of
from builder.training.request.plan import RunImage
from builder.training.request.rows import default_file
from builder.training.request.run_request import CustomImage, RunRequest

if TYPE_CHECKING:
    import docker

    from builder.derive import Request as DeriveRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOrigin:
    """Where images come from: their name, the matrix, the site. None is the default."""

    repository: str | None = None
    matrix: Path | None = None
    site: Path | None = None
    insecure_registries: tuple[str, ...] = ()


def resolve(client: "docker.DockerClient", request: RunRequest, origin: ImageOrigin) -> RunImage:
    """The image of the request, with its packages added. Raises BuilderError with the command that makes it."""
    image = custom(client, request.custom) if request.custom else of_row(client, request, origin.repository)
    return image if request.packages.is_empty else derived(client, image, request, origin)


def derived(client: "docker.DockerClient", image: RunImage, request: RunRequest, origin: ImageOrigin) -> RunImage:
    """The image with the packages as one more layer. Its pins stay; the same packages are not installed twice."""
    from builder.derive import Surroundings, derive

    around = Surroundings(matrix=origin.matrix or default_file(), site=origin.site, repository=origin.repository)
    found = derive(derive_request(image.digest, request), around)
    described = engine.inspect(client, found.digest)
    if described is None:
        raise EngineError(f"{found.reference} was derived, but the engine does not have it", hint=engine.DOCTOR)
    return image_of(found.reference, described)


def derive_request(base: str, request: RunRequest) -> "DeriveRequest":
    """The request to put the packages on a base."""
    from builder.derive import Request

    return Request(
        base=base,
        pip_packages=request.packages.pip,
        conda_packages=request.packages.conda,
        pip_requirements_file=request.packages.pip_file,
        conda_dependencies_file=request.packages.conda_file,
        source_directory=request.source,
    )


def of_row(client: "docker.DockerClient", request: RunRequest, repository: str | None) -> RunImage:
    """The image with the row's tag. Only a verified image has it. Raises EngineError when there is none."""
    spec = request.row
    reference = f"{repository_of(spec.framework, repository)}:{own_tag(spec)}"
    found = engine.inspect(client, reference)
    flags = f"--framework {spec.framework} --version {spec.version} --{spec.device} --platform {spec.platform.name}"
    hint = f"python -m builder build {flags}" + (f" --repository {repository}" if repository else "")
    if found is None:
        raise EngineError(f"{cell(spec)}: this engine has no {reference}", hint=hint)
    image = image_of(reference, found)
    if image.cell != cell(spec):
        raise EngineError(f"{reference} is not the image of {cell(spec)}: its label says {image.cell}", hint=hint)
    return image


def custom(client: "docker.DockerClient", wanted: CustomImage) -> RunImage:
    """A custom image: the engine's own when it has one of that name, else pulled. Raises EngineError."""
    reference = full_name(wanted)
    found = engine.inspect(client, reference)
    if found is None:
        pull(client, reference, wanted)
        found = engine.inspect(client, reference)
    if found is None:
        raise EngineError(f"{reference} was pulled, but the engine does not have it", hint=engine.DOCTOR)
    return image_of(reference, found)


def full_name(wanted: CustomImage) -> str:
    """The reference with the address of its registry in front, unless it begins with that already."""
    address = (wanted.registry.address or "") if wanted.registry else ""
    host = address.partition("://")[2] or address
    host = host.rstrip("/")
    return wanted.reference if not host or wanted.reference.startswith(f"{host}/") else f"{host}/{wanted.reference}"


def pull(client: "docker.DockerClient", reference: str, wanted: CustomImage) -> None:
    """Pull with the caller's login, else with docker's own. Raises EngineError, which never has the password."""
    from docker.errors import APIError

    registry = wanted.registry
    login = (
        {"username": registry.username, "password": registry.password or ""} if registry and registry.username else None
    )
    print(f"pulling {reference}", file=sys.stderr)
    try:
        for event in client.api.pull(reference, stream=True, decode=True, auth_config=login):
            if "error" in event:
                raise refused(reference, str(event["error"]), wanted)
    except APIError as error:
        raise refused(reference, engine.reason(error), wanted) from None


def refused(reference: str, why: str, wanted: CustomImage) -> EngineError:
    """The error for a pull that failed: why, and what to do."""
    who = (
        f"as {wanted.registry.username}" if wanted.registry and wanted.registry.username else "with docker's own login"
    )
    denied = any(word in why.lower() for word in ("unauthorized", "denied", "no basic auth", "authentication"))
    given = wanted.registry is not None and wanted.registry.username is not None
    login = (
        "check username and password of image_registry_details" if given else f"docker login {host(reference)}".strip()
    )
    hint = login if denied else f"docker pull {reference}"
    return EngineError(f"{reference} cannot be pulled {who}: {why}", hint=hint)


def host(reference: str) -> str:
    """The registry that a reference names; empty for Docker Hub, as `docker login` takes it."""
    first, slash, _ = reference.partition("/")
    return first if slash and (first == "localhost" or set(first) & set(".:")) else ""


def image_of(reference: str, found: dict[str, Any]) -> RunImage:
    """The image as a run needs it, from what the engine reports."""
    config = found.get("Config") or {}
    promised = promise_or_none(config.get("Labels") or {})
    return RunImage(
        reference=reference,
        digest=str(found["Id"]),
        device=promised.device if promised else None,
        cell=promised.cell if promised else None,
        user=str(config.get("User") or ""),
    )

"""Finds the image of a run in the registry from which a cluster or a workspace pulls. The run uses its digest."""

import sys
from dataclasses import replace

from builder.catalogue import registry_images
from builder.errors import BuilderError, InputError
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.matrix.names import cell
from builder.matrix.promise import cell_in
from builder.matrix.reference import Reference, parse, parse_registry
from builder.matrix.tags import own_tag
from builder.registry import image
from builder.registry.connection import linked
from builder.training.images.engine_image import ImageOrigin, derive_request, full_name
from builder.training.request.plan import RunImage
from builder.training.request.rows import default_file
from builder.training.request.run_request import CustomImage, RunRequest

NO_REGISTRY = "name the registry that has the images: --registry HOST[/PREFIX]"


def resolve(request: RunRequest, where: str | None, origin: ImageOrigin) -> RunImage:
    """The image of the request in a registry. Raises BuilderError with the command that brings it there."""
    site = load_site(origin.site, insecure=origin.insecure_registries)
    if not request.packages.is_empty:
        return derived(request, where, origin, site)
    return custom(request.custom, site) if request.custom else of_row(request, where, origin, site)


def of_row(request: RunRequest, where: str | None, origin: ImageOrigin, site: Site) -> RunImage:
    """The image of the row. Its labels in the registry say that it is the row's. Raises BuilderError."""
    spec, name = request.row, cell(request.row)
    if where is None:
        raise InputError(f"{name}: no registry is named", hint=NO_REGISTRY)
    place = parse_registry(where)
    found = registry_images.in_registry(place, [spec], name=origin.repository, site=site, say=say)
    there = found.get(name)
    if there is None:
        raise BuilderError(
            f"{name}: {where} has no image of it",
            hint=f"python -m builder push --only '{name}' --registry {where}",
        )
    repository = there.places[0].repository
    return RunImage(
        reference=f"{repository}:{own_tag(spec)}",
        digest=there.digest,
        device=spec.device,
        cell=name,
        repository=repository,
    )


def custom(wanted: CustomImage, site: Site) -> RunImage:
    """A custom image. For a tag, the registry is asked for its present digest. Raises BuilderError."""
    if wanted.registry and wanted.registry.username:
        raise InputError(
            "image_registry_details: a cluster takes no user name and password with a run",
            hint="kubectl create secret docker-registry NAME ..., then --pull-secret NAME",
        )
    reference = full_name(wanted)
    if reference.startswith("sha256:"):
        raise InputError(f"{reference} is an image of this engine, so a cluster cannot pull it")
    named = parse(reference)
    if named.digest:
        return RunImage(reference=reference, digest=named.digest, repository=named.name)
    return read(named, site)


def read(named: Reference, site: Site) -> RunImage:
    """The image of a tag, by its present digest. Raises RegistryError, and BuilderError when there is none."""
    with linked(site, named.host) as connection:
        found = image.find(connection, named.repository, named.version)
    if found is None:
        raise BuilderError(f"{named}: {named.host} has no such image")
    return RunImage(
        reference=str(named),
        digest=found.digest,
        cell=cell_in(found.labels) or None,
        repository=named.name,
        user=str(found.settings.get("User") or ""),
    )


def derived(request: RunRequest, where: str | None, origin: ImageOrigin, site: Site) -> RunImage:
    """The image of the row with the packages as one more layer, published beside it. Raises BuilderError."""
    if request.custom or where is None:
        what = "packages for an image of your own" if request.custom else "packages"
        raise InputError(
            f"{what}: the layer with them needs a registry, and none is named",
            hint="python -m builder derive --from IMAGE --registry HOST, then --image with the name that it prints",
        )
    from builder.derive import Surroundings, derive

    around = Surroundings(
        matrix=origin.matrix or default_file(),
        site=origin.site,
        repository=origin.repository,
        registry=where,
        insecure_registries=origin.insecure_registries,
    )
    layered = read(parse(derive(derive_request(cell(request.row), request), around).published), site)
    return replace(layered, device=request.row.device, cell=cell(request.row))


def say(line: str) -> None:
    print(line, file=sys.stderr)

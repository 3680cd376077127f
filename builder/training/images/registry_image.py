"""Finds the image of a run in the registry that a cluster or a workspace pulls from; what runs is its digest."""

import sys
from dataclasses import replace

from builder.catalogue import engine_images, registry_images
from builder.errors import BuilderError, InputError
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.matrix.names import cell
from builder.matrix.promise import cell_in
from builder.matrix.reference import Reference, parse, parse_registry
from builder.matrix.tags import own_tag
from builder.registry import manifests
from builder.registry.connection import linked
from builder.training.images.engine_image import Origin, full_name
from builder.training.request.plan import Image
from builder.training.request.request import CustomImage, Request
from builder.training.request.rows import default_file

NO_REGISTRY = "--registry HOST[/PREFIX] names where the images were pushed to"


def resolve(request: Request, where: str | None, origin: Origin) -> Image:
    """The image that the request means, as a registry has it; raises BuilderError with what brings it there."""
    site = load_site(origin.site, insecure=origin.insecure_registries)
    if not request.packages.is_empty:
        return derived(request, where, origin, site)
    return custom(request.custom, site) if request.custom else of_row(request, where, origin, site)


def of_row(request: Request, where: str | None, origin: Origin, site: Site) -> Image:
    """The image of the row in the registry, whose labels say that it is."""
    spec, name = request.row, cell(request.row)
    if where is None:
        raise InputError(f"{name}: which registry has it is not said", hint=NO_REGISTRY)
    place = parse_registry(where)
    found = registry_images.in_registry(place, [spec], name=origin.repository, site=site, say=say)
    image = found.get(name)
    if image is None:
        raise BuilderError(
            f"{name}: {where} has no image of it",
            hint=f"python -m builder push --only '{name}' --registry {where}",
        )
    repository = image.places[0].repository
    return Image(
        reference=f"{repository}:{own_tag(spec)}",
        digest=image.digest,
        device=spec.device,
        cell=name,
        repository=repository,
    )


def custom(wanted: CustomImage, site: Site) -> Image:
    """An image of one's own; where it is named by a tag, the registry says which digest that is now."""
    if wanted.registry and wanted.registry.username:
        raise InputError(
            "image_registry_details: a cluster does not take a user name and a password with a run",
            hint="kubectl create secret docker-registry NAME ..., then --pull-secret NAME",
        )
    reference = full_name(wanted)
    if reference.startswith("sha256:"):
        raise InputError(f"{reference} is an image of this engine, and nobody else can pull it")
    named = parse(reference)
    if named.digest:
        return Image(reference=reference, digest=named.digest, repository=named.name)
    return read(named, site)


def read(named: Reference, site: Site) -> Image:
    """The image of a tag, by the digest that the registry gives for it; raises RegistryError."""
    with linked(site, named.host) as connection:
        found = manifests.manifest(connection, named.repository, named.version)
        if found is None:
            raise BuilderError(f"{named}: {named.host} has no such image")
        body = registry_images.platform_manifest(connection, named.repository, found)
        config = engine_images.mapping(registry_images.configuration(connection, named.repository, body).get("config"))
    labels = engine_images.mapping(config.get("Labels"))
    return Image(
        reference=str(named),
        digest=found.digest,
        cell=cell_in(labels) or None,
        repository=named.name,
        user=str(config.get("User") or ""),
    )


def derived(request: Request, where: str | None, origin: Origin, site: Site) -> Image:
    """The image of the row with the packages as one layer on it, published beside it."""
    if request.custom or where is None:
        what = "packages for an image of your own" if request.custom else "packages"
        raise InputError(
            f"{what}: they become a layer that is published, and a registry for it is not said",
            hint="python -m builder derive --from IMAGE --registry HOST, then --image with the name it prints",
        )
    from builder.derive import Request as Wanted
    from builder.derive import Surroundings, derive

    wanted = Wanted(
        base=cell(request.row),
        pip_packages=request.packages.pip,
        conda_packages=request.packages.conda,
        pip_requirements_file=request.packages.pip_file,
        conda_dependencies_file=request.packages.conda_file,
        source_directory=request.source,
    )
    around = Surroundings(
        matrix=origin.matrix or default_file(),
        site=origin.site,
        repository=origin.repository,
        registry=where,
        insecure_registries=origin.insecure_registries,
    )
    image = read(parse(derive(wanted, around).published), site)
    return replace(image, device=request.row.device, cell=cell(request.row))


def say(line: str) -> None:
    print(line, file=sys.stderr)

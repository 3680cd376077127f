"""Finds the image of each cell in a registry: by tag and digest, its documents and what is attached, no layer."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from builder.build.tags import repository
from builder.catalogue import engine_images
from builder.catalogue.attached import attached
from builder.catalogue.engine_images import LABEL_BASE, Say
from builder.catalogue.image_info import Image, ImageLocation, Layer
from builder.errors import RegistryError
from builder.host.site import Site
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_ROW, cell, rolling_tags
from builder.matrix.promise import cell_in, promise_of
from builder.matrix.reference import DIGEST, Registry
from builder.matrix.spec import ImageSpec
from builder.registry import blobs, manifests
from builder.registry.connection import Connection, linked
from builder.registry.manifests import DOCKER_INDEX, OCI_INDEX, Manifest

AT_ONCE = 8


def in_registry(
    where: Registry, cells: Sequence[ImageSpec], *, name: str | None, site: Site, say: Say
) -> dict[str, Image]:
    """By cell the image that its own tag names there, VERSION-DEVICE-PLATFORM; raises RegistryError.

    `name` is the repository as `--repository` gives it. What has that tag and is no image of the cell is said.
    """
    with linked(site, where.host) as connection, ThreadPoolExecutor(AT_ONCE) as pool:
        names = {cell(spec): where.reference(repository(spec, name)).repository for spec in cells}
        paths = sorted({*names.values()})
        listed = dict(zip(paths, pool.map(lambda path: manifests.tags(connection, path), paths), strict=True))
        answers = pool.map(lambda spec: found(connection, spec, names[cell(spec)], listed[names[cell(spec)]]), cells)
        images = dict(zip(names, answers, strict=True))
    for spec in cells:
        if isinstance(images[cell(spec)], str):
            say(f"{cell(spec)}: {where}: {images[cell(spec)]}")
    return {name: image for name, image in images.items() if isinstance(image, Image)}


def own_tag(spec: ImageSpec) -> str:
    """The rolling tag that only images of this very cell get."""
    return f"{spec.version}-{spec.device}-{spec.platform.name}"


def found(connection: Connection, spec: ImageSpec, path: str, tags: Sequence[str]) -> Image | str | None:
    """The image of the cell; None when there is none, and a text when what has its tag is something else."""
    if own_tag(spec) not in tags:
        return None
    manifest = manifests.manifest(connection, path, own_tag(spec))
    return image_of(connection, spec, path, manifest, tags) if manifest else None


def image_of(
    connection: Connection, spec: ImageSpec, path: str, manifest: Manifest, tags: Sequence[str]
) -> Image | str:
    """What a registry tells of an image; a text when its labels are not those of the cell."""
    body = platform_manifest(connection, path, manifest)
    config = configuration(connection, path, body)
    labels = engine_images.mapping(engine_images.mapping(config.get("config")).get("Labels"))
    if not engine_images.is_readable({"Labels": labels}) or cell_in(labels) != cell(spec):
        return f"{own_tag(spec)} is on {manifest.digest}, whose labels are not those of this cell"
    layers = layers_of(body, config)
    sizes = [one.compressed for one in layers if one.compressed is not None]
    mine = tags_of(connection, path, manifest.digest, [tag for tag in tags if is_ours(spec, tag, labels)])
    more = attached(connection, path, manifest.digest)
    return Image(
        digest=manifest.digest,
        fingerprint=labels[LABEL_FINGERPRINT],
        base=labels[LABEL_BASE],
        architecture=str(config.get("architecture") or "unknown"),
        is_current=labels.get(LABEL_ROW) == promise_of(spec).to_label(),
        compressed=sum(sizes) if layers and len(sizes) == len(layers) else None,
        unpacked=None,
        layers=layers,
        places=(ImageLocation(repository=f"{connection.host}/{path}", is_registry=True, tags=mine),),
        verification=more.verification or engine_images.verification(manifest.digest),
        sbom=more.sbom,
        inputs=engine_images.inputs_in(labels.get(LABEL_INPUTS)),
    )


def platform_manifest(connection: Connection, path: str, manifest: Manifest) -> Mapping[str, Any]:
    """The manifest of the image itself: where an index was pushed, the first entry that runs on Linux."""
    body = manifest.document
    if manifest.media_type not in (OCI_INDEX, DOCKER_INDEX):
        return body
    entries = [engine_images.mapping(one) for one in body.get("manifests") or ()]
    linux = [one for one in entries if engine_images.mapping(one.get("platform")).get("os") == "linux"]
    inner = manifests.manifest(connection, path, str(linux[0].get("digest"))) if linux else None
    if inner is None:
        raise RegistryError(f"{connection.host}/{path}@{manifest.digest}: it lists no image for Linux")
    return inner.document


def configuration(connection: Connection, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The image's configuration, checked against its digest; raises RegistryError."""
    name = str(engine_images.mapping(body.get("config")).get("digest") or "")
    if not DIGEST.fullmatch(name):
        raise RegistryError(f"{connection.host}/{path}: a manifest without a configuration")
    return manifests.parsed(blobs.small(connection, path, name), f"{connection.host}/{path}@{name}")


def layers_of(body: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The layers, the base first, with the bytes of each blob."""
    diffs = [str(one) for one in engine_images.mapping(config.get("rootfs")).get("diff_ids") or ()]
    sizes = [engine_images.mapping(one).get("size") for one in body.get("layers") or ()]
    steps = [engine_images.mapping(one) for one in config.get("history") or ()]
    texts = engine_images.shifted([str(one.get("created_by") or "") for one in steps if not one.get("empty_layer")])
    if len(sizes) != len(diffs) or not all(DIGEST.fullmatch(one) for one in diffs):
        return ()
    made_by = texts if len(texts) == len(diffs) else [""] * len(diffs)
    return tuple(
        Layer(digest=digest, made_by=text, compressed=size if isinstance(size, int) else None)
        for digest, text, size in zip(diffs, made_by, sizes, strict=True)
    )


def is_ours(spec: ImageSpec, tag: str, labels: Mapping[str, Any]) -> bool:
    return tag in rolling_tags(spec) or tag.endswith(f"-{labels[LABEL_FINGERPRINT][:8]}")


def tags_of(connection: Connection, path: str, digest: str, tags: Sequence[str]) -> tuple[str, ...]:
    """Those of the tags that are on the digest."""
    return tuple(tag for tag in tags if manifests.digest(connection, path, tag) == digest)


def with_unpacked(image: Image, local: Image | None) -> Image:
    """The same image with what only an engine knows: the bytes of each layer once it is unpacked."""
    if local is None or local.digest != image.digest or len(local.layers) != len(image.layers):
        return image
    pairs = zip(image.layers, local.layers, strict=True)
    layers = tuple(replace(one, unpacked=other.unpacked) for one, other in pairs)
    return replace(image, layers=layers, unpacked=local.unpacked)

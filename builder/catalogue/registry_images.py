"""Finds the image of each cell in a registry, by its tag. It reads documents and attachments, and no layer."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from builder.catalogue import engine_images
from builder.catalogue.attached import attached
from builder.catalogue.engine_images import LABEL_BASE, Say
from builder.catalogue.image_info import Image, ImageLocation, Layer
from builder.errors import RegistryError, UnavailableError
from builder.host.site import Site
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_ROW, cell
from builder.matrix.promise import cell_in, promise_of
from builder.matrix.reference import DIGEST, Registry
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import names_fingerprint, own_tag, repository_of
from builder.publish.signing.cosign import Trust
from builder.registry import image, manifests
from builder.registry.connection import linked
from builder.registry.descriptors import list_in, mapping
from builder.registry.image import RegistryImage
from builder.registry.session import Connection

AT_ONCE = 8


def in_registry(
    where: Registry, cells: Sequence[ImageSpec], *, name: str | None, site: Site, say: Say, trust: Trust | None = None
) -> dict[str, Image]:
    """The image of each cell, by its tag VERSION-DEVICE-PLATFORM in the registry; raises RegistryError.

    `name` is the repository as `--repository` gives it. When that tag names another image, that is said. Only reports
    of the trusted signer count, and without one none.
    """
    with linked(site, where.host) as connection, ThreadPoolExecutor(AT_ONCE) as pool:
        names = {cell(spec): where.reference(repository_of(spec.framework, name)).repository for spec in cells}
        paths = sorted({*names.values()})
        listed = dict(zip(paths, pool.map(lambda path: manifests.tags(connection, path), paths), strict=True))
        answers = pool.map(
            lambda spec: found(connection, spec, names[cell(spec)], listed[names[cell(spec)]], trust), cells
        )
        images = dict(zip(names, answers, strict=True))
    for spec in cells:
        if isinstance(images[cell(spec)], str):
            say(f"{cell(spec)}: {where}: {images[cell(spec)]}")
    return {name: one for name, one in images.items() if isinstance(one, Image)}


def found(
    connection: Connection, spec: ImageSpec, path: str, tags: Sequence[str], trust: Trust | None
) -> Image | str | None:
    """The image of the cell; None when its tag is missing, and a text when its tag names something else.

    Raises UnavailableError.
    """
    if own_tag(spec) not in tags:
        return None
    try:
        there = image.find(connection, path, own_tag(spec))
        return image_of(connection, spec, path, there, tags, trust) if there else None
    except UnavailableError:
        raise
    except RegistryError as error:
        return error.message


def image_of(
    connection: Connection,
    spec: ImageSpec,
    path: str,
    there: RegistryImage,
    tags: Sequence[str],
    trust: Trust | None,
) -> Image | str:
    """What the registry says of an image; a text when its labels are of another cell."""
    labels = there.labels
    if not engine_images.is_readable({"Labels": labels}) or cell_in(labels) != cell(spec):
        return f"{own_tag(spec)} is on {there.digest}, whose labels are not those of this cell"
    layers = layers_of(there)
    mine = tags_of(connection, path, there.digest, [tag for tag in tags if is_ours(spec, tag, labels)])
    more = attached(connection, path, there.digest, trust)
    return Image(
        digest=there.digest,
        fingerprint=labels[LABEL_FINGERPRINT],
        base=labels[LABEL_BASE],
        architecture=there.architecture or "unknown",
        is_current=labels.get(LABEL_ROW) == promise_of(spec).to_label(),
        compressed=sum(one.size for one in there.layers) if layers else None,
        unpacked=None,
        layers=layers,
        places=(ImageLocation(repository=f"{connection.host}/{path}", is_registry=True, tags=mine),),
        verification=more.verification or engine_images.verification(there.digest),
        sbom=more.sbom,
        inputs=engine_images.inputs_in(labels.get(LABEL_INPUTS)),
    )


def layers_of(there: RegistryImage) -> tuple[Layer, ...]:
    """The layers, the base first, with their compressed sizes; none when manifest and configuration disagree."""
    configuration = there.configuration
    diffs = [str(one) for one in list_in(mapping(configuration.get("rootfs")), "diff_ids")]
    steps = [mapping(one) for one in list_in(configuration, "history")]
    texts = engine_images.shifted([str(one.get("created_by") or "") for one in steps if not one.get("empty_layer")])
    if len(there.layers) != len(diffs) or not all(DIGEST.fullmatch(one) for one in diffs):
        return ()
    made_by = texts if len(texts) == len(diffs) else [""] * len(diffs)
    return tuple(
        Layer(digest=digest, made_by=text, compressed=blob.size)
        for digest, text, blob in zip(diffs, made_by, there.layers, strict=True)
    )


def is_ours(spec: ImageSpec, tag: str, labels: Mapping[str, str]) -> bool:
    return tag in spec.rolling_tags or names_fingerprint(tag, labels[LABEL_FINGERPRINT])


def tags_of(connection: Connection, path: str, digest: str, tags: Sequence[str]) -> tuple[str, ...]:
    """The tags that name the digest."""
    return tuple(tag for tag in tags if manifests.digest(connection, path, tag) == digest)


def with_unpacked(there: Image, local: Image | None) -> Image:
    """The image with the unpacked size of each layer, which only an engine knows."""
    if local is None or local.digest != there.digest or len(local.layers) != len(there.layers):
        return there
    pairs = zip(there.layers, local.layers, strict=True)
    layers = tuple(replace(one, unpacked=other.unpacked) for one, other in pairs)
    return replace(there, layers=layers, unpacked=local.unpacked)

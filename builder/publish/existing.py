"""What registries hold: the wanted images by their immutable tags; their labels come from their configuration."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from builder.build.plan import Existing, Wanted
from builder.errors import RegistryError, UnavailableError
from builder.host.site import Site
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS
from builder.matrix.promise import cell_in
from builder.matrix.reference import Reference, Registry
from builder.publish.transfer import Place
from builder.registry import blobs, manifests
from builder.registry import connection as transport

Say = Callable[[str], None]
AT_ONCE = 16
IMPATIENT = (0.3, 1.0)
"""A plan does not wait long for a registry: what is known here decides then."""


def existing(registries: Sequence[Registry], wanted: Sequence[Wanted], site: Site, say: Say) -> list[Existing]:
    """The images that all registries have of the wanted cells; of one that does not answer, a line, and nothing."""
    by_registry = [{one.cell: one for one in at(target, wanted, site, say)} for target in registries]
    names = dict.fromkeys(name for found in by_registry for name in found)
    return [everywhere([found.get(name) for found in by_registry]) for name in names]


def everywhere(found: Sequence[Existing | None]) -> Existing:
    """One image with its names in all registries; where one lacks it, what only says how the cell has changed."""
    known = [one for one in found if one]
    if len(known) == len(found) and len({one.digest for one in known}) == 1:
        return replace(known[0], references=tuple(name for one in known for name in one.references))
    return replace(known[0], fingerprint="")


def at(target: Registry, wanted: Sequence[Wanted], site: Site, say: Say) -> list[Existing]:
    """What one registry has: for each cell the image with the wanted immutable tag, else the one it would replace."""
    with (
        transport.linked(site, target.host, pauses=IMPATIENT) as connection,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        try:
            reached(connection)
            return [one for found in pool.map(lambda one: look(target, connection, one), wanted) for one in found]
        except RegistryError as error:
            say(f"{error.message}; what this host knows decides, and nothing of {target}")
            pool.shutdown(cancel_futures=True)
            return []


def reached(connection: transport.Connection) -> None:
    """Raise UnavailableError, once and not for every cell, when the registry does not answer."""
    try:
        transport.ask(connection, "GET", "", scope="").close()
    except UnavailableError:
        raise
    except RegistryError:
        return  # it wants a login here, and what is public may be read without one


def look(target: Registry, connection: transport.Connection, wanted: Wanted) -> Iterable[Existing]:
    """The image of the first of the cell's tags that is there: the immutable one comes first."""
    place = Place(connection=connection, repository=target.reference(wanted.tags.repository).repository)
    for tag in wanted.tags.all:
        if digest := manifests.digest(connection, place.repository, tag):
            image = described(place, digest, tag)
            # Only verified images get an immutable tag; others may be made from one, and inherit its labels.
            return [image if tag == wanted.tags.immutable else replace(image, fingerprint="")]
    return []


def found(reference: Reference, site: Site) -> Existing | None:
    """The image that a reference names in its registry, or None; raises RegistryError."""
    with transport.linked(site, reference.host) as connection:
        digest = manifests.digest(connection, reference.repository, reference.version)
        place = Place(connection=connection, repository=reference.repository)
        return described(place, digest, reference.tag) if digest else None


def described(place: Place, digest: str, tag: str | None) -> Existing:
    """An image as its configuration describes it."""
    manifest, config = documents(place, digest)
    labels = (config.get("config") or {}).get("Labels") or {}
    return Existing(
        digest=digest,
        cell=cell_in(labels),
        fingerprint=str(labels.get(LABEL_FINGERPRINT) or ""),
        label=labels.get(LABEL_INPUTS),
        references=(f"{place}:{tag}" if tag else f"{place}@{digest}",),
        size=sum(int(layer.get("size") or 0) for layer in manifest.get("layers") or ()),
        created=seconds(config.get("created")),
    )


def labels(place: Place, digest: str) -> dict[str, str]:
    """The labels of an image in a registry; raises RegistryError."""
    _, config = documents(place, digest)
    return {str(key): str(value) for key, value in ((config.get("config") or {}).get("Labels") or {}).items()}


def documents(place: Place, digest: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest and the configuration of an image, of the first one where an index holds several."""
    made = manifests.manifest(place.connection, place.repository, digest)
    if made is None:
        raise RegistryError(f"{place}@{digest}: no such image", status=manifests.MISSING)
    document = made.document
    try:
        images = [one for one in document.get("manifests") or () if is_image(one)]
        if images:
            return documents(place, str(images[0]["digest"]))
        name = str(document["config"]["digest"])
        return document, manifests.parsed(blobs.small(place.connection, place.repository, name), name)
    except (TypeError, KeyError, AttributeError):
        raise RegistryError(f"{place}@{digest}: it is no image") from None


def is_image(entry: dict[str, Any]) -> bool:
    """Whether an entry of an index is an image: what buildx attests about one has an unknown platform."""
    return (entry.get("platform") or {}).get("os") != "unknown"


def seconds(created: object) -> int:
    """The time of an image, in seconds since 1970; 0 when it does not say."""
    try:
        return int(dt.datetime.fromisoformat(str(created)).timestamp())
    except (ValueError, OverflowError):
        return 0

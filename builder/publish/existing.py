"""The images that registries have of the wanted cells, by their tags and labels."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from builder.build.fingerprint import fingerprint_in
from builder.build.plan import Existing, Wanted
from builder.errors import RegistryError, UnavailableError
from builder.host.site import Site
from builder.matrix.names import LABEL_INPUTS
from builder.matrix.promise import cell_in
from builder.matrix.reference import Reference, Registry
from builder.matrix.rehearsal import is_rehearsal
from builder.publish.transfer import Place
from builder.registry import connection as transport
from builder.registry import image, manifests
from builder.registry.session import Connection

Say = Callable[[str], None]
AT_ONCE = 16
IMPATIENT = (0.3, 1.0)
"""Seconds between attempts. A plan does not wait long for a registry: it then goes by what this host knows."""


def existing(
    registries: Sequence[Registry], wanted: Sequence[Wanted], site: Site, say: Say, *, strictly: bool = False
) -> list[Existing]:
    """The images of the wanted cells in all registries. A registry that does not answer is said and has none.

    With `strictly` it is an error: where nothing else knows, all would be built again. Raises RegistryError then.
    """
    by_registry = [{one.cell: one for one in at(target, wanted, site, say, strictly=strictly)} for target in registries]
    names = dict.fromkeys(name for found in by_registry for name in found)
    return [everywhere([found.get(name) for found in by_registry]) for name in names]


def everywhere(found: Sequence[Existing | None]) -> Existing:
    """One image with its names in all registries. When one lacks it, its fingerprint is empty, so it is not reused."""
    known = [one for one in found if one]
    if len(known) == len(found) and len({one.digest for one in known}) == 1:
        return replace(known[0], references=tuple(name for one in known for name in one.references))
    return replace(known[0], fingerprint="")


def at(target: Registry, wanted: Sequence[Wanted], site: Site, say: Say, *, strictly: bool = False) -> list[Existing]:
    """The image of each cell in one registry: with the wanted immutable tag, else with a rolling tag."""
    with (
        transport.linked(site, target.host, pauses=IMPATIENT) as connection,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        try:
            reached(connection)
            return [one for found in pool.map(lambda one: mine(target, connection, one, say), wanted) for one in found]
        except RegistryError as error:
            if strictly:
                raise
            say(f"{error.message}; what this host knows decides, and nothing of {target}")
            pool.shutdown(cancel_futures=True)
            return []


def reached(connection: Connection) -> None:
    """Raise UnavailableError when the registry does not answer: once, and not for every cell."""
    try:
        transport.ask(connection, "GET", "", scope="").close()
    except RegistryError as error:
        if not error.status or isinstance(error, UnavailableError):
            raise
        return  # it wants a login here, and what is public may be read without one


def mine(target: Registry, connection: Connection, wanted: Wanted, say: Say) -> Iterable[Existing]:
    """The image of the cell. One that cannot be read is said, and the other cells keep theirs."""
    try:
        return look(target, connection, wanted)
    except RegistryError as error:
        if isinstance(error, UnavailableError) or error.status == transport.UNAUTHORIZED:
            raise
        say(f"{error.message}; so {target} has no image of {wanted.name}")
        return []


def look(target: Registry, connection: Connection, wanted: Wanted) -> Iterable[Existing]:
    """The image of the first tag of the cell that exists; the immutable tag comes first."""
    place = Place(connection=connection, repository=target.reference(wanted.tags.repository).repository)
    for tag in wanted.tags.all:
        if digest := manifests.digest(connection, place.repository, tag):
            one = described(place, digest, tag)
            # Only verified images get an immutable tag; others may be made from one, and inherit its labels.
            return [one if tag == wanted.tags.immutable else replace(one, fingerprint="")]
    return []


def found(reference: Reference, site: Site) -> Existing | None:
    """The image that a reference names in its registry, or None; raises RegistryError."""
    with transport.linked(site, reference.host) as connection:
        digest = manifests.digest(connection, reference.repository, reference.version)
        place = Place(connection=connection, repository=reference.repository)
        return described(place, digest, reference.tag) if digest else None


def described(place: Place, digest: str, tag: str | None) -> Existing:
    """The image, by its manifest and configuration; raises RegistryError."""
    found = image.read(place.connection, place.repository, digest)
    labels = found.labels
    return Existing(
        digest=digest,
        cell=cell_in(labels),
        fingerprint="" if is_rehearsal(labels) else fingerprint_in(labels),
        label=labels.get(LABEL_INPUTS),
        references=(f"{place}:{tag}" if tag else f"{place}@{digest}",),
        size=sum(layer.size for layer in found.layers),
        created=found.created,
    )

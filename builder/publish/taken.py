"""An immutable tag that is on another digest: a second build of its inputs, or an image that somebody put there."""

from collections.abc import Mapping

from builder.build.moved_tag import moved
from builder.errors import RegistryError, SignatureError, UnavailableError
from builder.matrix.reference import Reference
from builder.publish.signing import audit
from builder.publish.signing.cosign import Trust
from builder.publish.transfer import Place
from builder.registry import image, manifests
from builder.registry.descriptors import text

SECOND_BUILD = (
    "the two builds differ in bytes, not in inputs: use the one that is published, once `audit` finds it good"
)
TAMPERED = "do not use it: ask who can write there, delete the tag in the registry, then repeat the command"


def assert_free(place: Place, immutable: Mapping[str, str], trust: Trust | None = None) -> None:
    """Raise RegistryError with every immutable tag that is on another digest already, and why if it was moved there."""
    held = {tag: manifests.digest(place.connection, place.repository, tag) for tag in immutable}
    taken = {tag: there for tag, there in held.items() if there and there != immutable[tag]}
    why = {tag: tampered(place, tag, there, trust) for tag, there in taken.items()}
    problems = [
        f"{place}:{tag} is already on {there}, and an immutable tag is never moved to {immutable[tag]}"
        + (f": {why[tag]}" if why[tag] else "")
        for tag, there in taken.items()
    ]
    if problems:
        raise RegistryError("\n".join(problems), hint=TAMPERED if any(why.values()) else SECOND_BUILD)


def tampered(place: Place, tag: str, digest: str, trust: Trust | None) -> str:
    """Why the image cannot be the one that got the tag; empty when nothing says so. Raises UnavailableError."""
    try:
        found = image.read(place.connection, place.repository, digest)
        if why := moved(tag, found.labels, text(found.configuration.get("created"))):
            return f"the tampered one is {digest[:19]}: {why}"
        if trust:
            host = place.connection.host
            audit.signature(Reference(host=host, repository=place.repository, digest=digest), trust)
    except UnavailableError:
        raise
    except RegistryError as error:
        return f"the tampered one is {digest[:19]}: {error.message}"
    except SignatureError as error:
        return f"the trusted signer does not vouch for {digest[:19]}: {error.message}"
    return ""

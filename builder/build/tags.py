"""Tags a verified digest: the immutable tag first, the rolling ones last; none names a version not measured."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builder.errors import EngineError, VerifyError
from builder.host import engine
from builder.matrix.names import LABEL_FINGERPRINT, cell, immutable_tag, rolling_tags
from builder.matrix.spec import ImageSpec
from builder.matrix.version import short

if TYPE_CHECKING:
    import docker

TAGGED = {"cuda": 2, "cudnn": 1, "python": 2}
"""The pins that a tag names, and how many parts of their version."""


def repository(spec: ImageSpec, wanted: str | None) -> str:
    """The images' name without a tag: the framework, or what `--repository` says."""
    return (wanted or "{framework}").replace("{framework}", spec.framework)


def tags(spec: ImageSpec, fingerprint: str) -> tuple[str, ...]:
    """Every tag of the image, the immutable one first."""
    return (immutable_tag(spec, fingerprint), *rolling_tags(spec))


def published(client: "docker.DockerClient", spec: ImageSpec, name: str, fingerprint: str) -> str | None:
    """The digest that already has the immutable tag, or None: only a verified image ever got it."""
    reference = f"{name}:{immutable_tag(spec, fingerprint)}"
    image = engine.inspect(client, reference)
    if image is None:
        return None
    label = ((image.get("Config") or {}).get("Labels") or {}).get(LABEL_FINGERPRINT)
    if label != fingerprint:
        raise EngineError(
            f"{reference} is on {image['Id']}, whose fingerprint is {label}, not {fingerprint}",
            hint=f"an immutable tag is never moved; if that image is not needed: docker rmi {reference}",
        )
    return str(image["Id"])


def assert_measured(spec: ImageSpec, measured: Mapping[str, str]) -> None:
    """Refuse tags that would name another version than the one read inside the image; raises VerifyError."""
    for name, parts in TAGGED.items():
        pin = spec.pin(name)
        if pin and short(pin.value, parts) != short(measured.get(name, ""), parts):
            raise VerifyError(
                f"{cell(spec)}: its tag would say {name} {pin.value}, the image measures {measured.get(name)!r}"
            )


def apply(
    client: "docker.DockerClient", spec: ImageSpec, *, digest: str, name: str, fingerprint: str
) -> tuple[str, ...]:
    """Give the digest its tags; returns them as references. Raises EngineError when the immutable one is another's."""
    references = tuple(f"{name}:{tag}" for tag in tags(spec, fingerprint))
    before = {reference: engine.digest(client, reference) for reference in references}
    if (holder := before[references[0]]) not in (None, digest):
        raise EngineError(
            f"{references[0]} is already on {holder}, and an immutable tag is never moved to {digest}",
            hint=f"the two builds differ in bytes, not in inputs; to use the new one: docker rmi {references[0]}",
        )
    with all_or_none(client, before):
        for reference in references:
            if before[reference] != digest:
                point(client, reference, digest)
    return references


@contextmanager
def all_or_none(client: "docker.DockerClient", before: Mapping[str, str | None]) -> Iterator[None]:
    """Put every reference back to the digest it was on when the block fails or is interrupted."""
    try:
        yield
    except BaseException:
        for reference, digest in before.items():
            if digest != engine.digest(client, reference):
                point(client, reference, digest)
        raise


def point(client: "docker.DockerClient", reference: str, digest: str | None) -> None:
    """Set the reference to the digest; None removes it, and nothing but the name."""
    if digest is None:
        client.api.remove_image(reference, noprune=True)
    else:
        repository, _, tag = reference.rpartition(":")
        client.api.tag(digest, repository, tag, force=True)

"""Tags a verified digest on the engine: the immutable tag first, the rolling ones last."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builder.build.fingerprint import fingerprint_in
from builder.build.moved_tag import moved
from builder.build.platform_change import PlatformChange, refuse
from builder.errors import EngineError, VerifyError
from builder.host import engine
from builder.matrix import rehearsal
from builder.matrix.names import cell
from builder.matrix.promise import platform_in
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import TAGGED_PINS, Tags
from builder.matrix.version import short

if TYPE_CHECKING:
    import docker


def published(client: "docker.DockerClient", tags: Tags, fingerprint: str) -> str | None:
    """The digest that already has the immutable tag, or None: only a verified image ever got it."""
    reference = f"{tags.repository}:{tags.immutable}"
    image = engine.inspect(client, reference)
    if image is None:
        return None
    label = fingerprint_in((image.get("Config") or {}).get("Labels") or {})
    if label != fingerprint:
        raise EngineError(
            f"{reference} is on {image['Id']}, whose fingerprint is {label or 'none'}, not {fingerprint}",
            hint=f"an immutable tag is never moved; if that image is not needed: docker rmi {reference}",
        )
    return str(image["Id"])


def assert_measured(spec: ImageSpec, measured: Mapping[str, str]) -> None:
    """Refuse tags that would name another version than the one read inside the image; raises VerifyError."""
    for one in TAGGED_PINS:
        pin = spec.pin(one.pin)
        if pin and short(pin.value, one.count) != short(measured.get(one.pin, ""), one.count):
            raise VerifyError(
                f"{cell(spec)}: its tag would say {one.pin} {pin.value}, the image measures {measured.get(one.pin)!r}"
            )


def apply(
    client: "docker.DockerClient", tags: Tags, digest: str, platform: str, *, allow_platform_change: bool
) -> list[PlatformChange]:
    """Give the digest of that platform its tags, all or none; returns which came from the image of another platform.

    Raises EngineError when the immutable one is another's. Raises InputError for a rolling one on the image of another
    platform that may not move, and for a rehearsal that would get tags of the real thing.
    """
    rehearsal.refuse_tag(engine.labels(client, digest), digest, tags.repository)
    before = {tag: engine.digest(client, f"{tags.repository}:{tag}") for tag in tags.all}
    if (holder := before[tags.immutable]) not in (None, digest):
        raise taken(client, tags, str(holder), digest)
    changes = platform_changes(client, tags, platform, allowed=allow_platform_change)
    with all_or_none(client, tags.repository, before):
        for tag in tags.all:
            if before[tag] != digest:
                point(client, tags.repository, tag, digest)
    return changes


def taken(client: "docker.DockerClient", tags: Tags, holder: str, digest: str) -> EngineError:
    """The error for an immutable tag that is on another image, which names one that somebody put there as such."""
    reference = f"{tags.repository}:{tags.immutable}"
    created = str(engine.described(client, holder).get("Created") or "")
    what = f"{reference} is already on {holder}, and an immutable tag is never moved to {digest}"
    if why := moved(tags.immutable, engine.labels(client, holder), created):
        what = f"{what}: the tampered one is {holder[:19]}: {why}"
        return EngineError(what, hint=f"do not use it: docker rmi {reference}, then repeat the command")
    hint = f"the two builds differ in bytes, not in inputs; to use the new one: docker rmi {reference}"
    return EngineError(what, hint=hint)


def platform_changes(
    client: "docker.DockerClient", tags: Tags, platform: str, *, allowed: bool
) -> list[PlatformChange]:
    """The rolling tags that are on the image of another platform than this one, as the labels of those images say.

    Raises InputError when there are any, unless they are allowed.
    """
    held = {f"{tags.repository}:{tag}": engine.inspect(client, f"{tags.repository}:{tag}") for tag in tags.rolling}
    changes = [
        PlatformChange(reference=reference, digest=str(image["Id"]), before=before, after=platform)
        for reference, image in held.items()
        if image and (before := platform_in((image.get("Config") or {}).get("Labels") or {})) not in ("", platform)
    ]
    if not allowed:
        refuse(changes)
    return changes


@contextmanager
def all_or_none(client: "docker.DockerClient", repository: str, before: Mapping[str, str | None]) -> Iterator[None]:
    """Put every tag back to the digest it was on when the block fails or is interrupted."""
    try:
        yield
    except BaseException:
        for tag, digest in before.items():
            if digest != engine.digest(client, f"{repository}:{tag}"):
                point(client, repository, tag, digest)
        raise


def point(client: "docker.DockerClient", repository: str, tag: str, digest: str | None) -> None:
    """Set the tag to the digest; None removes it, and nothing but the name."""
    if digest is None:
        client.api.remove_image(f"{repository}:{tag}", noprune=True)
    else:
        client.api.tag(digest, repository, tag, force=True)

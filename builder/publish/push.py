"""Pushes verified images to registries. Each image goes by its digest, and gets its tags when all of them are there."""

import io
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.build import layout_cache
from builder.build.progress import Display, Watch
from builder.errors import BuilderError, CancelledError, told
from builder.host import engine, mutex
from builder.host.cache import cache_directory
from builder.matrix import rehearsal
from builder.matrix.reference import Registry
from builder.publish import tag_set, transfer
from builder.publish.admission import admission
from builder.publish.publication import Published, Publisher, VerifiedImage
from builder.publish.tag_set import TagSet
from builder.publish.transfer import Place, Sent
from builder.registry import image as registry_image
from builder.registry.connection import linked

if TYPE_CHECKING:
    import docker

LINE_SECONDS = 15.0
"""How often a long upload reports its progress where there is no live display."""


def publish(
    publisher: Publisher, registries: Sequence[Registry], images: Sequence[VerifiedImage], incomplete: Collection[str]
) -> list[Published]:
    """Push every image to every registry; returns an outcome for each. Releases in `incomplete` get no rolling tags.

    Raises InputError for a rehearsal, before a byte moves.
    """
    for one in images:
        rehearsal.refuse(labels_of(publisher.source, one.digest), one.name)
    outcomes: list[Published] = []
    images = [with_manifest(publisher, image) for image in images]
    for target in registries:
        if any(one.outcome == "failed" for one in outcomes) and not publisher.keep_going:
            outcomes += [unpublished(image, target, "not pushed") for image in images]
            continue
        outcomes += to_registry(publisher, target, images, incomplete)
    return outcomes


def with_manifest(publisher: Publisher, image: VerifiedImage) -> VerifiedImage:
    """The image under the digest that registries know it by; an engine may know it by another. Raises EngineError."""
    if isinstance(publisher.source, Place):
        return image
    return replace(image, digest=layout_cache.published_digest(publisher.source, image.digest))


def labels_of(source: "docker.DockerClient | Place", digest: str) -> dict[str, str]:
    """The labels of an image that is to be published; none where the engine lacks it, as it then sends nothing.

    Raises RegistryError.
    """
    if isinstance(source, Place):
        return registry_image.read(source.connection, source.repository, digest).labels
    return ((engine.inspect(source, digest) or {}).get("Config") or {}).get("Labels") or {}


def unpublished(image: VerifiedImage, target: Registry, outcome: str) -> Published:
    return Published(name=image.name, registry=str(target), outcome=outcome, digest=image.digest)


def to_registry(
    publisher: Publisher, target: Registry, images: Sequence[VerifiedImage], incomplete: Collection[str]
) -> list[Published]:
    """Push the images to one registry, a repository at a time; returns their outcomes."""
    by_repository = defaultdict[str, list[VerifiedImage]](list)
    for image in images:
        by_repository[image.tags.repository].append(image)
    outcomes: list[Published] = []
    with linked(publisher.site, target.host) as link:
        for repository, found in by_repository.items():
            place = Place(connection=link, repository=target.reference(repository).repository)
            with held(place, publisher.display):
                outcomes += Push(publisher=publisher, target=target, place=place, incomplete=incomplete).run(found)
    return outcomes


@contextmanager
def held(place: Place, display: Display) -> Iterator[None]:
    """The right to move tags of a repository, against other runs on this host; waits for them."""

    def waiting(holder: str) -> None:
        display.say(f"{place}: {holder} is pushing there; waiting")

    with mutex.held(cache_directory() / "locks", f"push {place}", waiting):
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push to one repository."""

    publisher: Publisher
    target: Registry
    place: Place
    incomplete: Collection[str]

    def run(self, images: Sequence[VerifiedImage]) -> list[Published]:
        """Upload each image, then move the tags of those that arrived, all or none. Returns the outcomes."""
        done: list[Published] = []
        try:
            tag_set.recover(self.place, self.publisher.say)
            for image in images:
                if any(one.outcome == "failed" for one in done) and not self.publisher.keep_going:
                    break
                done.append(self.one(image))
            self.tag(images, done)
        except CancelledError:
            raise
        except BuilderError as error:
            self.explain(error)
            done = [unpublished(image, self.target, "failed") for image in images]
        named = {one.name for one in done}
        return [*done, *(unpublished(one, self.target, "not pushed") for one in images if one.name not in named)]

    def one(self, image: VerifiedImage) -> Published:
        """Upload one image under its digest, and attest it. It fails when a tag of its may not be set."""
        began, sent = time.monotonic(), Sent()
        try:
            if not self.is_admitted(image):
                return unpublished(image, self.target, "failed")
            with watched(self.publisher.display, f"{image.name} to {self.target}", sent):
                bring(self.publisher, self.place, image, sent)
            if self.publisher.attester:
                self.publisher.attester.attest(self.target.reference(image.tags.repository, digest=image.digest))
        except CancelledError:
            raise
        except BuilderError as error:
            self.explain(error)
            return unpublished(image, self.target, "failed")
        return Published(
            name=image.name,
            registry=str(self.target),
            outcome="pushed",
            digest=image.digest,
            sent=sent.bytes,
            seconds=time.monotonic() - began,
        )

    def is_admitted(self, image: VerifiedImage) -> bool:
        """Whether the image may get its tags; says why not, and which rolling tags leave another kind of image."""
        found = admission(self.publisher, self.place, image, is_whole=image.release not in self.incomplete)
        for error in found.refusals:
            self.explain(error)
        for line in () if found.refusals else found.notes:
            self.publisher.say(f"{image.name}: {line}")
        return not found.refusals

    def tag(self, images: Sequence[VerifiedImage], done: list[Published]) -> None:
        """Set the tags of what was uploaded. After a failure it sets none, with `--keep-going` those of the others."""
        failed = {one.name for one in done if one.outcome == "failed"}
        if failed and not self.publisher.keep_going:
            done[:] = [
                unpublished(one, self.target, "failed" if one.name in failed else "not tagged") for one in images
            ]
            return
        passed = [image for image in images if image.name not in failed]
        held_back = {*self.incomplete, *(image.release for image in images if image.name in failed)}
        wanted = TagSet(
            immutable={image.tags.immutable: image.digest for image in passed},
            rolling={tag: one.digest for one in passed if one.release not in held_back for tag in one.tags.rolling},
        )
        for release in sorted(held_back & {image.release for image in passed}):
            self.publisher.say(f"{self.place}: the rolling tags of {release} stay, as not all of its images passed")
        moved = tag_set.move(self.place, wanted, self.publisher.say)
        done[:] = [self.with_tags(one, wanted, moved) for one in done]

    def with_tags(self, one: Published, wanted: TagSet, moved: Collection[str]) -> Published:
        """The outcome with the image's tags; `unchanged` when the registry had the image and its tags before."""
        if one.outcome == "failed":
            return one
        own = tuple(tag for tag, digest in wanted.all.items() if digest == one.digest)
        word = "pushed" if one.sent or set(own) & set(moved) else "unchanged"
        where = f"{one.name}: {word}: {self.place}@{one.digest}"
        self.publisher.say(f"{where}, {one.sent / 1e6:.1f} MB in {one.seconds:.1f} s" if one.sent else where)
        return replace(one, outcome=word, repository=str(self.place), tags=own)

    def explain(self, error: BuilderError) -> None:
        """Say what happened, and what to do; with --debug, raise it."""
        if self.publisher.debug:
            raise error
        self.publisher.say(told(error))


def bring(publisher: Publisher, place: Place, image: VerifiedImage, sent: Sent) -> None:
    """Bring the image to a repository under its digest. From another repository its attestations come with it."""
    if not isinstance(publisher.source, Place):
        transfer.push(publisher.source, place, image.digest, sent)
        return
    transfer.copy(publisher.source, place, image.digest, sent)
    if followers := transfer.follow(publisher.source, place, image.digest, sent):
        publisher.say(f"{image.name}: {len(followers)} attestations and signatures followed it to {place}")


@contextmanager
def watched(display: Display, name: str, sent: Sent) -> Iterator[None]:
    """Show the progress of an upload: live on a terminal, elsewhere a line now and then."""
    watch = Watch(name=name, log=io.StringIO(), step="pushing")
    said = [time.monotonic()]

    def step() -> None:
        total = f" of {sent.total / 1e6:.0f}" if sent.total else ""
        watch.step = f"{sent.bytes / 1e6:.0f}{total} MB pushed"
        if time.monotonic() - said[0] > LINE_SECONDS:
            said[0] = time.monotonic()
            display.step(watch)

    sent.watch = step
    display.add(watch)
    try:
        yield
    finally:
        display.remove(watch)

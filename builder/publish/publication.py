"""What is published, by whom, and how each image ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from builder.build.progress import Display
from builder.host.site import Site
from builder.matrix.names import release_of
from builder.matrix.promise import Promise
from builder.matrix.tags import Tags
from builder.publish.attestation import Attester
from builder.publish.signing.cosign import Trust
from builder.publish.transfer import Place

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedImage:
    """A verified image that is to be published; its rolling tags wait for every image of its `release`."""

    promise: Promise
    digest: str
    tags: Tags
    verified: datetime | None = None
    """When its checks ended, where that is known."""

    @property
    def name(self) -> str:
        """The cell that it is of."""
        return self.promise.cell

    @property
    def release(self) -> str:
        """The release that it belongs to."""
        return release_of(self.promise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """How one image ended at one registry."""

    name: str
    registry: str
    outcome: str
    digest: str
    repository: str = ""
    """The repository with its registry; empty when the image has no tag there."""
    tags: tuple[str, ...] = ()
    sent: int = 0
    seconds: float = 0.0

    @property
    def references(self) -> tuple[str, ...]:
        """The references of its tags there, as people pull them."""
        return tuple(f"{self.repository}:{tag}" for tag in self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """What every publication of one run shares."""

    source: "docker.DockerClient | Place"
    """The engine that has the images, or the repository that they are copied from."""
    site: Site
    display: Display
    keep_going: bool = False
    allow_platform_change: bool = False
    force: bool = False
    """Whether rolling tags may go back, or to another framework."""
    debug: bool = False
    attester: Attester | None = None
    """Attests each uploaded image before it gets a tag; None: no image is attested."""
    trust: Trust | None = None
    """Whose signatures count, where flags or the site say that."""

    def say(self, line: str) -> None:
        self.display.say(line)

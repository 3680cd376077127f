"""What publishing an image would move in one registry; it asks the registry, and changes nothing."""

from dataclasses import dataclass

from builder.matrix.reference import Registry
from builder.publish.admission import Admission, admission
from builder.publish.publication import Publisher, VerifiedImage
from builder.publish.transfer import Place
from builder.registry import manifests
from builder.registry.connection import linked


@dataclass(frozen=True, slots=True, kw_only=True)
class TagMove:
    """A tag with its repository and registry, and the digests before and after; `before` is empty for a new tag."""

    reference: str
    before: str
    after: str

    @property
    def outcome(self) -> str:
        """How it would end, in a word."""
        return "unchanged" if self.before == self.after else "moves" if self.before else "new"


def preview(publisher: Publisher, target: Registry, image: VerifiedImage) -> tuple[list[TagMove], Admission]:
    """Each tag of the image there, and what hinders them; raises RegistryError."""
    with linked(publisher.site, target.host) as link:
        place = Place(connection=link, repository=target.reference(image.tags.repository).repository)
        moves = [
            TagMove(
                reference=f"{place}:{tag}",
                before=manifests.digest(link, place.repository, tag) or "",
                after=image.digest,
            )
            for tag in image.tags.all
        ]
        return moves, admission(publisher, place, image, is_whole=True)

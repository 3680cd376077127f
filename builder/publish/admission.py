"""Whether an image may get its tags in a repository: the immutable one is free, and no rolling one is set back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from builder.build import platform_change
from builder.errors import BuilderError, SignatureError, UnavailableError, VerifyError
from builder.matrix.reference import Reference
from builder.publish import platform_changes, setback
from builder.publish.holders import holders
from builder.publish.publication import Publisher, VerifiedImage
from builder.publish.signing import audit, cosign
from builder.publish.signing.cosign import Trust
from builder.publish.taken import assert_free
from builder.publish.transfer import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The errors that refuse an image its tags, and what is to be said of tags that move all the same."""

    refusals: tuple[BuilderError, ...]
    notes: tuple[str, ...]


def admission(publisher: Publisher, place: Place, image: VerifiedImage, *, is_whole: bool) -> Admission:
    """What hinders the tags of an image in a repository; `is_whole` says that its rolling tags move, too.

    Raises UnavailableError.
    """
    with believed(publisher) as trust:
        verified = cache(lambda digest: verified_there(place, digest, trust))
        found = holders(place, image.tags.rolling, image.digest) if is_whole else []
        changes = platform_changes.among(found, image.promise.platform)
        back = list(setback.setbacks(found, image.promise, image.verified, verified))
        refusals = raised(
            lambda: assert_free(place, {image.tags.immutable: image.digest}, trust),
            lambda: platform_change.refuse(() if publisher.allow_platform_change else changes, image.name),
            lambda: setback.refuse(() if publisher.force else back, image.name),
        )
    return Admission(refusals=refusals, notes=(*map(str, changes), *back))


def raised(*questions: Callable[[], None]) -> tuple[BuilderError, ...]:
    """The errors that the questions raise, without those that may pass: such a one is raised here."""
    found = []
    for ask in questions:
        try:
            ask()
        except UnavailableError:
            raise
        except BuilderError as error:
            found.append(error)
    return tuple(found)


@contextmanager
def believed(publisher: Publisher) -> Iterator[Trust | None]:
    """Whose signatures count: the signer's own, else whom flags or the site name; None where nobody is named."""
    if publisher.attester is None:
        yield publisher.trust
        return
    with cosign.trust_of(publisher.attester.signer, publisher.trust) as found:
        yield found


def verified_there(place: Place, digest: str, trust: Trust | None) -> datetime | None:
    """When the checks of an image of the repository ended, as the trusted signer says; None where nobody does."""
    reference = Reference(host=place.connection.host, repository=place.repository, digest=digest)
    try:
        return audit.ended(audit.report(reference, trust)) if trust else None
    except (SignatureError, VerifyError):
        return None

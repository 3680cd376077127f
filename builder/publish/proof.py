"""What a published image has to prove before it is promoted: what it is, who vouches for it, and its name."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from builder.errors import VerifyError
from builder.matrix.names import cell
from builder.matrix.reference import Reference
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import may_be_tagged, repository_of
from builder.publish import tag_map
from builder.publish.live import look
from builder.publish.signing.cosign import Trust
from builder.publish.transfer import Place
from builder.verify import passed

WHO = "--key cosign.pub, or `trust` in the site file; or, with the image on this engine: python -m builder verify IMAGE"


def vouched_for(source: Place, image: Reference, spec: ImageSpec, checks: str, trust: Trust) -> datetime:
    """When the checks of an image ended, as the trusted signer says, who vouches for everything that is attached.

    `image` is named by digest. Raises VerifyError with all that is missing.
    """
    found = look(source.connection, trust, image, spec, str(image.digest))
    problems = [f"{one.item}: {one.text}" for one in found.verdicts if not one.passed]
    problems += tag_map.stale(found, checks)
    if problems or found.verified is None:
        lines = "\n".join(f"{image}: {one}" for one in problems)
        raise VerifyError(lines, hint=f"python -m builder audit {image}")
    return found.verified


def passed_here(image: Reference, config: str, checks: str) -> datetime:
    """When the image passed on this host, whose engine may know it by its configuration's digest.

    Raises VerifyError when it did not: a tag alone proves nothing.
    """
    if last := passed.verification(str(image.digest), checks) or passed.verification(config, checks):
        return datetime.fromisoformat(last.when)
    raise VerifyError(
        f"{image}: not verified: it did not pass today's checks on this host, and nobody says whose signature counts",
        hint=WHO,
    )


def misnamed(
    reference: Reference, spec: ImageSpec, immutable: str, frameworks: Iterable[str], name: str | None
) -> Iterator[str]:
    """What the name says of the image that its label does not; `name` is what `--repository` says."""
    own, path = repository_of(spec.framework, name), f"/{reference.repository}"
    others = {repository_of(one, name) for one in frameworks} - {own}
    if not path.endswith(f"/{own}") and path.endswith(tuple(f"/{one}" for one in others)):
        yield f"{reference}: its label says {cell(spec)}, which does not belong in {reference.repository}"
    if reference.tag and not may_be_tagged(spec, immutable, reference.tag):
        yield f"{reference}: its label says {cell(spec)}, whose image never has the tag {reference.tag}"

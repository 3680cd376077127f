"""What a night does about what is attached to images: renewed where they were verified long ago, else left alone."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from builder.commands.attest import attested, say
from builder.commands.common.statements_of import checks_now, renewal
from builder.commands.common.trust import bring, identity
from builder.commands.flags.attest import AttestOptions
from builder.errors import SignatureError, VerifyError
from builder.matrix.promise import read
from builder.matrix.reference import Reference
from builder.publish.signing import audit, cosign
from builder.publish.signing.attest import attest
from builder.publish.signing.cosign import Signer

if TYPE_CHECKING:
    import docker


def renewed(
    client: "docker.DockerClient", options: AttestOptions, reference: Reference, signer: Signer, age: timedelta
) -> None:
    """Attest an image of a registry, unless the signer's own report is of today's checks, and younger than `age`.

    An older report is replaced once the image has passed again, and no other statement is: of what it was built stays
    said. What the engine lacks is pulled. Raises VerifyError, SignatureError.
    """
    since, said = datetime.now(UTC) - age, report(options, reference, signer)
    if said and is_recent(options, said, since):
        say(f"{reference}: attested, and verified on {said['finishedOn']}: it stays so")
        return
    bring(client, reference)
    if said is None:
        attested(client, options, reference, signer, since=since)
        return
    say(f"{reference}: its report is of {said.get('finishedOn')}: it is renewed")
    attest(reference, renewal(client, options, str(reference.digest), since), signer, say, trust=identity(options))


def report(options: AttestOptions, reference: Reference, signer: Signer) -> Mapping[str, Any] | None:
    """The report that the signer attached; None where there is none, or nothing says who the signer is."""
    with cosign.trust_of(signer, identity(options)) as believed:
        try:
            return audit.report(reference, believed) if believed else None
        except SignatureError:
            return None


def is_recent(options: AttestOptions, said: Mapping[str, Any], since: datetime) -> bool:
    try:
        checks, promised = audit.part(said, "checks").get("version"), read(audit.part(said, "row"))
        return audit.ended(said) >= since and checks == checks_now(options, promised.framework)
    except (VerifyError, ValueError, KeyError, TypeError, AttributeError):
        return False

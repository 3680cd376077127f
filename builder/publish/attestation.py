"""Attests images in registries: makes their statements, signs and attaches them, and renews an old report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from builder.build import layout_cache
from builder.build.checkout import Checkout
from builder.errors import SignatureError, VerifyError
from builder.matrix.promise import read
from builder.matrix.reference import Reference
from builder.publish.signing import audit, cosign
from builder.publish.signing.attest import attest
from builder.publish.signing.cosign import Signer, Trust
from builder.publish.signing.documents import documents, renewed_report

if TYPE_CHECKING:
    import docker

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attester:
    """Who signs, and what the statements are made from."""

    client: "docker.DockerClient"
    checkout: Checkout
    signer: Signer
    builder: str
    """Who builds, as a URI in the provenance."""
    say: Say
    trust: Trust | None = None
    """Who the keyless signer is, where that is known."""
    renew_after: timedelta | None = None
    """How old the report of an attested image may be; None: every image is attested anew."""

    def attest(self, reference: Reference) -> None:
        """Attest the image of that digest, or renew its report; raises VerifyError, SignatureError."""
        if self.renew_after is None:
            self.attest_anew(reference)
        else:
            self.renew(reference, datetime.now(UTC) - self.renew_after)

    def attest_anew(self, reference: Reference, since: datetime | None = None) -> None:
        """Make and attach every statement. The image is verified now unless it passed here, at `since` or later."""
        found = documents(self.client, self.checkout, reference, builder=self.builder, say=self.say, since=since)
        attest(reference, found.predicates(), self.signer, self.say, trust=self.trust)

    def renew(self, reference: Reference, since: datetime) -> None:
        """Attest the image, unless the signer's own report is of today's checks, and ended at `since` or later.

        Only the report of an attested image is replaced, after the image has passed again. Its other statements are
        about its build, so they stay. The image is pulled where the engine lacks it.
        """
        said = self.report(reference)
        if said and self.is_recent(said, since):
            self.say(f"{reference}: attested, and verified on {said['finishedOn']}: it stays so")
            return
        layout_cache.bring(self.client, reference, self.say)
        if said is None:
            self.attest_anew(reference, since)
            return
        self.say(f"{reference}: its report is of {said.get('finishedOn')}: it is renewed")
        found = renewed_report(self.client, self.checkout, reference, say=self.say, since=since)
        attest(reference, found, self.signer, self.say, trust=self.trust)

    def report(self, reference: Reference) -> Mapping[str, Any] | None:
        """The signer's own report; None when there is none that counts, or when nothing says who the signer is."""
        with cosign.trust_of(self.signer, self.trust) as believed:
            try:
                return audit.report(reference, believed) if believed else None
            except (SignatureError, VerifyError):
                return None

    def is_recent(self, said: Mapping[str, Any], since: datetime) -> bool:
        """Whether a report is of today's checks, and ended at `since` or later."""
        try:
            checks, promised = audit.checks_in(said), read(audit.part(said, "row"))
            return audit.ended(said) >= since and checks == self.checkout.checks(promised.framework)
        except (VerifyError, ValueError, KeyError, TypeError, AttributeError):
            return False

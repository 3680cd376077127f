"""`attest`: signs images in a registry, and attaches their provenance, verification report and SBOM."""

from builder.commands.common.output import say
from builder.commands.common.publishing import attester_of, builder_of, checkout_of
from builder.commands.common.trust import resolved, signer
from builder.commands.flags.attest import AttestOptions
from builder.host import engine
from builder.matrix.reference import parse
from builder.publish.signing.attest import payloads
from builder.publish.signing.documents import documents


def run(options: AttestOptions) -> int:
    """Attest every named image, or print with --dry-run what would be signed: the statements, one on a line."""
    if not options.dry_run:
        signer(options)  # who cannot sign hears so before a registry is asked
    named = [resolved(parse(image), options) for image in options.images]
    with engine.connected() as client:
        if not options.dry_run:
            attester = attester_of(options, client, say)
            for reference in named:
                attester.attest(reference)
            return 0
        checkout, builder = checkout_of(options), builder_of(options)
        for reference in named:
            found = documents(client, checkout, reference, builder=builder, say=say)
            print("\n".join(one.decode() for one in payloads(reference, found.predicates()).values()))
    return 0

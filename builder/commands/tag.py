"""`tag`: verifies images of the engine, and tags those that pass."""

from builder.build import tags as tagging
from builder.build.checkout import Checkout, spec_of, verified_now
from builder.commands.common.publishing import checkout_of, say
from builder.commands.options import Options
from builder.host import engine
from builder.matrix.names import LABEL_FINGERPRINT, cell
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import repository_of, tags_of
from builder.verify import passed


def run(options: Options) -> int:
    """Tag every named image, or say with --dry-run which tags it would get."""
    checkout = checkout_of(options)
    with engine.connected() as client:
        for image in options.images:
            labels = engine.labels(client, image)
            spec = spec_of(checkout, image, labels)
            tags = tags_of(spec, repository_of(spec.framework, options.repository), labels[LABEL_FINGERPRINT])
            if not options.dry_run:
                digest = engine.digest(client, image) or image
                assert_verified(checkout, spec, digest)
                tagging.apply(client, tags, digest)
            print("\n".join(tags.references))
    return 0


def assert_verified(checkout: Checkout, spec: ImageSpec, digest: str) -> None:
    """Raise VerifyError unless the digest passed every check on this host, now or before."""
    if checkout.checks(spec.framework) in passed.passed(digest):
        say(f"{cell(spec)}: {digest[:19]} is already verified")
    else:
        verified_now(checkout, spec, digest, say)

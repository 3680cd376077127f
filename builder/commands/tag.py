"""`tag`: verifies images of the engine, and tags those that pass."""

from typing import TYPE_CHECKING

from builder.build import tags as tagging
from builder.build.checkout import Checkout, spec_of, verified_now
from builder.commands.common.output import say
from builder.commands.common.publishing import checkout_of
from builder.commands.options import Options
from builder.host import engine
from builder.matrix import rehearsal
from builder.matrix.names import LABEL_FINGERPRINT, cell
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import Tags, repository_of, tags_of
from builder.verify import passed

if TYPE_CHECKING:
    import docker


def run(options: Options) -> int:
    """Tag every named image, or say with --dry-run which tags it would get. Raises before the first tag is set."""
    checkout = checkout_of(options)
    allowed = options.allow_platform_change
    with engine.connected() as client:
        named = [described(client, checkout, image, options.repository) for image in options.images]
        for spec, tags, _ in named:
            for change in tagging.platform_changes(client, tags, spec.platform.name, allowed=allowed):
                say(f"{cell(spec)}: {change}")
        for spec, tags, digest in named:
            if not options.dry_run:
                assert_verified(checkout, spec, digest)
                tagging.apply(client, tags, digest, spec.platform.name, allow_platform_change=allowed)
            print("\n".join(tags.references))
    return 0


def described(
    client: "docker.DockerClient", checkout: Checkout, image: str, repository: str | None
) -> tuple[ImageSpec, Tags, str]:
    """The cell of an image of the engine, its tags and its digest; raises InputError, EngineError."""
    found = engine.described(client, image)
    labels = (found.get("Config") or {}).get("Labels") or {}
    rehearsal.refuse_tag(labels, image, repository or "")
    spec = spec_of(checkout, image, labels)
    return spec, tags_of(spec, repository_of(spec.framework, repository), labels[LABEL_FINGERPRINT]), str(found["Id"])


def assert_verified(checkout: Checkout, spec: ImageSpec, digest: str) -> None:
    """Raise VerifyError unless the digest passed every check on this host, now or before."""
    if checkout.checks(spec.framework) in passed.passed(digest):
        say(f"{cell(spec)}: {digest[:19]} is already verified")
    else:
        verified_now(checkout, spec, digest, say)

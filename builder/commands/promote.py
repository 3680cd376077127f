"""`promote`: copies a published image to other registries, with its digest, attestations and signatures."""

from builder.build.checkout import Checkout, spec_of
from builder.build.progress import Display
from builder.commands.common.existing_images import registries_of
from builder.commands.common.inputs import site_of
from builder.commands.common.publishing import checkout_of, summary
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import taken
from builder.errors import RegistryError, VerifyError
from builder.matrix.names import LABEL_FINGERPRINT, cell, release_of
from builder.matrix.reference import Reference, parse
from builder.matrix.tags import repository_of, tags_of
from builder.publish.push import Publisher, VerifiedImage, publish
from builder.publish.transfer import Place
from builder.registry import image, manifests
from builder.registry.connection import linked
from builder.verify import passed


def run(options: PublishOptions) -> int:
    """Copy the image, its attestations and signatures, then set its tags; no engine is needed."""
    registries, checkout = registries_of(options), checkout_of(options)
    site, reference = site_of(options), parse(options.source)
    with linked(site, reference.host) as link, Display(live=not options.verbose) as display:
        source = Place(connection=link, repository=reference.repository)
        verified = verified_image(checkout, source, reference, options.repository)
        publisher = taken(Publisher, options, source=source, site=site, display=display)
        outcomes = publish(publisher, registries, [verified], frozenset())
    return summary(options, outcomes)


def verified_image(checkout: Checkout, source: Place, reference: Reference, name: str | None) -> VerifiedImage:
    """The image with the tags of its row; raises RegistryError, InputError when it is of no row, VerifyError.

    `name` is what `--repository` says.
    """
    digest = manifests.digest(source.connection, source.repository, reference.version)
    if digest is None:
        raise RegistryError(f"{reference}: no such image", hint="python -m builder push", status=manifests.MISSING)
    labels = image.read(source.connection, source.repository, digest).labels
    spec = spec_of(checkout, str(reference), labels)
    tags = tags_of(spec, repository_of(spec.framework, name), labels[LABEL_FINGERPRINT])
    if checkout.checks(spec.framework) not in passed.passed(digest):
        assert_tagged(source, tags.immutable, digest)
    return VerifiedImage(
        name=cell(spec), release=release_of(spec), digest=digest, tags=tags, platform=spec.platform.name
    )


def assert_tagged(source: Place, immutable: str, digest: str) -> None:
    """Raise VerifyError unless the digest has its immutable tag there: only verified images get one."""
    if manifests.digest(source.connection, source.repository, immutable) != digest:
        raise VerifyError(
            f"{source}@{digest}: not verified: it did not pass the checks on this host, and does not have the tag"
            f" {immutable} there, which only verified images get",
            hint=f"docker pull {source}@{digest}; python -m builder verify {source}@{digest}",
        )

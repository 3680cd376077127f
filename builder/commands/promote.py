"""`promote`: a published image from one registry to others, the same digest, with everything that refers to it."""

import os

from builder.build import tags
from builder.build.progress import Display
from builder.commands.common.existing_images import registries_of
from builder.commands.common.inputs import root, site_of
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options
from builder.commands.push import summary
from builder.commands.tag import row_of
from builder.errors import RegistryError, VerifyError
from builder.host.site import default_platform
from builder.matrix.load import load
from builder.matrix.names import LABEL_FINGERPRINT, cell, immutable_tag, rolling_tags
from builder.matrix.reference import parse
from builder.matrix.spec import ImageSpec
from builder.publish import transfer
from builder.publish.push import Publisher, Release, publish
from builder.publish.transfer import Place, Sent
from builder.registry import image, manifests
from builder.registry.connection import linked
from builder.verify import passed
from builder.verify.run_checks import checks_version, extra_checks_of


def run(options: PublishOptions) -> int:
    """Copy the image, its attestations and signatures, then set its tags; no engine is needed."""
    registries = registries_of(options)
    site, reference = site_of(options), parse(options.source)
    with linked(site, reference.host) as link, Display(live=not options.verbose) as display:
        source = Place(connection=link, repository=reference.repository)
        digest = manifests.digest(link, source.repository, reference.version)
        if digest is None:
            raise RegistryError(f"{reference}: no such image", hint="python -m builder push", status=manifests.MISSING)
        labels = image.read(link, source.repository, digest).labels
        matrix = load(options.matrix, site_platform=default_platform(options.site, os.environ))
        spec = row_of(str(reference), labels, matrix.cells)
        release = released(options, spec, digest, labels[LABEL_FINGERPRINT])
        assert_verified(options, spec, source, release)

        def bring(place: Place, release: Release, sent: Sent) -> None:
            transfer.copy(source, place, release.digest, sent)
            followers = transfer.follow(source, place, release.digest, sent)
            if followers:
                display.say(f"{release.name}: {len(followers)} attestations and signatures followed it to {place}")

        publisher = Publisher(bring=bring, site=site, display=display, debug=options.debug)
        outcomes = publish(publisher, registries, [release], frozenset())
    return summary(options, outcomes)


def released(options: Options, spec: ImageSpec, digest: str, fingerprint: str) -> Release:
    """The image with the tags of its row as the matrix has it now."""
    return Release(
        name=cell(spec),
        group=f"{spec.framework} {spec.version}",
        repository=tags.repository(spec, options.repository),
        digest=digest,
        immutable=immutable_tag(spec, fingerprint),
        rolling=rolling_tags(spec),
    )


def assert_verified(options: Options, spec: ImageSpec, source: Place, release: Release) -> None:
    """Raise VerifyError unless the digest passed here, or has its immutable tag there, which only verified ones get."""
    checks = checks_version(extra_checks_of(root(options) / "templates", spec.framework))
    if checks in passed.passed(release.digest):
        return
    if manifests.digest(source.connection, source.repository, release.immutable) != release.digest:
        raise VerifyError(
            f"{source}@{release.digest}: not verified: it did not pass the checks on this host, and the tag"
            f" {release.immutable}, which only verified images get, is not on it there",
            hint=f"docker pull {source}@{release.digest}; python -m builder verify {source}@{release.digest}",
        )

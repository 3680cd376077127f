"""`promote`: a published image from one registry to others, the same digest, with everything that refers to it."""

import os
from typing import cast

from builder.build.progress import Display
from builder.commands.common.inputs import root, site_of
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options
from builder.commands.push import summary
from builder.commands.tag import row_of
from builder.errors import RegistryError, VerifyError
from builder.host.site import default_platform
from builder.matrix.load import load
from builder.matrix.names import LABEL_FINGERPRINT, cell, release_of
from builder.matrix.reference import parse, parse_registry
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import repository_of, tags_of
from builder.publish import existing, transfer
from builder.publish.push import Publisher, VerifiedImage, publish
from builder.publish.transfer import Place, Sent
from builder.registry import manifests
from builder.registry.connection import linked
from builder.verify import passed
from builder.verify.run_checks import checks_version, extra_checks_of


def run(options: Options) -> int:
    """Copy the image, its attestations and signatures, then set its tags; no engine is needed."""
    wanted = cast("PublishOptions", options)
    registries = tuple(dict.fromkeys(parse_registry(text) for text in wanted.registries))
    site, reference = site_of(options), parse(wanted.source)
    with linked(site, reference.host) as link, Display(live=not options.verbose) as display:
        source = Place(connection=link, repository=reference.repository)
        digest = manifests.digest(link, source.repository, reference.version)
        if digest is None:
            raise RegistryError(f"{reference}: no such image", hint="python -m builder push", status=manifests.MISSING)
        labels = existing.labels(source, digest)
        matrix = load(options.matrix, site_platform=default_platform(options.site, os.environ))
        spec = row_of(str(reference), labels, matrix.cells)
        tags = tags_of(spec, repository_of(spec.framework, options.repository), labels[LABEL_FINGERPRINT])
        image = VerifiedImage(name=cell(spec), release=release_of(spec), digest=digest, tags=tags)
        assert_verified(options, spec, source, image)

        def bring(place: Place, image: VerifiedImage, sent: Sent) -> None:
            transfer.copy(source, place, image.digest, sent)
            followers = transfer.follow(source, place, image.digest, sent)
            if followers:
                display.say(f"{image.name}: {len(followers)} attestations and signatures followed it to {place}")

        publisher = Publisher(bring=bring, site=site, display=display, debug=options.debug)
        outcomes = publish(publisher, registries, [image], frozenset())
    return summary(options, outcomes)


def assert_verified(options: Options, spec: ImageSpec, source: Place, image: VerifiedImage) -> None:
    """Raise VerifyError unless the digest passed here, or has its immutable tag there, which only verified ones get."""
    checks = checks_version(extra_checks_of(root(options) / "templates", spec.framework))
    if checks in passed.passed(image.digest):
        return
    if manifests.digest(source.connection, source.repository, image.tags.immutable) != image.digest:
        raise VerifyError(
            f"{source}@{image.digest}: not verified: it did not pass the checks on this host, and the tag"
            f" {image.tags.immutable}, which only verified images get, is not on it there",
            hint=f"docker pull {source}@{image.digest}; python -m builder verify {source}@{image.digest}",
        )

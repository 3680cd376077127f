"""`promote`: copies a published image to other registries, with its digest, attestations and signatures."""

from collections.abc import Mapping
from dataclasses import replace

from builder.build.checkout import Checkout, spec_of
from builder.build.progress import Display
from builder.commands.common.existing_images import registries_of
from builder.commands.common.inputs import site_of
from builder.commands.common.output import document, say
from builder.commands.common.publishing import checkout_of, summary
from builder.commands.common.trust import known_trust
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import taken
from builder.errors import RegistryError, VerifyError, told
from builder.matrix import rehearsal
from builder.matrix.names import LABEL_FINGERPRINT
from builder.matrix.promise import promise_of
from builder.matrix.reference import Reference, parse
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import Tags, repository_of, tags_of
from builder.publish.preview import preview
from builder.publish.proof import misnamed, passed_here, vouched_for
from builder.publish.publication import Publisher, VerifiedImage
from builder.publish.push import publish
from builder.publish.signing.cosign import Trust
from builder.publish.transfer import Place
from builder.registry import image, manifests
from builder.registry.connection import linked


def run(options: PublishOptions) -> int:
    """Copy the image, its attestations and signatures, then set its tags; no engine is needed.

    Before a byte moves, the image proves what it is. With --dry-run it says which tags would move.
    """
    registries, checkout = registries_of(options), checkout_of(options)
    site, reference = site_of(options), parse(options.source)
    believed = known_trust(options, site)
    with linked(site, reference.host) as link, Display(live=not options.verbose) as display:
        source = Place(connection=link, repository=reference.repository)
        verified = verified_image(checkout, source, reference, options.repository, believed)
        publisher = taken(Publisher, options, source=source, site=site, display=display, trust=believed)
        if options.dry_run:
            return previewed(options, publisher, verified)
        outcomes = publish(publisher, registries, [verified], frozenset())
    return summary(options, outcomes)


def previewed(options: PublishOptions, publisher: Publisher, verified: VerifiedImage) -> int:
    """Print which tags would move, and say what would refuse them; returns 1 when something would."""
    found = [preview(publisher, target, verified) for target in registries_of(options)]
    rows = [
        {"name": verified.name, "tag": one.reference, "outcome": one.outcome, "from": one.before, "to": one.after}
        for moves, _ in found
        for one in moves
    ]
    shown = [{key: text[:19] if key in ("from", "to") else text for key, text in row.items()} for row in rows]
    print(document(shown if options.format == "table" else rows, "tags", options.format))
    refusals = [error for _, admitted in found for error in admitted.refusals]
    for line in (*map(told, refusals), *(line for _, admitted in found for line in admitted.notes)):
        say(line)
    return int(bool(refusals))


def verified_image(
    checkout: Checkout, source: Place, reference: Reference, name: str | None, believed: Trust | None
) -> VerifiedImage:
    """The image with the tags of its row, once it has proved what it is; `name` is what `--repository` says.

    Raises RegistryError, InputError when it is of no row or a rehearsal, VerifyError when it proves less.
    """
    digest = manifests.digest(source.connection, source.repository, reference.version)
    if digest is None:
        hint = f"python -m builder push --registry {reference.registry}"
        raise RegistryError(f"{reference}: no such image", hint=hint, status=manifests.MISSING)
    there = image.read(source.connection, source.repository, digest)
    spec, tags = identified(checkout, reference, there.labels, name)
    by_digest, checks = replace(reference, tag=None, digest=digest), checkout.checks(spec.framework)
    if believed:
        ended = vouched_for(source, by_digest, spec, checks, believed)
    else:
        ended = passed_here(by_digest, manifests.digest_of(there.config), checks)
    return VerifiedImage(promise=promise_of(spec), digest=digest, tags=tags, verified=ended)


def identified(
    checkout: Checkout, reference: Reference, labels: Mapping[str, str], name: str | None
) -> tuple[ImageSpec, Tags]:
    """The cell that the labels name, and its tags; raises InputError, and VerifyError for a reference of another."""
    rehearsal.refuse(labels, str(reference))
    spec = spec_of(checkout, str(reference), labels)
    tags = tags_of(spec, repository_of(spec.framework, name), labels[LABEL_FINGERPRINT])
    frameworks = {one.framework for one in checkout.cells}
    if problems := list(misnamed(reference, spec, tags.immutable, frameworks, name)):
        raise VerifyError("\n".join(problems), hint=f"python -m builder audit {reference}")
    return spec, tags

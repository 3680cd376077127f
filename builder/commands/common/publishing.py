"""What verbs that publish share: the checkout, who publishes and attests, and the outcomes as they are printed."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from builder.build.checkout import Checkout
from builder.build.job import Job
from builder.build.progress import Display
from builder.build.render import Rendered
from builder.commands.common import trust
from builder.commands.common.inputs import root
from builder.commands.common.output import counted, document, say
from builder.commands.flags.attest import AttestOptions
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options, taken
from builder.host.site import Site, preferred
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.promise import promise_of
from builder.publish.attestation import Attester, Say
from builder.publish.publication import Published, Publisher, VerifiedImage
from builder.publish.signing.revision import builder_id
from builder.verify import passed

if TYPE_CHECKING:
    import docker

COUNTED = ("pushed", "unchanged", "failed", "not tagged", "not pushed")


def checkout_of(options: Options, rendered: Sequence[Rendered] = ()) -> Checkout:
    """The matrix as this site sees it, and what stands beside it; `rendered` are the cells of this run."""
    matrix = load(options.matrix, preferred(options.site, os.environ))
    known = {cell(one.pinned.spec): one for one in rendered}
    return taken(Checkout, options, root=root(options), cells=matrix.cells, known=known)


def builder_of(options: AttestOptions) -> str:
    """Who builds, as a URI: what `--builder-id` says, else the workflow that runs, else this machine."""
    return options.builder_id or builder_id(os.environ)


def attester_of(
    options: AttestOptions, client: "docker.DockerClient", say: Say, rendered: Sequence[Rendered] = ()
) -> Attester:
    """Attests as the flags say; raises InputError when nobody can sign."""
    return taken(
        Attester,
        options,
        signer=trust.signer(options),
        client=client,
        checkout=checkout_of(options, rendered),
        builder=builder_of(options),
        say=say,
        trust=trust.identity(options),
    )


def publisher_of(
    options: PublishOptions,
    client: "docker.DockerClient",
    site: Site,
    display: Display,
    rendered: Sequence[Rendered],
) -> Publisher:
    """Publishes images of the engine; raises InputError when nobody can sign, before anything is pushed."""
    attester = attester_of(options, client, display.say, rendered) if options.attest else None
    believed = trust.known_trust(options, site)
    return taken(Publisher, options, source=client, site=site, display=display, attester=attester, trust=believed)


def verified_image(job: Job, digest: str) -> VerifiedImage:
    """The image of a job as it is published."""
    last = passed.verification(digest, job.wanted.checks)
    when = datetime.fromisoformat(last.when) if last else None
    return VerifiedImage(promise=promise_of(job.spec), digest=digest, tags=job.wanted.tags, verified=when)


def summary(options: Options, outcomes: Sequence[Published], *, shown: bool = True) -> int:
    """Print the outcomes; returns 1 when one image did not arrive."""
    if shown:
        print(document(rows(options, outcomes), "images", options.format))
    say(counted((one.outcome for one in outcomes), COUNTED) or "nothing to push")
    return int(any(one.outcome not in ("pushed", "unchanged") for one in outcomes))


def rows(options: Options, outcomes: Sequence[Published]) -> list[dict[str, Any]]:
    """The outcomes as a table or a document shows them; what was sent is in bytes."""
    is_table = options.format == "table"
    return [
        {
            "name": one.name,
            "registry": one.registry,
            "outcome": one.outcome,
            "digest": one.digest[:19] if is_table else one.digest,
            "sent": f"{one.sent / 1e6:.1f} MB" if is_table else one.sent,
            "seconds": round(one.seconds, 1),
            "tags": " ".join(one.tags) if is_table else list(one.references),
        }
        for one in outcomes
    ]

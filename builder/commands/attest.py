"""`attest`: sign images in a registry, and attach where they come from, what was verified, and what they hold."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from builder.commands.common.inputs import site_of
from builder.commands.common.statements_of import documents
from builder.commands.common.trust import identity, resolved
from builder.commands.flags.attest import AttestOptions
from builder.errors import InputError
from builder.host import engine
from builder.matrix import reference as references
from builder.matrix.reference import Reference
from builder.publish.signing import cosign
from builder.publish.signing.attest import attest, statements
from builder.publish.signing.cosign import Signer

if TYPE_CHECKING:
    import docker


def run(options: AttestOptions) -> int:
    """Attest every named image, or print with --dry-run the statements that would be signed, one on a line."""
    named = [resolved(references.parse(image), options) for image in options.images]
    with engine.connected() as client:
        if options.dry_run:
            for reference in named:
                found = statements(reference, documents(client, options, of(reference), builder=options.builder_id))
                print("\n".join(json.dumps(one, sort_keys=True) for one in found))
            return 0
        signer = signer_of(options)
        cosign.check(signer)
        for reference in named:
            attested(client, options, reference, signer)
    return 0


def attested(
    client: "docker.DockerClient",
    options: AttestOptions,
    reference: Reference,
    signer: Signer,
    *,
    since: datetime | None = None,
) -> None:
    """Make what is to be said of the image, sign and attach it; `push --attest` calls this after it uploaded."""
    found = documents(client, options, of(reference), builder=options.builder_id, since=since)
    attest(reference, found.predicates(), signer, say, trust=identity(options))


def of(reference: Reference) -> str:
    """The digest, which is the engine's id of the same image."""
    return str(reference.digest)


def say(line: str) -> None:
    print(line, file=sys.stderr)


def signer_of(options: AttestOptions) -> Signer:
    """Who signs; raises InputError when the flags do not say."""
    if not options.sign_key and not options.keyless:
        raise InputError("nobody signs: --sign-key KEY, or --keyless in a CI job that may ask for an OIDC token")
    return Signer(key=options.sign_key, transparency_log=options.transparency_log, site=site_of(options))

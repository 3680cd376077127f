"""What the verbs that look at published images start from: the image by digest, and whose signature counts."""

import json
from typing import Any

from builder import registry
from builder.commands.inputs import site_of
from builder.cosign import Trust
from builder.errors import InputError, RegistryError
from builder.flags.attesting import AttestOptions
from builder.matrix import load
from builder.names import cell
from builder.reference import Reference
from builder.render import row
from builder.transport import linked


def trust(options: AttestOptions) -> Trust:
    """Whom to believe; raises InputError when the flags do not say."""
    keyless = bool(options.certificate_identity), bool(options.certificate_oidc_issuer)
    if bool(options.key) == any(keyless) or any(keyless) != all(keyless):
        raise InputError(
            "whose signature counts? either --key, or --certificate-identity and --certificate-oidc-issuer",
            hint="--key cosign.pub, the public half of the key that signed",
        )
    return Trust(
        key=options.key,
        identity=options.certificate_identity,
        issuer=options.certificate_oidc_issuer,
        transparency_log=options.transparency_log,
        site=site_of(options),
    )


def resolved(reference: Reference, options: AttestOptions) -> Reference:
    """The reference by digest, which the registry is asked for where there is none; raises RegistryError."""
    if reference.digest:
        return Reference(host=reference.host, repository=reference.repository, digest=reference.digest)
    with linked(site_of(options), reference.host) as connection:
        digest = registry.digest(connection, reference.repository, reference.version)
    if digest is None:
        raise RegistryError(f"{reference}: the registry has no such image", hint="python -m builder push")
    return Reference(host=reference.host, repository=reference.repository, digest=digest)


def rows_now(options: AttestOptions) -> dict[str, dict[str, Any]]:
    """What the matrix wants today of each cell, as a label would repeat it."""
    return {cell(spec): json.loads(row(spec)) for spec in load(options.matrix).cells}

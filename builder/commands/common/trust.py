"""What verbs about published images start from: the image by digest, who signs, and whose signature counts."""

from builder.commands.common.inputs import site_of
from builder.commands.flags.attest import AttestOptions
from builder.errors import InputError, RegistryError
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.promise import Promise, promise_of
from builder.matrix.reference import Reference
from builder.publish.signing import cosign
from builder.publish.signing.cosign import Signer, Trust
from builder.registry import manifests
from builder.registry.connection import linked


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


def identity(options: AttestOptions) -> Trust | None:
    """Who the keyless signer is, where the flags say that; whoever has the key needs no flag."""
    return trust(options) if options.certificate_identity else None


def signer(options: AttestOptions) -> Signer:
    """Who signs; raises InputError when the flags do not say, or when the key cannot be used."""
    if not options.sign_key and not options.keyless:
        raise InputError("nobody signs: --sign-key KEY, or --keyless in a CI job that may ask for an OIDC token")
    found = Signer(key=options.sign_key, transparency_log=options.transparency_log, site=site_of(options))
    cosign.check(found)
    return found


def resolved(reference: Reference, options: AttestOptions) -> Reference:
    """The reference by digest, which the registry is asked for where there is none; raises RegistryError."""
    if reference.digest:
        return Reference(host=reference.host, repository=reference.repository, digest=reference.digest)
    with linked(site_of(options), reference.host) as connection:
        digest = manifests.digest(connection, reference.repository, reference.version)
    if digest is None:
        raise RegistryError(f"{reference}: the registry has no such image", hint="python -m builder push")
    return Reference(host=reference.host, repository=reference.repository, digest=digest)


def promises_now(options: AttestOptions) -> dict[str, Promise]:
    """What the matrix wants today of each cell."""
    return {cell(spec): promise_of(spec) for spec in load(options.matrix).cells}

"""What verbs about published images start from: the image by digest, who signs, and whose signature counts."""

from builder.commands.common.inputs import root, site_of
from builder.commands.flags.attest import AttestOptions, TrustOptions
from builder.commands.options import Options, taken
from builder.errors import InputError, RegistryError
from builder.host.site import Site, Trusted
from builder.matrix.load import load
from builder.matrix.names import cell
from builder.matrix.promise import Promise, promise_of
from builder.matrix.reference import Reference
from builder.publish.signing import keys, signatures
from builder.publish.signing.cosign import Signer, Trust
from builder.registry import manifests
from builder.registry.connection import linked
from builder.verify.run_checks import checks_version, extra_checks_of

WHO = "either --key, or --certificate-identity and --certificate-oidc-issuer"


def trust(options: TrustOptions) -> Trust:
    """Whom to believe; raises InputError when neither the flags nor the site say."""
    if found := known_trust(options, site_of(options)):
        return found
    raise InputError(
        f"whose signature counts? {WHO}, or `trust` in the site file",
        hint="--key cosign.pub, the public half of the key that signed",
    )


def known_trust(options: TrustOptions, site: Site) -> Trust | None:
    """Whom to believe: whom the flags name, else the site; None when neither does.

    Raises InputError when the flags name nobody clearly, or a key that cannot be used.
    """
    found = named(options) or site.trusted
    if found is None:
        return None
    if found.key:
        keys.check_public(found.key)
    key = found.key or None
    return taken(Trust, options, key=key, identity=found.identity, issuer=found.issuer, site=site)


def named(options: TrustOptions) -> Trusted | None:
    """The signer that the flags name; None without such a flag. Raises InputError for a half of one, or for two."""
    found = Trusted(
        key=options.key or "", identity=options.certificate_identity, issuer=options.certificate_oidc_issuer
    )
    if options.key is None and not (found.identity or found.issuer):
        return None
    keyless = bool(found.identity), bool(found.issuer)
    if bool(found.key) == any(keyless) or any(keyless) != all(keyless):
        raise InputError(f"whose signature counts? {WHO}", hint="--key cosign.pub, the public half of the key")
    return found


def identity(options: AttestOptions) -> Trust | None:
    """Who the keyless signer is, where the flags or the site say that; whoever has the key needs neither."""
    found = None if options.sign_key else known_trust(options, site_of(options))
    return found if found and found.identity else None


def signer(options: AttestOptions) -> Signer:
    """Who signs; raises InputError when the flags do not say, or when the key or cosign cannot be used."""
    if not options.sign_key and not options.keyless:
        raise InputError("nobody signs: --sign-key KEY, or --keyless in a CI job that may ask for an OIDC token")
    if options.sign_key:
        keys.check_private(options.sign_key)
    found = Signer(key=options.sign_key, transparency_log=options.transparency_log, site=site_of(options))
    signatures.check(found)
    return found


def resolved(reference: Reference, options: Options) -> Reference:
    """The reference by digest, which the registry is asked for where there is none; raises RegistryError."""
    if reference.digest:
        return Reference(host=reference.host, repository=reference.repository, digest=reference.digest)
    with linked(site_of(options), reference.host) as connection:
        digest = manifests.digest(connection, reference.repository, reference.version)
    if digest is None:
        hint = f"python -m builder push --registry {reference.registry}"
        raise RegistryError(f"{reference}: the registry has no such image", hint=hint)
    return Reference(host=reference.host, repository=reference.repository, digest=digest)


def promises_now(options: Options) -> dict[str, Promise]:
    """What the matrix wants today of each cell."""
    return {cell(spec): promise_of(spec) for spec in load(options.matrix).cells}


def checks_now(options: Options, framework: str) -> str:
    """The version of today's checks for a framework."""
    return checks_version(extra_checks_of(root(options) / "templates", framework))

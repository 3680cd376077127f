"""cosign where nobody vouches for an identity: it judges the arguments of keyless signing, then signs with a key.

It refuses what the real one would: a signature in a job without `id-token: write`, a question after another identity
than the one that signed. What it makes is real, by the cosign of this machine. Only certificates and the transparency
log are missing.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.publish.signing import envelopes, keys

SIGNS, VERIFIES = ("sign-blob", "attest-blob"), ("verify", "verify-attestation")
TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL"
IDENTITY, ISSUER = "--certificate-identity", "--certificate-oidc-issuer"
HELP = "--statement='' --bundle='' --predicate=''"


class DeniedError(Exception):
    """What the real one would refuse."""


def judged(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Raise DeniedError unless the arguments are those of keyless signing, of who this environment says signs."""
    verb, flags = words[0], flags_of(words)
    if verb not in (*SIGNS, *VERIFIES):
        raise DeniedError(f"unknown command {verb!r}")
    if "--key" in flags:
        raise DeniedError("a key was given")
    if verb in SIGNS and ("--yes" not in flags or TOKEN not in environment):
        raise DeniedError("no identity: --yes is missing, or the job lacks id-token: write")
    if verb in VERIFIES:
        signer = environment["STAND_IN_IDENTITY"], environment["STAND_IN_ISSUER"]
        if (found := (flags.get(IDENTITY), flags.get(ISSUER))) != signer:
            raise DeniedError(f"none of the expected identities matched: {found}, signed by {signer}")


def flags_of(words: Sequence[str]) -> dict[str, str]:
    parts = [word.partition("=") for word in words if word.startswith("--")]
    return {name: value for name, _, value in parts}


def by_key(words: Sequence[str], directory: Path) -> list[str]:
    """The same arguments with a key in place of the identity."""
    kept = [word for word in words if not word.startswith((IDENTITY, ISSUER))]
    if words[0] in VERIFIES:
        return [kept[0], f"--key={directory / 'stand-in.pub'}", "--insecure-ignore-tlog=true", *kept[1:]]
    return [kept[0], f"--key={directory / 'stand-in.key'}", "--tlog-upload=false", *kept[1:]]


def run(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The machine's own cosign, with the key."""
    argv = [environment["STAND_IN_COSIGN"], *by_key(words, Path(environment["STAND_IN_KEYS"]))]
    opened = {**environment, keys.PASSWORD: environment["STAND_IN_PASSWORD"]}
    return subprocess.run(argv, env=opened, capture_output=True, text=True, check=False)


def attested(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`attest-blob --statement`, which cosign 2.6 has: the statement's envelope in a bundle."""
    flags = flags_of(words)
    payload = Path(flags["--statement"]).read_bytes()
    file = Path(flags["--bundle"]).with_suffix(".covered")
    file.write_bytes(envelopes.pre_authentication(payload))
    done = run(("sign-blob", "--yes", str(file)), environment)
    content = envelopes.envelope(payload, done.stdout.strip())
    bundle = {"base64Signature": base64.b64encode(content).decode(), "cert": "", "rekorBundle": None}
    Path(flags["--bundle"]).write_text(json.dumps(bundle))
    return done


def main(words: Sequence[str], environment: Mapping[str, str]) -> int:
    if "--help" in words:
        print(HELP)
        return 0
    try:
        judged(words, environment)
    except DeniedError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    done = (attested if words[0] == "attest-blob" else run)(words, environment)
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))

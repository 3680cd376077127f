"""Throw-away keys that sign, and the password that opens them."""

import os
import secrets
import subprocess
from pathlib import Path

from builder.matrix.reference import Reference
from builder.publish.signing import keys
from builder.publish.signing.attest import Predicates, attest
from builder.publish.signing.cosign import Signer

PASSWORD = f"canary-{secrets.token_hex(8)}"


def make_key(directory: Path, name: str) -> None:
    subprocess.run(
        ["cosign", "generate-key-pair", f"--output-key-prefix={directory / name}"],
        check=True,
        capture_output=True,
        env={**os.environ, keys.PASSWORD: PASSWORD},
    )


def restate(reference: Reference, said: Predicates, signer: Signer) -> None:
    """Sign and attach other predicates than the program would make."""
    attest(reference, said, signer, lambda _: None)

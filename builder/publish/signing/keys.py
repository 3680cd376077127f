"""The keys that sign and verify as cosign takes them: a file, env://VARIABLE, or the address of a key service."""

import base64
import hashlib
import os
import re
from pathlib import Path

from builder.errors import InputError
from builder.host.files import unreadable

PASSWORD = "COSIGN_PASSWORD"  # noqa: S105 (the variable's name)
SERVICES = ("awskms://", "gcpkms://", "azurekms://", "hashivault://", "k8s://")
VARIABLE = "env://"
PUBLIC = re.compile(r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")
LARGEST = 1 << 16
"""In bytes; a key has less than 4,000."""
MAKE = "cosign generate-key-pair makes one"


def check_private(key: str) -> None:
    """Raise InputError unless the key is there, is a private one, and its password is known."""
    if key.startswith(SERVICES):
        return
    if "PRIVATE KEY-----" not in content("--sign-key", key):
        raise InputError(f"--sign-key {key}: it is no private key", hint=MAKE)
    if PASSWORD not in os.environ:
        raise InputError(f"${PASSWORD} is not set, so the key cannot be opened", hint=f"export {PASSWORD}")


def check_public(key: str) -> None:
    """Raise InputError unless the key is there, and is a public one."""
    if not key.startswith(SERVICES):
        der(key)


def name_of(key: str) -> str:
    """The key in words: the sha256 of its DER form, or the address of a key service."""
    return key if key.startswith(SERVICES) else f"key sha256:{hashlib.sha256(der(key)).hexdigest()[:16]}"


def der(key: str) -> bytes:
    """The DER form of a public key in PEM; raises InputError."""
    found = PUBLIC.search(content("--key", key))
    try:
        return base64.b64decode("".join(found[1].split()) if found else "!", validate=True)
    except ValueError:
        hint = "cosign.pub, the public half of the key that signed: cosign public-key --key cosign.key"
        raise InputError(f"--key {key}: no public key in PEM", hint=hint) from None


def content(flag: str, key: str) -> str:
    """The text of a key in a variable or a file; raises InputError when there is none."""
    if key.startswith(VARIABLE):
        name = key.removeprefix(VARIABLE)
        if name not in os.environ:
            raise InputError(f"{flag} {key}: the variable {name} is not set", hint=f"export {name}")
        return os.environ[name]
    file = Path(key)
    if why := unreadable(file, "file"):
        raise InputError(f"{flag} {key}: {why[:1].lower()}{why[1:]}", hint=MAKE)
    with file.open("rb") as stream:
        return stream.read(LARGEST).decode("utf-8", "replace")

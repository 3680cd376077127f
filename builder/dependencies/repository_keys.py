"""The keys of third-party package repositories, as their owners serve them."""

import re

from builder.dependencies import package_index
from builder.dependencies.source import GoneError
from builder.host.command import Command
from builder.host.process import run
from builder.host.retry import RetryPolicy
from builder.host.site import Site, rewrite
from builder.host.temporary import scratch
from builder.matrix.spec import AptRepository

SECONDS = 30.0


def listing(repository: AptRepository, site: Site, *, policy: RetryPolicy | None = None) -> str:
    """What `gpg --with-colons --show-keys` says of the repository's key; raises BuilderError."""
    content = package_index.get(rewrite(repository.key_url, site), site, policy=policy)
    if content is None:
        raise GoneError("HTTP Error 404: Not Found")
    with scratch() as directory:
        file = directory / "key"
        file.write_bytes(content)
        command = ("gpg", "--batch", f"--homedir={directory}", "--with-colons", "--show-keys", str(file))
        return run(Command(argv=command), timeout=SECONDS).stdout


def expiry(text: str) -> int | None:
    """When the primary key of a listing expires, in seconds since 1970; None if never.

    Raises ValueError where no key is listed.
    """
    found = re.search(r"^pub:(?:[^:\n]*:){5}(\d*):", text, re.MULTILINE)
    if found is None:
        raise ValueError("no key in it")
    return int(found[1]) if found[1] else None


def fingerprints(text: str) -> list[str]:
    """The fingerprints of the primary keys of a listing; raises ValueError when it has none.

    The fields: https://github.com/gpg/gnupg/blob/master/doc/DETAILS.
    """
    found = re.findall(r"^pub:.*\n(?:(?!pub:|fpr:).*\n)*fpr:(?:[^:\n]*:){8}([0-9A-F]+):", text, re.MULTILINE)
    if not found:
        raise ValueError("no key in it")
    return [str(one) for one in found]

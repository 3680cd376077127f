"""Reads what a registry or its token server answers, and no more than that may have."""

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from builder.errors import RegistryError, UnavailableError
from builder.host.limits import MANIFEST_BYTES
from builder.registry.session import Connection

if TYPE_CHECKING:
    import requests


def address(connection: Connection, base: str, said: str) -> str:
    """The absolute URL that an answer names; raises RegistryError when it is none."""
    try:
        found = urljoin(base, said)
        _ = urlsplit(found).port
    except ValueError:
        raise RegistryError(f"{connection.host}: it names an address that is none: {said!a:.100}") from None
    return found


def whole(connection: Connection, answer: "requests.Response", limit: int = MANIFEST_BYTES) -> bytes:
    """The content of an answer.

    Raises UnavailableError when it ends early or comes too slowly, RegistryError beyond `limit` bytes.
    """
    import requests

    parts, size = [], 0
    try:
        with answer:
            for part in answer.iter_content(1 << 16):
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise RegistryError(f"{connection.host}: its answer has more than {limit:,} bytes, and is not read")
    except (requests.exceptions.RequestException, OSError):
        raise UnavailableError(f"{connection.host}: its answer ended early, or came too slowly") from None
    return b"".join(parts)

"""Whether a server has a file, without its content: what it says of it, and how large it is."""

import http.client
import urllib.error
from http import HTTPStatus

from builder.dependencies import package_index
from builder.dependencies.source import QUICK
from builder.host.retry import retry
from builder.host.site import Site, redact

SILENT_SECONDS = 10.0
REFUSALS = (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
"""How servers answer that know no HEAD; signed URLs answer with the first."""


def size(url: str, site: Site) -> int | None:
    """The size of the file in bytes, None where the server does not say; raises UnansweredError.

    It is asked for its first byte where the server knows no HEAD. A page in the place of a file is an error: a login,
    or the message of a proxy.
    """
    try:
        return retry(lambda: once(url, site), passing=package_index.passing, policy=QUICK)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise package_index.unanswered(redact(url), error) from None


def once(url: str, site: Site) -> int | None:
    try:
        return said(url, site, {}, "HEAD")
    except urllib.error.HTTPError as error:
        if error.code not in REFUSALS:
            raise
    return said(url, site, {"Range": "bytes=0-0"}, "GET")


def said(url: str, site: Site, headers: dict[str, str], method: str) -> int | None:
    """The size that an answer states; raises OSError, ValueError for a page."""
    with package_index.asked(url, site, headers, method, seconds=SILENT_SECONDS) as answer:
        found = answer.headers
        if found.get_content_type() == "text/html":
            raise ValueError("a page in the place of the file")
        whole = (found.get("Content-Range") or found.get("Content-Length") or "").rpartition("/")[2]
        return int(whole) if whole.isdecimal() else None

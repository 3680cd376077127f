"""The package index: which files a project has there, and the bytes behind their URLs.

Pages are read as JSON (PEP 691) or HTML (PEP 503): some indexes serve only one of them.
"""

import base64
import hashlib
import http.client
import io
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from builder.errors import BuilderError
from builder.host import reachability
from builder.host.cache import SHAPE
from builder.host.command import Command
from builder.host.foreign_json import foreign_json
from builder.host.retry import RetryPolicy, later, retry, retry_after
from builder.host.site import USERINFO, Site, redact

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
SECONDS = 30.0
"""Seconds that an index may be silent, unless $UV_HTTP_TIMEOUT says otherwise. Both are uv's."""
PATIENCE = 20
"""How many times as long a slow answer may take as a whole."""
DOCTOR = "python -m builder doctor"
PIP_SECONDS = 30.0
PAUSES = (0.5, 1.0, 2.0, 4.0)
MAX_BYTES = 50_000_000
PARTIAL, NOT_FOUND, REQUEST_TIMEOUT, TOO_MANY, SERVER_ERROR = 206, 404, 408, 429, 500
BLOCK = 1 << 16


class UnansweredError(BuilderError):
    """A server did not give what it was asked for; `error` says why."""

    def __init__(self, message: str, *, hint: str | None, error: Exception) -> None:
        super().__init__(message, hint=hint)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a project; `metadata` is the sha256 of its metadata file (PEP 658), or empty."""

    name: str
    url: str
    sha256: str
    metadata: str
    size: int = 0
    """Its bytes where the index says them (PEP 700), else 0."""


def urls(site: Site) -> tuple[str, ...]:
    """The indexes of this site, else pip's default; raises BuilderError when there is none."""
    usage = Command(argv=(sys.executable, "-m", "pip", "download", "--help"))
    first = site.pip_index_url or reachability.said(usage, r"default\s+(http[^)\s]+)", PIP_SECONDS)
    if not first:
        raise BuilderError("no package index is known", hint="name it: pip.index-url in site.yaml")
    return (first, *site.pip_further_index_urls)


def files(project: str, index: str, site: Site, *, policy: RetryPolicy | None = None) -> tuple[File, ...]:
    """The files of a project on an index; none when the index does not have it. Raises BuilderError."""
    address = f"{index.rstrip('/')}/{project}/"
    body = get(address, site, policy=policy)
    if body is None:
        return ()
    text = body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        try:
            return tuple(from_json(entry, address) for entry in foreign_json(text)["files"])
        except SHAPE as error:
            raise BuilderError(f"{redact(address)}: not the page of a package index: {error!r}", hint=DOCTOR) from None
    page = Page(address)
    page.feed(text)
    return tuple(page.files)


def locked_in(listed: Iterable[File], name: str, sha256: str) -> File | None:
    """The locked file among those that are listed: by its hash, or by its name where none is given."""
    return next((one for one in listed if one.sha256 == sha256 or (one.name == name and not one.sha256)), None)


def others_in(listed: Iterable[File], name: str) -> list[str]:
    """The sha256s under which other bytes of that name are listed."""
    return [one.sha256 for one in listed if one.name == name]


def from_json(entry: dict[str, Any], address: str) -> File:
    stated = entry.get("core-metadata") or entry.get("dist-info-metadata")
    metadata = str(stated.get("sha256", "")) if isinstance(stated, dict) else ""
    url = urljoin(USERINFO.sub("//", address), str(entry["url"]))
    sha256 = str(entry.get("hashes", {}).get("sha256", ""))
    size = entry.get("size")
    known = size if isinstance(size, int) and size > 0 else 0
    return File(name=str(entry["filename"]), url=url, sha256=sha256, metadata=metadata, size=known)


class Page(HTMLParser):
    """The links of an HTML page."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.base = USERINFO.sub("//", address)
        self.files: list[File] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a link to a file."""
        found = dict(attrs)
        if tag != "a" or not found.get("href"):
            return
        url, fragment = urldefrag(urljoin(self.base, str(found["href"])))
        stated = found.get("data-core-metadata") or found.get("data-dist-info-metadata") or ""
        name = unquote(urlsplit(url).path.rsplit("/", 1)[-1])
        self.files.append(File(name=name, url=url, sha256=sha256_in(fragment), metadata=sha256_in(stated)))


def sha256_in(text: str) -> str:
    found = re.search(r"sha256=([0-9a-f]{64})", text)
    return found[1] if found else ""


def login(url: str, site: Site) -> str:
    """The Authorization header for a URL: the login of an index on the same host, else empty."""
    for index in site.pip_indexes:
        user, found, host = urlsplit(index).netloc.rpartition("@")
        if found and (urlsplit(index).scheme, host) == (urlsplit(url).scheme, urlsplit(url).netloc):
            return "Basic " + base64.b64encode(unquote(user).encode()).decode()
    return ""


def get(
    url: str, site: Site, *, part: tuple[int, int] | None = None, policy: RetryPolicy | None = None
) -> bytes | None:
    """The content of a URL, or its bytes from `part[0]` to `part[1]`; None when the server has no such file.

    Tries again after errors that may pass. Raises UnansweredError.
    """
    try:
        return retry(lambda: once(url, site, part), passing=passing, policy=policy or RetryPolicy(pauses=PAUSES))
    except urllib.error.HTTPError as error:
        if error.code == NOT_FOUND:
            return None
        raise unanswered(redact(url), error) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(getattr(error, "reason", None), FileNotFoundError):  # a mirror in a directory: file:
            return None
        raise unanswered(redact(url), error) from None


def passing(error: Exception) -> float | None:
    """The seconds that a server asks to wait; None for an error that stays."""
    if isinstance(error, urllib.error.HTTPError):
        is_busy = error.code in (REQUEST_TIMEOUT, TOO_MANY) or error.code >= SERVER_ERROR
        return retry_after(error.headers.get("Retry-After")) if is_busy else None
    return 0.0 if isinstance(error, (OSError, http.client.HTTPException)) else None


def unanswered(what: str, error: Exception) -> UnansweredError:
    """The error of a server that did not give something, such as `https://a.example/toy/: HTTP Error 503: ...`."""
    reason = getattr(error, "reason", None) if not isinstance(error, urllib.error.HTTPError) else None
    return UnansweredError(f"{what}: {reason or error}", hint=later(passing(error) or 0) or DOCTOR, error=error)


def once(url: str, site: Site, part: tuple[int, int] | None) -> bytes:
    headers = {"Accept": ACCEPT if url.endswith("/") else "*/*"}
    if part:
        headers["Range"] = f"bytes={part[0]}-{part[1]}"
    with asked(url, site, headers) as answer:
        if part and answer.status != PARTIAL:
            raise ValueError("the server does not support requests for a range of bytes")
        return whole(answer)


def whole(answer: Any) -> bytes:  # noqa: ANN401 (as urlopen)
    """The whole content; raises ValueError when it is too large, TimeoutError, or ConnectionError when cut off."""
    content, limit = bytearray(), time.monotonic() + PATIENCE * patience()
    while block := answer.read1(BLOCK):
        content += block
        if len(content) > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES:,} bytes")
        if time.monotonic() > limit:
            raise TimeoutError(f"not all of it within {PATIENCE * patience():.0f} s")
    if getattr(answer, "length", None):  # a file: has none
        raise ConnectionError(f"cut off after {len(content):,} bytes")
    return bytes(content)


def patience() -> float:
    """The seconds that an index may be silent."""
    text = os.environ.get("UV_HTTP_TIMEOUT", "")
    return float(text) if text.isdecimal() and int(text) else SECONDS


@lru_cache(maxsize=1)
def trust(bundle: Path | None) -> ssl.SSLContext:
    """The certificates that are trusted, cached: reading a bundle takes longer than most requests."""
    return ssl.create_default_context(cafile=str(bundle) if bundle else None)


def asked(url: str, site: Site, headers: Mapping[str, str], method: str = "GET", *, seconds: float = 0) -> Any:  # noqa: ANN401 (as urlopen)
    """The open answer of a server. It may be silent for `seconds`, or for `patience()` when that is 0."""
    bare = USERINFO.sub("//", url)
    # The site admits http and https only.
    request = urllib.request.Request(bare, headers=dict(headers), method=method)  # noqa: S310
    if found := login(bare, site):
        request.add_unredirected_header("Authorization", found)
    return urllib.request.urlopen(request, timeout=seconds or patience(), context=trust(site.ca_bundle))  # noqa: S310


def checked(content: bytes, sha256: str, what: str) -> bytes:
    """The content; raises BuilderError when its sha256 is not the one of the index."""
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise BuilderError(f"{what}: its sha256 is not the one the index gives", hint="is a proxy in between?")
    return content


class Remote(io.RawIOBase):
    """A file behind a URL, read in blocks. So a wheel's directory costs two requests, however large the wheel is."""

    def __init__(self, url: str, size: int, site: Site) -> None:
        super().__init__()
        self.url, self.size, self.site, self.at = url, size, site, 0
        self.blocks: dict[int, bytes] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, as files do."""
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 (what io.RawIOBase says)
        """Fill the buffer up to the end of a block."""
        number, inside = divmod(self.at, BLOCK)
        data = self.block(number)[inside : inside + len(buffer)] if self.at < self.size else b""
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def block(self, number: int) -> bytes:
        if number not in self.blocks:
            first = number * BLOCK
            part = (first, min(first + BLOCK, self.size) - 1)
            self.blocks[number] = get(self.url, self.site, part=part) or b""
        return self.blocks[number]


def size(url: str, site: Site) -> int:
    """The size of a file; raises BuilderError."""
    try:
        with asked(url, site, {}, "HEAD") as answer:
            return int(answer.headers["Content-Length"])
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        raise unanswered(redact(url), error) from None

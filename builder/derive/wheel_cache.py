"""The wheels of a layer on this host, each under its sha256: fetched once, and never used unless it matches."""

import functools
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from builder.dependencies import collect_metadata, package_index
from builder.derive.request import Added
from builder.errors import BuilderError
from builder.host.cache import OTHER_CACHE, cache_directory, ignore
from builder.host.site import Site, redact

AT_ONCE = 8
CHUNK = 1 << 20


class GoneError(BuilderError):
    """A locked file that no index has any more."""


def wheels(wanted: Iterable[Added], site: Site) -> Mapping[str, Path]:
    """The file of each distribution by its name; what is not on this host is fetched. Raises BuilderError."""
    found, missing = {}, []
    for one in wanted:
        if is_whole(place(one), one.sha256):
            found[one.name] = place(one)
        else:
            missing.append(one)
    if missing:
        indexes = functools.cache(functools.partial(package_index.urls, site))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found |= dict(pool.map(lambda one: (one.name, fetched(one, indexes, site)), missing))
    return found


def place(one: Added) -> Path:
    return cache_directory() / "wheels" / one.sha256 / one.file


def is_whole(path: Path, wanted: str) -> bool:
    """Whether the file is there with these bytes; something else in its place counts as absent, which is said."""
    if not os.path.lexists(path):
        return False
    try:
        why = "" if sha256(path) == wanted else "its sha256 is another one"
    except OSError as error:
        why = str(error.strerror)
    if why:
        ignore(path, why)
    return not why


def fetched(one: Added, indexes: Callable[[], Iterable[str]], site: Site) -> Path:
    """The wheel, from the site's directories, its URL or an index; raises BuilderError when none has these bytes."""
    if (path := collect_metadata.local(one.file, site)) and is_whole(path, one.sha256):
        return path
    if one.url:
        return download(one, one.url, site)
    for url in indexes():
        for file in package_index.files(one.name, url, site):
            if file.sha256 == one.sha256:
                return download(one, file.url, site)
    raise GoneError(
        f"{one.name} {one.version}: no index of this site has the file with sha256 {one.sha256[:12]}... any more",
        hint="remove the lock, which --dry-run names, and it is resolved anew",
    )


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(one: Added, url: str, site: Site) -> Path:
    """Write the file to its place, whole or not at all; raises BuilderError when it is another file."""
    target = place(one)
    part = target.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        found = copy(url, part, site)
        if found != one.sha256:
            raise BuilderError(
                f"{redact(url)}: its sha256 is {found}, not {one.sha256}", hint="is a proxy in between? nothing is kept"
            )
        part.replace(target)
    except OSError as error:
        raise BuilderError(f"{target}: it cannot be kept: {error.strerror}", hint=OTHER_CACHE) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return target


def copy(url: str, part: Path, site: Site) -> str:
    """Fetch a URL into a file; returns its sha256. Raises BuilderError."""
    total = hashlib.sha256()
    try:
        with package_index.asked(url, site, {}) as answer, part.open("wb") as file:
            while chunk := answer.read(CHUNK):
                total.update(chunk)
                file.write(chunk)
    except (OSError, ValueError) as error:
        raise BuilderError(f"{redact(url)}: {error}", hint="python -m builder doctor") from None
    return total.hexdigest()

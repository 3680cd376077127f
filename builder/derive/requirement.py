"""One requirement of a request: PEP 508, with the hashes that pip's files add; what has no fixed content is refused."""

import re
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from builder.derive.request import Asked
from builder.host.site import Site, redact
from builder.matrix.yaml_positions import show

HASH = re.compile(r"\s--hash(?:\s*=\s*|\s+)(\S*)")
OPTION = re.compile(r"\s(--?[A-Za-z][A-Za-z-]*)")
SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
VCS = re.compile(r"(?:^|@\s*)(git|hg|svn|bzr)\+")
PATH = re.compile(r"^(\.{0,2}/|~|[A-Za-z]:[\\/]|file:)|@\s*(\.{0,2}/|file:)")
STRENGTH = ("sha256", "sha384", "sha512")
MAX_CHARACTERS = 2_000


def requirement(line: str, place: str, problems: list[str]) -> Asked | None:
    """The requirement on a logical line; None when it is refused, and the reason joins `problems`."""
    sums = HASH.findall(line)
    text = HASH.sub("", line).strip()
    if why := refused(text, sums):
        problems.append(f"{place}: {show(redact(text))}: {why}")
        return None
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        problems.append(f"{place}: {show(text)}: not a requirement: {str(error).splitlines()[0][:200]}")
        return None
    if found.url and (why := unfixed(found)):
        problems.append(f"{place}: {found.name}: {why}")
        return None
    found.name = canonicalize_name(found.name)
    return Asked(text=str(found), place=place, sha256=frozenset(SHA256.findall(" ".join(sums))))


def refused(text: str, sums: list[str]) -> str | None:
    """Why a line is refused before it is parsed, in words that help more than a parser's."""
    if len(text) > MAX_CHARACTERS:
        return f"a requirement of {len(text):,} characters"
    if VCS.search(text):
        return "a repository is not a file with a hash: build a wheel of that commit, put it into find-links"
    if PATH.search(text):
        return "a path is another file on each machine: put the wheel into find-links, and ask for NAME==VERSION"
    if "://" in text and "@" not in text.partition("://")[0]:
        return "a URL without a name: write NAME @ URL#sha256=..."
    if option := OPTION.search(text.partition(";")[0]):
        return f"{option[1]} is not understood here: it would run or configure a package's own build"
    return bad_hash(sums)


def bad_hash(sums: list[str]) -> str | None:
    """Why these values of --hash cannot be checked."""
    if unknown := [one for one in sums if one.partition(":")[0] not in STRENGTH]:
        return f"--hash {show(unknown[0])}: pip takes {', '.join(STRENGTH)}"
    wrong = [one for one in sums if one.startswith("sha256") and not SHA256.fullmatch(one)]
    if wrong:
        return f"--hash {show(wrong[0])}: not a sha256: 64 digits of 0-9a-f"
    if sums and not SHA256.search(" ".join(sums)):
        return "its hashes have no sha256, which is what indexes tell"
    return None


def unfixed(found: Requirement) -> str | None:
    """Why a direct URL is no fixed file; None when it is a wheel, by https and with its sha256."""
    parts = urlsplit(str(found.url))
    if parts.scheme != "https":
        return f"{show(parts.scheme)} is not https"
    if "@" in parts.netloc:
        return "its URL carries credentials, which would be in every copy of this file"
    if not re.fullmatch(r"sha256=[0-9a-f]{64}", parts.fragment):
        return "its URL says nothing of what is there: end it in #sha256= and 64 digits of 0-9a-f"
    try:
        name = parse_wheel_filename(parts.path.rpartition("/")[2].replace("%2B", "+"))[0]
    except InvalidWheelFilename:
        return "its URL is not a wheel's: building from source runs a package's code, and wants a compiler"
    return None if name == canonicalize_name(found.name) else f"its URL is a wheel of {name}"


def is_index_of(value: str, site: Site) -> bool:
    """Whether a URL is an index of the site, credentials and a last slash aside."""
    known = (site.pip_index_url, *site.pip_extra_index_urls)
    return bool(value) and any(one and bare(one) == bare(value) for one in known)


def bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"

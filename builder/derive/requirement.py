"""Parses one requirement: PEP 508 with pip's `--hash`. What has no fixed content, such as a path, is refused."""

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
    """The requirement on a logical line; None when it is refused, with the reason added to `problems`."""
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
    """Why a line is refused, else None; looked at before parsing, as these reasons help more than a parser's."""
    if len(text) > MAX_CHARACTERS:
        return f"a requirement of {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
    if VCS.search(text):
        return (
            "a repository is not a file with a hash: build a wheel of that commit, put it into a directory of"
            " pip.find-links in site.yaml, and write NAME==VERSION"
        )
    if PATH.search(text):
        return (
            "a path may be another file on another machine: put the wheel into a directory of pip.find-links in"
            " site.yaml, and write NAME==VERSION"
        )
    if "://" in text and "@" not in text.partition("://")[0]:
        return "a URL without a name: write NAME @ URL#sha256=..."
    if option := OPTION.search(text.partition(";")[0]):
        return f"{option[1]} is not supported here: it would run or configure a package's own build"
    return bad_hash(sums)


def bad_hash(sums: list[str]) -> str | None:
    """Why these values of --hash cannot be checked; None when they can."""
    if unknown := [one for one in sums if one.partition(":")[0] not in STRENGTH]:
        return f"--hash {show(unknown[0])}: not a hash that pip takes: {', '.join(STRENGTH)}"
    wrong = [one for one in sums if one.startswith("sha256") and not SHA256.fullmatch(one)]
    if wrong:
        return f"--hash {show(wrong[0])}: not a sha256: expected 64 digits of 0-9a-f"
    if sums and not SHA256.search(" ".join(sums)):
        return "no sha256 among its hashes: files are compared by sha256, as package indexes list that one"
    return None


def unfixed(found: Requirement) -> str | None:
    """Why a direct URL is refused; None when it is the https URL of a wheel of that name, with its sha256."""
    parts = urlsplit(str(found.url))
    if parts.scheme != "https":
        return f"its URL begins with {show(parts.scheme)}, and has to begin with https"
    if "@" in parts.netloc:
        return "its URL contains credentials, which would be in every copy of the file and of the lock"
    if not re.fullmatch(r"sha256=[0-9a-f]{64}", parts.fragment):
        return "its URL has no hash: end it with #sha256= and 64 digits of 0-9a-f"
    try:
        name = parse_wheel_filename(parts.path.rpartition("/")[2].replace("%2B", "+"))[0]
    except InvalidWheelFilename:
        return "its URL is not that of a wheel: building from source runs a package's code and needs a compiler"
    return None if name == canonicalize_name(found.name) else f"its URL is a wheel of {name}"


def is_index_of(value: str, site: Site) -> bool:
    """Whether a URL is an index of the site; credentials and a slash at the end make no difference."""
    return bool(value) and any(bare(one) == bare(value) for one in site.pip_indexes)


def bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"

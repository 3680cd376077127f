"""The archives of a Debian suite on this host, and the state of their mirror."""

import hashlib
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import product
from pathlib import Path

from builder.errors import EngineError
from builder.host import process
from builder.host.command import Command
from builder.host.site import Site, redact

APT = Path("/etc/apt")
ONE_LINE = re.compile(r"deb(?: \[(?P<options>[^\]]*)\])? (?P<uri>\S+) (?P<suite>\S+) (?P<components>.+)")
TRUSTED = APT / "trusted.gpg.d"
KEYRINGS = {
    "debian": Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    "ubuntu": Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
}
"""By the ID in os-release the keys of the distribution's archive, where its package puts them on any distribution."""
INSTALL_KEYRING = {"debian": "apt-get install debian-archive-keyring", "ubuntu": ".ci/install-ubuntu-keyring"}
"""By the ID in os-release the command that brings those keys here."""
FETCH_SECONDS = 15
MAX_RELEASE = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One line of a sources.list."""

    uri: str
    suite: str
    components: str
    options: str = ""

    def __str__(self) -> str:
        """The line that apt reads."""
        options = f"[{self.options}] " if self.options else ""
        return f"deb {options}{self.uri} {self.suite} {self.components}"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a mirror holds: a hash over its package indexes, and the day the suite was last released."""

    sha256: str
    epoch: int


def archives(suite: str, site: Site, apt: Path = APT) -> tuple[Archive, ...]:
    """The archives of the suite and its updates: from the site, else the host's apt, else mmdebstrap's own."""
    text = site.apt_sources
    found = tuple(of_suite(one_line(text), suite)) if text else tuple(of_suite(host_archives(apt), suite))
    return found or defaults(suite)


def of_suite(lines: Iterable[Archive], suite: str) -> Iterator[Archive]:
    """The archives of the suite, its updates and its security updates, each once."""
    wanted = (suite, f"{suite}-updates", f"{suite}-security")
    return (line for line in dict.fromkeys(lines) if line.suite in wanted)


def of_release(text: str, suite: str) -> str | None:
    """The lines of a sources.list for the suite and what is named after it, such as `xenial-updates`; None without."""
    lines = "".join(f"{line}\n" for line in one_line(text) if line.suite.partition("-")[0] == suite)
    return lines or None


def host_archives(apt: Path) -> Iterator[Archive]:
    """The archives of the host's apt, from both of its formats."""
    for file in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))):
        if file.is_file():
            yield from one_line(file.read_text("utf-8", "replace"))
    for file in sorted((apt / "sources.list.d").glob("*.sources")):
        yield from deb822(file.read_text("utf-8", "replace"))


def one_line(text: str) -> Iterator[Archive]:
    """The archives of a sources.list."""
    for line in text.splitlines():
        if found := ONE_LINE.fullmatch(" ".join(line.partition("#")[0].split())):
            yield Archive(
                uri=found["uri"].rstrip("/"),
                suite=found["suite"],
                components=found["components"],
                options=kept(found["options"] or ""),
            )


def kept(options: str) -> str:
    """The options without the keyrings of Debian and Ubuntu, which are found by themselves."""
    return " ".join(word for word in options.split() if not any(file.stem in word for file in KEYRINGS.values()))


def deb822(text: str) -> Iterator[Archive]:
    """The archives of a .sources file; `man sources.list` says what its fields mean."""
    from debian.deb822 import Deb822

    for fields in Deb822.iter_paragraphs(text.splitlines()):
        if "deb" not in fields.get("Types", "").split() or fields.get("Enabled", "yes").lower() in ("no", "false"):
            continue
        key = fields.get("Signed-By", "")
        options = kept(f"signed-by={key}") if key.startswith("/") else ""
        components = " ".join(fields.get("Components", "").split())
        for uri, suite in product(fields.get("URIs", "").split(), fields.get("Suites", "").split()):
            yield Archive(uri=uri.rstrip("/"), suite=suite, components=components, options=options)


def defaults(suite: str) -> tuple[Archive, ...]:
    """The archives that mmdebstrap itself would use. Its first hook prints them and fails, which ends the run."""
    hook = '--setup-hook=cat "$1"/etc/apt/sources.list >&2; exit 1'
    result = process.run(Command(argv=("mmdebstrap", "--variant=custom", hook, suite, "/dev/null")), timeout=60)
    found = tuple(of_suite(one_line(result.stderr), suite))
    if not found:
        last = (result.stderr.strip().splitlines() or ["no output"])[-1]
        raise EngineError(
            f"mmdebstrap does not know where {suite} comes from: {last}", hint="name it: apt-sources in site.yaml"
        )
    return found


def state(lines: Sequence[Archive], suite: str, ca_bundle: Path | None) -> State:
    """The state of the mirror; all archives are asked at once. Raises EngineError when one does not answer."""
    context = trusted(ca_bundle) if any(line.uri.startswith("https:") for line in lines) else None
    with ThreadPoolExecutor(len(lines) or 1) as pool:
        releases = list(zip(lines, pool.map(lambda line: fetch(line, context), lines), strict=True))
    total = hashlib.sha256()
    for line, text in releases:
        total.update("\n".join([str(line), *indexes(text)]).encode())
    # The day of the suite itself: its security archive is signed anew several times a day without a new package.
    day = next((text for line, text in releases if line.suite == suite), releases[0][1])
    return State(sha256=total.hexdigest(), epoch=released(day))


def trusted(ca_bundle: Path | None) -> ssl.SSLContext:
    """The certificates that are trusted for a mirror; raises EngineError when the bundle has none."""
    try:
        return ssl.create_default_context(cafile=str(ca_bundle) if ca_bundle else None)
    except OSError as error:
        raise EngineError(f"the CA bundle {ca_bundle}: {error}", hint="ca-bundle in site.yaml, in PEM") from None


def fetch(line: Archive, context: ssl.SSLContext | None) -> str:
    """The signed index of an archive; raises EngineError."""
    url = f"{line.uri}/dists/{line.suite}/InRelease"
    try:
        request = urllib.request.Request(url)  # noqa: S310 (http, https and file are what apt uses too)
        with urllib.request.urlopen(request, timeout=FETCH_SECONDS, context=context) as answer:  # noqa: S310
            return str(answer.read(MAX_RELEASE).decode("utf-8", "replace"))
    except (OSError, ValueError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        hint = "python -m builder doctor; name a mirror that answers: apt-sources in site.yaml"
        raise EngineError(f"{redact(url)}: {reason}", hint=hint) from None


def indexes(release: str) -> list[str]:
    """The lines with the hashes of the package indexes. Nothing else in a release changes what is installed."""
    found = re.findall(r"^ [0-9a-f]{64} +\d+ \S+/binary-\w+/Packages(?:\.\w+)?$", release, re.MULTILINE)
    return found or [release]


def released(release: str) -> int:
    """The date of a release file, in seconds since 1970; raises EngineError when it has none."""
    found = re.search(r"^Date: (.+)$", release, re.MULTILINE)
    if found is None:
        raise EngineError(
            "the mirror's InRelease file has no date", hint="is it a Debian mirror? apt-sources in site.yaml"
        )
    return int(parsedate_to_datetime(found[1].replace("UTC", "GMT")).timestamp())

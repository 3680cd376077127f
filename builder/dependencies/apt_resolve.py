"""Asks a mirror what installing a list of packages would install.

The host's apt does it, in a directory of its own.
"""

import hashlib
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from builder.dependencies.debian_packages import Recorded, Versions
from builder.errors import BuilderError, EngineError
from builder.host import apt_sources, process
from builder.host.architecture import architecture
from builder.host.command import Command
from builder.host.site import Site, redact
from builder.host.temporary import scratch

UPDATE_SECONDS = 300.0
ASK_SECONDS = 120.0
INSTALLED = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", re.MULTILINE)
DIRECTORIES = (
    *("etc/apt/trusted.gpg.d", "etc/apt/preferences.d", "etc/apt/apt.conf.d", "etc/apt/sources.list.d"),
    *("lists/partial", "cache/archives/partial"),
)
HINT = "python -m builder doctor; name a mirror that answers: apt-sources in site.yaml"


def record(suite: str, lists: Collection[str], base: str, site: Site) -> Recorded:
    """What the mirror installs today for `base`, and for each list on top of it; raises BuilderError."""
    with root(suite, site) as directory:
        below = installs(directory, base)
        found = {asked: apart(installs(directory, asked), below) for asked in lists if asked != base}
        return Recorded(archives=archives(directory), lists={base: below, **found})


def apart(versions: Versions, below: Versions) -> Versions:
    return {name: version for name, version in versions.items() if name not in below}


@contextmanager
def root(suite: str, site: Site) -> Iterator[Path]:
    """An apt directory for the block: no package is installed, the suite's indexes are downloaded."""
    if shutil.which("apt-get") is None:
        raise EngineError("apt-get is not installed, and only it can tell what a list of packages installs")
    lines = apt_sources.archives(suite, site)
    with scratch() as directory:
        for name in DIRECTORIES:
            (directory / name).mkdir(parents=True)
        (directory / "status").touch()
        (directory / "etc/apt/sources.list").write_text("".join(f"{line}\n" for line in lines), "utf-8")
        for key in keys():
            shutil.copy(key, directory / "etc/apt/trusted.gpg.d" / key.name)
        (directory / "apt.conf").write_text(configuration(directory, site), "utf-8")
        run(directory, "update", "--error-on=any", seconds=UPDATE_SECONDS)
        yield directory


def keys() -> Iterator[Path]:
    """The keys that apt here trusts, and those of Debian's and Ubuntu's archives."""
    yield from (*apt_sources.TRUSTED.glob("*.gpg"), *apt_sources.TRUSTED.glob("*.asc"))
    yield from filter(Path.exists, apt_sources.KEYRINGS.values())


def configuration(directory: Path, site: Site) -> str:
    """The apt.conf: it keeps the host's proxies and drops the host's hooks."""
    acquire = process.run(Command(argv=("apt-config", "dump", "--no-empty", "Acquire")), timeout=ASK_SECONDS).stdout
    bundle = [f'Acquire::https::CAInfo "{site.ca_bundle}";'] if site.ca_bundle else []
    return "\n".join(
        [
            *acquire.splitlines(),
            *bundle,
            'Acquire::Languages "none";',
            f'Dir "{directory}";',
            f'Dir::State "{directory}";',
            f'Dir::State::status "{directory}/status";',
            f'Dir::Cache "{directory}/cache";',
            'Dir::Bin::methods "/usr/lib/apt/methods";',
            f'APT::Architecture "{architecture()}";',
            f'APT::Architectures "{architecture()}";',
            'APT::Sandbox::User "root";',
            'APT::Install-Recommends "false";',
            "",
        ]
    )


def run(directory: Path, *words: str, seconds: float) -> str:
    """What apt-get prints; raises BuilderError with its last line."""
    environment = (("APT_CONFIG", str(directory / "apt.conf")), ("LC_ALL", "C.UTF-8"))
    result = process.run(Command(argv=("apt-get", *words), environment=environment), timeout=seconds)
    if result.exit_code:
        said = [line for line in result.stderr.splitlines() if line.startswith(("E:", "Err:"))]
        raise BuilderError(redact(f"apt-get {words[0]}: " + " | ".join(said[-3:] or [result.stderr[-300:]])), hint=HINT)
    return result.stdout


def installs(directory: Path, asked: str) -> Versions:
    """The packages that installing the list would install, version by name; raises BuilderError when apt refuses."""
    said = run(directory, "--simulate", "install", *asked.split(), seconds=ASK_SECONDS)
    return dict(sorted(INSTALLED.findall(said)))


def archives(directory: Path) -> Mapping[str, str]:
    """For each suite the day of its archive and a hash over its package indexes. Signing anew changes neither."""
    found = {}
    for file in sorted((directory / "lists").glob("*_dists_*Release")):
        text = file.read_text("utf-8", "replace")
        suite = file.name.rpartition("_dists_")[2].rpartition("_")[0]
        day = datetime.fromtimestamp(apt_sources.released(text), UTC).date()
        indexes = hashlib.sha256("\n".join(apt_sources.indexes(text)).encode()).hexdigest()
        found[suite] = f"{day} sha256:{indexes}"
    return found

"""Makes the base of a platform from a mirror of Debian or Ubuntu, once for each state of it, without a registry."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from builder.build import oci_layout
from builder.build.oci_layout import TEMPORARY
from builder.errors import BuildError, EngineError
from builder.host import apt_sources, process
from builder.host.architecture import architecture
from builder.host.cache import OTHER_CACHE, ignore, say
from builder.host.command import Command
from builder.host.files import remove
from builder.host.site import Site
from builder.matrix.spec import Bootstrap, Platform

RECIPE = 3
"""Counted up when the same settings and packages give other contents: the cached bases are then made anew."""
SECONDS = 1800
NAME = re.compile(r"[0-9a-f]{16}-[0-9a-f]+")
EXCLUDED = ("man", "info", "groff", "linda", "lintian", "locale", "doc")
MERGED_USR = "/usr/share/mmdebstrap/hooks/maybe-merged-usr"
"""Without it the package usrmerge does that work, and brings 50 MB of perl (mmdebstrap(1), --hook-directory)."""
STRIP = (
    'rm -rf "$1"/etc/hostname "$1"/etc/resolv.conf "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/*-',
    # mmdebstrap's copy of the list that it was given, with the passwords in it.
    'rm -f "$1"/etc/apt/sources.list.d/*mirror.list',
    'rm -rf "$1"/var/log/* "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old',
    'if [ -e "$1"/etc/machine-id ]; then : > "$1"/etc/machine-id; fi; rm -f "$1"/var/lib/dbus/machine-id',
)
SHADOW = (
    """awk -F: -v OFS=: -v day="$((SOURCE_DATE_EPOCH / 86400))" '$3 != "" { $3 = day } { print }' "$1"/etc/shadow"""
    ' > "$1"/etc/shadow.new && cat "$1"/etc/shadow.new > "$1"/etc/shadow && rm "$1"/etc/shadow.new'
)
"""The day on which a password was changed is today's where a release is older than SOURCE_DATE_EPOCH."""
CHFN = "/usr/bin/chfn"
BEFORE_CONFIGURING = {
    "ubuntu": (
        # dash's maintainer script wants the directories that the path-excludes take away.
        '--extract-hook=mkdir -p "$1"/usr/share/man/man1 "$1"/usr/share/man/man7',
        # systemd's calls chfn, which fails until PAM is configured.
        f'--extract-hook=chroot "$1" dpkg-divert --local --rename --divert {CHFN}.shadow --add {CHFN}',
        f'--extract-hook=ln -s /bin/true "$1"{CHFN}',
        f'--essential-hook=rm "$1"{CHFN} && chroot "$1" dpkg-divert --local --rename --remove {CHFN}',
    )
}
"""By the ID in os-release what minbase needs besides; seen with Ubuntu 16.04."""
CAUSES = (
    (r"No space left on device", "the disk is full: df -h; python -m builder clean"),
    (
        r"unable to pick chroot mode|unshare|newuidmap|subuid",
        "run as root, or allow user namespaces: apt-get install uidmap",
    ),
    (r"NO_PUBKEY|not signed|EXPKEYSIG", "the mirror's key is unknown here: {install}"),
    (
        r"Unable to locate package|no installation candidate",
        "the mirror has no such package: see platforms in matrix.yaml",
    ),
    (r"Could not resolve|Failed to fetch|Connection", "the mirror does not answer: python -m builder doctor"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The image of the stage `base`: pulled by digest, or the OCI layout at `path`."""

    kind: Literal["pulled", "bootstrapped"]
    digest: str
    path: Path | None = None
    toolchain: "Base | None" = None
    """An earlier base for the stage `toolchain-base`; None when this one serves."""


def ensure_base(platform: Platform, site: Site, cache_dir: Path) -> Base:
    """The base of the platform on this site, made now when it is not cached. Raises EngineError or BuildError."""
    if site.base == "pull" or platform.bootstrap is None:
        return Base(kind="pulled", digest=platform.base_digest)
    bases = cache_dir / "bases"
    settings = fingerprint(platform.bootstrap)
    lines = apt_sources.archives(platform.bootstrap.suite, site)
    try:
        state = apt_sources.state(lines, platform.bootstrap.suite, site.ca_bundle)
    except EngineError as error:
        return newest(platform, bases, settings, error)
    directory = bases / f"{settings}-{state.sha256[:16]}"
    try:
        with locked(bases):
            digest = oci_layout.digest(directory) or make(platform, site, lines, state.epoch, directory)
    except OSError as error:
        what = f"{error.filename or bases}: {error.strerror}, and a base has to be written there"
        return newest(platform, bases, settings, EngineError(what, hint=OTHER_CACHE))
    return Base(kind="bootstrapped", digest=digest, path=directory)


def fingerprint(bootstrap: Bootstrap) -> str:
    """A short hash over everything but the mirror."""
    text = json.dumps([RECIPE, architecture(), asdict(bootstrap)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def newest(platform: Platform, bases: Path, settings: str, error: EngineError) -> Base:
    """The last base made with these settings, when none can be made; without one that error."""
    base = last_made(bases, settings)
    if base is None:
        raise error
    say(f"base {platform.name}: {error.message}; using the newest cached base, {base.digest[:19]}")
    return base


def last_made(bases: Path, settings: str) -> Base | None:
    """The newest cached base that is whole."""
    for directory in cached(bases, settings):
        if digest := oci_layout.digest(directory):
            return Base(kind="bootstrapped", digest=digest, path=directory)
        ignore(directory, "it is not a whole base")
    return None


def cached(bases: Path, settings: str = "") -> list[Path]:
    """What has the name of a base, of these settings or of any, the newest first."""
    try:
        found = [path for path in bases.iterdir() if NAME.fullmatch(path.name) and path.name.startswith(settings)]
        return sorted(found, key=lambda path: path.lstat().st_mtime, reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        ignore(bases, str(error.strerror))
        return []


def cached_base(platform: Platform, site: Site, cache_dir: Path) -> Base | None:
    """The base as far as it is known without asking anybody: None when it has to be made first."""
    if site.base == "pull" or platform.bootstrap is None:
        return Base(kind="pulled", digest=platform.base_digest)
    return last_made(cache_dir / "bases", fingerprint(platform.bootstrap))


def is_known(platform: Platform, site: Site, cache_dir: Path) -> bool:
    """Whether there is a base, pulled or made here; it may turn out to be damaged, or older than the mirror."""
    if site.base == "pull" or platform.bootstrap is None:
        return True
    return bool(cached(cache_dir / "bases", fingerprint(platform.bootstrap)))


@contextmanager
def locked(bases: Path) -> Iterator[None]:
    """Hold the lock of the cache, so that two builders make a base once; removes what killed ones left."""
    bases.mkdir(parents=True, exist_ok=True)
    with (bases / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("base: another builder is making one; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in leftovers(bases):
            shutil.rmtree(left, ignore_errors=True)
        yield


def leftovers(bases: Path) -> list[Path]:
    """The directories of builders that were killed; they may be in use unless the lock is held."""
    return sorted(bases.glob(f"{TEMPORARY}*"))


def make(platform: Platform, site: Site, lines: tuple[apt_sources.Archive, ...], epoch: int, directory: Path) -> str:
    """Bootstrap into a sibling of `directory` and rename it, so that a base is whole or absent; returns its digest."""
    if os.path.lexists(directory):
        say(f"base {platform.name}: the cached base is damaged, and made anew: {directory}")
        remove(directory)
    say(f"base {platform.name}: bootstrapping with mmdebstrap (about 40 s)")
    try:
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=directory.parent) as scratch:
            tar = Path(scratch) / "root.tar"
            run(
                command(platform, site, lines, epoch, tar),
                apt_sources.INSTALL_KEYRING.get(platform.os_id, "install the keys of its archive"),
            )
            oci_layout.add_directory(tar, "./dev", epoch)
            digest = oci_layout.write(tar, Path(scratch) / "layout")
            (Path(scratch) / "layout").rename(directory)
    except OSError as error:
        hint = "df -h; python -m builder clean" if error.errno == errno.ENOSPC else None
        raise EngineError(f"base {platform.name}: {error}", hint=hint) from error
    return digest


def command(platform: Platform, site: Site, lines: tuple[apt_sources.Archive, ...], epoch: int, tar: Path) -> Command:
    """The mmdebstrap of a platform; its list of sources lies beside `tar` while it runs."""
    bootstrap = platform.bootstrap
    if bootstrap is None:
        raise EngineError(f"{platform.name} has no bootstrap", hint="base: pull in site.yaml")
    sources = tar.with_name("sources.list")
    sources.write_text(sources_list(bootstrap.suite, site, lines), "utf-8")
    # A file, as the mirror's URL may hold a password, and everybody can read a command line.
    mirrors = tar.with_name("mirror.list")
    mirrors.touch(mode=0o600)
    mirrors.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in EXCLUDED]
    certificates = [f'--aptopt=Acquire::https::CAInfo "{site.ca_bundle}"'] if site.ca_bundle else []
    argv = [
        "mmdebstrap",
        f"--variant={bootstrap.variant}",
        f"--include={','.join(bootstrap.include)}",
        "--format=tar",
        f"--hook-directory={MERGED_USR}",
        *keyring(platform),
        *BEFORE_CONFIGURING.get(platform.os_id, ()),
        "--skip=output/dev",  # a runtime makes its own devices, and an engine without root cannot unpack these
        *excluded,
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        *certificates,
        *(f"--customize-hook={hook}" for hook in (SHADOW, *STRIP)),
        f"--customize-hook=upload {shlex.quote(str(sources))} /etc/apt/sources.list",
        bootstrap.suite,
        str(tar),
        str(mirrors),
    ]
    return Command(argv=tuple(argv), environment=(("SOURCE_DATE_EPOCH", str(epoch)), ("LC_ALL", "C.UTF-8")))


def keyring(platform: Platform) -> list[str]:
    """The options that add the keys of the platform's archive to those that apt here knows."""
    file = apt_sources.KEYRINGS.get(platform.os_id)
    return [f"--keyring={apt_sources.TRUSTED}", f"--keyring={file}"] if file and file.exists() else []


def sources_list(suite: str, site: Site, lines: tuple[apt_sources.Archive, ...]) -> str:
    """The base's own sources: Debian's when the site has a mirror of its own, which a build gets as a secret."""
    shown = apt_sources.defaults(suite) if site.apt_sources else lines
    return "".join(f"deb {re.sub('//[^/@]+@', '//', line.uri)} {line.suite} {line.components}\n" for line in shown)


def run(wanted: Command, install_keyring: str) -> None:
    """Run mmdebstrap; raises EngineError when it is not installed and BuildError, with the cause, when it fails."""
    if shutil.which("mmdebstrap") is None:
        raise EngineError("mmdebstrap is not installed", hint="apt-get install mmdebstrap")
    result = process.run(wanted, timeout=SECONDS)
    if result.exit_code:
        lines = [line for line in result.stderr.splitlines() if line.startswith(("E:", "W:", "Err:"))]
        hint = next((hint for pattern, hint in CAUSES if re.search(pattern, result.stderr)), f"repeat it: {wanted}")
        hint = hint.replace("{install}", install_keyring)
        raise BuildError("mmdebstrap failed: " + " | ".join(lines[-4:] or [result.stderr[-500:]]), hint=hint)

"""Checks what builds need from this machine; each check names what it found and the command that mends it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from builder.errors import BuilderError
from builder.host import engine, process, reachability
from builder.host.command import Command
from builder.host.endpoint import endpoint
from builder.host.site import Site, redact
from builder.matrix.names import LEAST_DOCKER
from builder.matrix.spec import ImageSpec
from builder.matrix.version import order

State = Literal["ok", "warning", "missing"]
LEAST_BUILDX = "0.13"
LEAST_DISK_GB = 20
LEAST_MEMORY_GB = 4
GB = 10**9
START = "make engine"
WRITE_SITE = "python -m builder doctor --write-site site.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that builds need. Only the state `missing` stops them."""

    name: str
    state: State
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Every check, and what each source answered."""

    checks: tuple[Check, ...]
    answers: Mapping[str, str]

    @property
    def can_build(self) -> bool:
        """Whether nothing that a default build needs is missing."""
        return all(check.state != "missing" for check in self.checks)


def examine(site: Site, cells: tuple[ImageSpec, ...], wanted: tuple[ImageSpec, ...]) -> Examination:
    """Check the engine, this host and every source at the same time; only what `wanted` needs can be missing."""
    with ThreadPoolExecutor(4) as pool:
        answers = pool.submit(reachability.ask, site, cells)
        signs = pool.submit(cosign_check)
        engines = pool.submit(lambda: tuple(engine_checks()))
        buildx = pool.submit(buildx_check)
        found = answers.result()
        here = (cli_check(), *engines.result(), buildx.result(), signs.result(), *host_checks(site, wanted))
    return Examination(checks=(*here, *sources(site, wanted, found)), answers=found)


def cli_check() -> Check:
    path = shutil.which("docker")
    if path is None:
        return Check(name="docker", state="missing", found="no docker command on PATH", mend=START)
    return Check(name="docker", state="ok", found=path)


def buildx_check() -> Check:
    """Whether buildx is there and new enough."""
    found = reachability.said(Command(argv=("docker", "buildx", "version")), r" v?(\d+(?:\.\d+)+)")
    if not found:
        return Check(name="buildx", state="missing", found="docker has no buildx", mend="apt-get install docker-buildx")
    if order(found) < order(LEAST_BUILDX):
        mend = "install a newer docker-buildx: .ci/install-engine"
        return Check(name="buildx", state="missing", found=f"{found}, older than {LEAST_BUILDX}", mend=mend)
    return Check(name="buildx", state="ok", found=found)


def cosign_check() -> Check:
    """Whether cosign is there and is of 2.x or 3.x, told by its flags: Debian's does not name its version."""
    if shutil.which("cosign") is None:
        found = "not installed: nothing can be signed, audited or promoted by signature"
        return Check(name="cosign", state="warning", found=found, mend="make cosign")
    version = reachability.said(Command(argv=("cosign", "version")), r"GitVersion: +v?([0-9][0-9.]*)")
    if not reachability.said(Command(argv=("cosign", "sign-blob", "--help")), "(--tlog-upload|--use-signing-config)"):
        mend = "remove it, and then: make cosign"
        return Check(name="cosign", state="warning", found=f"{version or 'it'} is neither 2.x nor 3.x", mend=mend)
    return Check(name="cosign", state="ok", found=version or "2.x or 3.x")


def engine_checks() -> Iterator[Check]:
    """The engine and what it has: its image store, disk, memory and GPU."""
    try:
        with engine.connected() as client:
            engine.assert_builds(client)
            info: dict[str, Any] = client.info()
    except BuilderError as error:
        yield Check(name="engine", state="missing", found=error.message, mend=mend_of(error))
        return
    yield engine_check(info)
    yield store_check(info)
    yield disk_check(Path(str(info.get("DockerRootDir") or "/")))
    memory = int(info.get("MemTotal") or 0) / GB
    few = memory < LEAST_MEMORY_GB
    yield Check(
        name="memory", state="warning" if few else "ok", found=f"{memory:.0f} GB, {info.get('NCPU')} processors"
    )
    gpu = "nvidia" in (info.get("Runtimes") or {})
    yield Check(name="gpu", state="ok", found="yes" if gpu else "none: GPU images are built, GPU checks skipped")


def mend_of(error: BuilderError) -> str:
    """What helps where no engine answers: this machine may start one, and no other."""
    if error.hint != engine.DOCTOR:
        return error.hint or ""
    return "docker version, which asks the same engine" if endpoint(os.environ).is_remote else START


def engine_check(info: Mapping[str, Any]) -> Check:
    """Whether the engine unpacks layers compressed with zstd."""
    version = str(info.get("ServerVersion"))
    found = f"{version} on {info.get('OperatingSystem')}"
    if version.partition(".")[0].isdigit() and int(version.partition(".")[0]) < LEAST_DOCKER:
        text = f"{found}; layers are compressed with zstd, which it cannot unpack"
        return Check(name="engine", state="missing", found=text, mend=f"Docker {LEAST_DOCKER} or newer: {START}")
    return Check(name="engine", state="ok", found=found)


def store_check(info: Mapping[str, Any]) -> Check:
    """Whether containerd keeps the images: all verbs work without it, and some take longer."""
    if engine.has_containerd_store(info):
        return Check(name="image store", state="ok", found=f"containerd, {info.get('Driver')}")
    return Check(
        name="image store",
        state="warning",
        found="not containerd: layers are packed before a push, and --cache-to needs that store",
        mend='{"features": {"containerd-snapshotter": true}} in daemon.json, and restart the engine',
    )


def disk_check(root: Path) -> Check:
    """The free space where the engine keeps its images, if that is on this machine."""
    if not root.is_dir():
        return Check(name="disk", state="ok", found=f"{root} is on another machine")
    free = shutil.disk_usage(root).free / GB
    if free < LEAST_DISK_GB:
        return Check(name="disk", state="warning", found=f"{free:.0f} GB free", mend="python -m builder clean --images")
    return Check(name="disk", state="ok", found=f"{free:.0f} GB free in {root}")


def host_checks(site: Site, cells: tuple[ImageSpec, ...]) -> Iterator[Check]:
    """The tools and settings of this host."""
    wanted = site.base == "bootstrap" and any(spec.platform.bootstrap for spec in cells)
    if path := shutil.which("mmdebstrap"):
        yield Check(name="mmdebstrap", state="ok", found=path)
    else:
        state: State = "missing" if wanted else "warning"
        yield Check(name="mmdebstrap", state=state, found="not installed", mend="apt-get install mmdebstrap")
    if wanted and os.geteuid() != 0 and not unshares():
        mend = "run as root, or allow unprivileged user namespaces"
        yield Check(name="mmdebstrap's root", state="missing", found="neither root nor user namespaces", mend=mend)
    yield Check(name="CA bundle", state="ok", found=str(site.ca_bundle or "the system's"))
    yield Check(name="site", state="ok", found=str(site.file or "no file: the host's own settings"))
    for name, value in contents(site):
        yield Check(name=f"site {name}", state="ok", found=value)
    for note in site.skipped:
        yield Check(name="site", state="warning", found=note)


def unshares() -> bool:
    """Whether this user may make user namespaces."""
    try:
        return process.run(Command(argv=("unshare", "--user", "true")), timeout=reachability.SECONDS).exit_code == 0
    except BuilderError:
        return False


def contents(site: Site) -> Iterator[tuple[str, str]]:
    """The site's settings as text, without credentials."""
    yield "base", site.base
    yield "default platform", site.default_platform or ""
    yield "index", redact(" ".join(site.pip_indexes))
    yield "find-links", " ".join(map(str, site.find_links))
    yield "apt sources", redact((site.apt_sources or "").strip().replace("\n", "; "))
    yield "registry mirrors", redact(" ".join(site.registry_mirrors))
    yield "downloads", redact(", ".join(f"{prefix} from {instead}" for prefix, instead in site.downloads))
    yield "components", ", ".join(f"{name} from {path}" for name, path in site.components)


def sources(site: Site, cells: tuple[ImageSpec, ...], answers: Mapping[str, str]) -> Iterator[Check]:
    """A check for each source. A silent source is `missing` only when this site's default builds need it."""
    wanted = set(needed(site, cells))
    for name, reason in answers.items():
        state: State = "ok" if not reason else "missing" if name in wanted else "warning"
        replaceable = site.file is None and name.startswith(("base image", "download", "packages"))
        mend = WRITE_SITE if replaceable else "name a mirror of it in site.yaml"
        yield Check(name=name, state=state, found=reason or "answers", mend=mend if state == "missing" else "")


def needed(site: Site, cells: tuple[ImageSpec, ...]) -> Iterator[str]:
    """The sources of these cells that no component of the site replaces."""
    yield "package index"
    for spec in cells:
        bootstrapped = site.base == "bootstrap" and spec.platform.bootstrap
        yield reachability.mirror(spec.platform) if bootstrapped else f"base image {spec.platform.name}"
        components = dict(site.components)
        yield from (f"download {source.name}" for source in spec.sources if source.name not in components)
        yield from (f"packages {repository.name}" for repository in spec.repositories)
        if spec.pin("miniconda"):
            yield reachability.CONDA_PACKAGES

"""What a site gives to a build: stages that replace ours, wheels, secrets, and the URLs of mirrors."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from builder.build import buildx_command
from builder.build.bases import Base
from builder.errors import InputError
from builder.host import apt_sources
from builder.host.files import link
from builder.host.site import Site, apt_conf, pip_conf, rewrite
from builder.host.temporary import scratch
from builder.matrix.names import LABEL_COMPONENTS, LABEL_FINGERPRINT, LABEL_INPUTS
from builder.matrix.spec import CONDA, EPOCH, ImageSpec, Platform

LAYOUT = "oci-layout://"
"""How a buildx context names an OCI layout: LAYOUT, its directory, `@` and the digest of the manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """The files of the site that a build mounts."""

    secrets: Mapping[str, Path]
    wheels: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The stages that a site replaces for one image: the buildx context of each, and a hash of its content."""

    contexts: Mapping[str, str]
    hashes: Mapping[str, str]


def replaced_stages(spec: ImageSpec, site: Site, hashed: Callable[[Path], str]) -> Stages:
    """The components of the site that this row pins, for example the directory of `python-3.6.15`.

    `hashed` gives the hash of a directory: `tree_hash`, or what remembers its answers. Raises InputError.
    """

    def hash_of(stage: str, path: Path) -> str:
        try:
            return hashed(path)
        except OSError as error:
            where = f"{site.file}: the component {stage}: {error.filename or path}"
            raise InputError(f"{where}: {error.strerror}", hint=f"ls -ld {path}; correct {site.file}") from None

    wanted = {f"{pin.name}-{pin.value}": pin.name for pin in spec.pins}
    found = {wanted[name]: path for name, path in site.components if name in wanted}
    return Stages(
        contexts={stage: str(path) for stage, path in found.items()},
        hashes={stage: hash_of(stage, path) for stage, path in found.items()},
    )


@contextmanager
def secrets(site: Site, spec: ImageSpec | None = None) -> Iterator[dict[str, Path]]:
    """The site's configuration, for any row or for this one, as files of this user for as long as the block lasts."""
    with scratch() as directory:
        texts = {"pip_conf": pip_conf(site), **(for_row(site, spec) if spec else apt_files(site))}
        found = {}
        for name, text in texts.items():
            if text:
                found[name] = directory / name
                found[name].write_text(text, "utf-8")
        if site.ca_bundle:
            found["ca"] = site.ca_bundle
        yield found


def apt_files(site: Site) -> dict[str, str | None]:
    return {"apt_conf": apt_conf(site), "apt_sources": site.apt_sources}


def for_row(site: Site, spec: ImageSpec) -> dict[str, str | None]:
    """What apt gets in a build of the row: the site's lines for the platform's own suite, else the base's own.

    A site that names a mirror of Debian does not hide Ubuntu's.
    """
    if spec.platform.bootstrap and site.apt_sources:
        site = replace(site, apt_sources=apt_sources.of_release(site.apt_sources, spec.platform.bootstrap.suite))
    return {**apt_files(site), "repositories": repositories(site, spec)}


def repositories(site: Site, spec: ImageSpec) -> str | None:
    """The sources.list of the row's own repositories, where this site gets any of them elsewhere; else None."""
    urls = [rewrite(one.url, site) for one in spec.repositories]
    moved = urls != [one.url for one in spec.repositories]
    return "".join(f"deb {url} /\n" for url in urls) if moved else None


@contextmanager
def wheels(site: Site, files: Collection[str]) -> Iterator[Path | None]:
    """A directory with those of the files that the site's own directories hold, for as long as the block lasts.

    None when they hold none. A build that sees nothing else sends nothing else to the engine, and is not repeated for
    it. A file that several have is the first one's. Raises BuilderError.
    """
    directories = (site.wheelhouse,) if site.wheelhouse else site.find_links
    held = ((name, directory / name) for directory in reversed(directories) for name in files)
    found = {name: path.resolve() for name, path in held if path.is_file()}
    if not found:
        yield None
        return
    with scratch() as joined:
        for name, path in found.items():
            link(path, joined / name)
        yield joined


@contextmanager
def supplies(site: Site, spec: ImageSpec, files: Collection[str]) -> Iterator[Supplies]:
    """What a build of this row on this site, of these files, gets for as long as the block lasts; or BuilderError."""
    with secrets(site, spec) as written, wheels(site, files) as directory:
        yield Supplies(secrets=written, wheels=directory)


def inputs(
    spec: ImageSpec, site: Site, supplied: Supplies, *, base: Base, stages: Stages, fingerprint: str, made_from: str
) -> buildx_command.BuildInputs:
    """Everything that a build of this cell gets on this site; `made_from` is the label with its inputs."""
    contexts = dict(stages.contexts)
    contexts |= bases(spec.platform, base, site)
    if supplied.wheels:
        contexts["find-links"] = str(supplied.wheels)
    arguments = {"SOURCE_DATE_EPOCH": str(EPOCH), **elsewhere(spec, site)}
    labels = {}
    if base.digest:
        labels["org.opencontainers.image.base.digest"] = base.digest
        labels |= {LABEL_FINGERPRINT: fingerprint, LABEL_INPUTS: made_from}
    if stages.hashes:
        labels[LABEL_COMPONENTS] = json.dumps(dict(stages.hashes), sort_keys=True)
    return buildx_command.BuildInputs(stages=contexts, secrets=supplied.secrets, arguments=arguments, labels=labels)


def elsewhere(spec: ImageSpec, site: Site) -> dict[str, str]:
    """The build arguments for what this site downloads from another place than the matrix says."""
    urls = {f"{source.name.rsplit('-', 1)[0].upper()}_URL": source.url for source in spec.sources}
    urls |= {f"KEY_URL_{number}": one.key_url for number, one in enumerate(spec.repositories, 1)}
    if spec.pin("miniconda"):
        urls["CONDA_URL"] = CONDA
    return {name: found for name, url in urls.items() if (found := rewrite(url, site)) != url}


def bases(platform: Platform, base: Base, site: Site) -> dict[str, str]:
    """The buildx contexts of the base and of the toolchain base."""
    found = {}
    for stage, one in (("base", base), ("toolchain-base", base.toolchain or base)):
        if one.path:
            found[stage] = f"{LAYOUT}{one.path}@{one.digest}"
        elif site.registry_mirrors:
            found[stage] = f"docker-image://{mirrored(platform, site.registry_mirrors[0], one.digest)}"
    return found


def mirrored(platform: Platform, mirror: str, digest: str) -> str:
    """The pinned base as a mirror of Docker Hub serves it: official images are below `library/`."""
    name = platform.base_image.partition(":")[0]
    path = name if "/" in name else f"library/{name}"
    return f"{mirror.partition('://')[2].rstrip('/')}/{path}@{digest}"

"""The site file says where things come from here, and never what an image holds.

    default-platform: debian12
    base: bootstrap
    pip: {index-url: https://..., extra-index-urls: [https://...], cpu-index-url: https://..., find-links: [DIRECTORY]}
    ca-bundle: FILE
    apt-sources: |
      deb https://... bookworm main
    registry-mirrors: [https://...]
    insecure-registries: [HOST:PORT]
    downloads: {https://original/: https://mirror/}
    components: {python-3.6.15: DIRECTORY}
    wheelhouse: DIRECTORY
    trust: {key: FILE}, or {identity: ID, issuer: https://...}
    advisories: {path: DIRECTORY, days: 30}

A key that is missing keeps the host's own setting.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from builder.errors import InputError
from builder.host.files import Kind, expanded, unreadable
from builder.host.limits import REGISTRY_SECONDS
from builder.matrix import yaml_positions
from builder.matrix.load import Preferred
from builder.matrix.reference import HOST
from builder.matrix.yaml_positions import Node, Problems, fields, items, mapping, one_of, report, text

BaseSource = Literal["pull", "bootstrap"]
BASES: dict[str, BaseSource] = {"pull": "pull", "bootstrap": "bootstrap"}
KEYS = (
    *("default-platform", "base", "pip", "ca-bundle", "apt-sources"),
    *("registry-mirrors", "insecure-registries", "downloads", "components", "wheelhouse", "trust", "advisories"),
)
DAYS = re.compile(r"[1-9][0-9]{0,3}")
TRUST_KEYS = ("key", "identity", "issuer")
PIP_KEYS = ("index-url", "extra-index-urls", "cpu-index-url", "find-links")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
COMPONENT = re.compile(r"[a-z][a-z0-9_-]{0,40}-[0-9][A-Za-z0-9.+]{0,30}")
URL = re.compile(r"https?://[^\s\"'\\]{1,400}")
KEY_ADDRESS = re.compile(r"[a-z0-9]{2,20}://[^\s\"'\\]{1,400}")
IDENTITY = re.compile(r"[!-~]{1,400}")
APT_LINE = re.compile(r"deb( \[[^\]\n]*\])?( [^\s\"]+){2,}|#.*|")
USERINFO = re.compile(r"//[^/@\s]+@")
SECRETS = "/run/secrets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Whose signatures of images count: those of a public key, or of an identity that an issuer vouches for."""

    key: str = ""
    """A file, or an address that cosign takes, like env://VARIABLE."""
    identity: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where builds on this machine get things from."""

    file: Path | None = None
    default_platform: str | None = None
    base: BaseSource = "pull"
    pip_index_url: str | None = None
    pip_extra_index_urls: tuple[str, ...] = ()
    pip_cpu_index_url: str | None = None
    """An index with PyTorch's wheels without CUDA: the cells for CPU get them."""
    find_links: tuple[Path, ...] = ()
    ca_bundle: Path | None = None
    apt_sources: str | None = None
    registry_mirrors: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    """Hosts that are spoken to without encryption."""
    registry_seconds: float = REGISTRY_SECONDS
    """How long one operation on a registry may take; no key of the file, but a flag."""
    downloads: tuple[tuple[str, str], ...] = ()
    components: tuple[tuple[str, Path], ...] = ()
    wheelhouse: Path | None = None
    """A directory that `fetch` has filled: then no package index is asked."""
    trusted: Trusted | None = None
    """Whose signatures count where no flag says it."""
    advisories: Path | None = None
    """A directory or an archive of OSV records, which `scan` reads."""
    advisories_days: int | None = None
    """How old the newest of them may be; None allows any age."""
    skipped: tuple[str, ...] = ()
    """Settings of the host that cannot enter a build, each as a sentence for people."""

    @property
    def pip_further_index_urls(self) -> tuple[str, ...]:
        """The indexes besides the first."""
        return (*self.pip_extra_index_urls, *filter(None, [self.pip_cpu_index_url]))

    @property
    def pip_indexes(self) -> tuple[str, ...]:
        """All indexes that the site names."""
        return (*filter(None, [self.pip_index_url]), *self.pip_further_index_urls)


def site_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file that `--site`, else BUILDER_SITE, names; else ./site.yaml when it is there."""
    named = path or (Path(environ["BUILDER_SITE"]) if environ.get("BUILDER_SITE") else None)
    return named or (Path("site.yaml") if Path("site.yaml").is_file() else None)


def load(file: Path | None, defaults: Site) -> Site:
    """The site that `file` describes on top of the host's settings; raises InputError with every mistake."""
    if file is None:
        return defaults
    problems: Problems = []
    site = read(yaml_positions.load(file, problems, named_by="--site"), file, defaults, problems)
    if problems:
        hint = f"correct {file}; `python -m builder doctor` shows the site in use"
        raise InputError(tuple(dict.fromkeys(problems)), hint=hint)
    return site


def preferred(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Preferred:
    """What this site prefers of a matrix; raises InputError when its file is wrong."""
    site = load(site_file(path, environ), Site())
    return Preferred(platform=site.default_platform, cpu_wheels=site.pip_cpu_index_url is not None)


def read(document: Node, file: Path, defaults: Site, problems: Problems) -> Site:
    """The site of a parsed document; mistakes join `problems`."""
    top = fields(document, problems, required=(), optional=KEYS)
    base = one_of(top.get("base"), problems, BASES, "a source of the base")
    site = replace(
        defaults,
        file=file,
        default_platform=text(top.get("default-platform"), problems, NAME, "a platform's name") or None,
        base=BASES.get(base, defaults.base),
        ca_bundle=path(top["ca-bundle"], file, problems, kind="file") if "ca-bundle" in top else defaults.ca_bundle,
        apt_sources=sources_list(top.get("apt-sources"), problems),
        registry_mirrors=urls(top.get("registry-mirrors"), problems),
        insecure_registries=hosts(top.get("insecure-registries"), problems),
        downloads=rewrites(top.get("downloads"), problems),
        components=components(top.get("components"), file, problems),
        wheelhouse=path(top["wheelhouse"], file, problems, kind="directory") if "wheelhouse" in top else None,
        trusted=trusted(top["trust"], file, problems) if "trust" in top else None,
    )
    site = read_advisories(top["advisories"], file, site, problems) if "advisories" in top else site
    return read_pip(top["pip"], file, site, problems) if "pip" in top else site


def read_advisories(at: Node, file: Path, site: Site, problems: Problems) -> Site:
    """The site with its database of advisories, and the age that it may have."""
    found = fields(at, problems, required=("path",), optional=("days",))
    where = found.get("path")
    kind: Kind = "file" if where and where.scalar.endswith(".zip") else "directory"
    days = text(found.get("days"), problems, DAYS, "a number of days")
    place = path(where, file, problems, kind=kind) if where else None
    return replace(site, advisories=place, advisories_days=int(days) if days else None)


def trusted(at: Node, file: Path, problems: Problems) -> Trusted:
    """The trusted signer; a section that names none, or two, is a problem."""
    found = fields(at, problems, required=(), optional=TRUST_KEYS)
    if found.keys() not in ({"key"}, {"identity", "issuer"}):
        report(problems, at, "whose signatures count? expected `key`, or `identity` and `issuer`")
    return Trusted(
        key=public_key(found["key"], file, problems) if "key" in found else "",
        identity=text(found.get("identity"), problems, IDENTITY, "who signs, as the certificate says"),
        issuer=url(found["issuer"], problems) if "issuer" in found else "",
    )


def public_key(at: Node, file: Path, problems: Problems) -> str:
    """An address as it is, else a readable file."""
    if at.kind == "scalar" and KEY_ADDRESS.fullmatch(at.scalar):
        return at.scalar
    return str(path(at, file, problems, kind="file") or "")


def read_pip(at: Node, file: Path, site: Site, problems: Problems) -> Site:
    """The site with the pip section of its file; the host's value stays where the section has none."""
    entries = fields(at, problems, required=(), optional=PIP_KEYS)
    if "index-url" in entries:
        site = replace(site, pip_index_url=url(entries["index-url"], problems))
    if "extra-index-urls" in entries:
        site = replace(site, pip_extra_index_urls=urls(entries["extra-index-urls"], problems))
    if "cpu-index-url" in entries:
        site = replace(site, pip_cpu_index_url=url(entries["cpu-index-url"], problems))
    if "find-links" in entries:
        found = (path(item, file, problems, kind="directory") for item in items(entries["find-links"], problems))
        site = replace(site, find_links=tuple(one for one in found if one))
    return site


def path(at: Node, file: Path, problems: Problems, *, kind: Kind) -> Path | None:
    """A readable file or directory, relative to the site file; anything else is a problem."""
    if at.kind != "scalar" or not at.scalar:
        report(problems, at, f"expected a {kind}")
        return None
    found = (file.parent / expanded(at.scalar)).absolute()
    if why := unreadable(found, kind):
        report(
            problems,
            at,
            f"no {kind} that can be read: {yaml_positions.show(at.scalar)}: {why}: mend it, or remove the key",
        )
    return found


def url(at: Node, problems: Problems) -> str:
    """An http(s) URL; the problem shows no credentials."""
    if at.kind != "scalar" or not URL.fullmatch(at.scalar):
        shown = yaml_positions.show(redact(at.scalar)) if at.kind == "scalar" else f"a {at.kind}"
        report(problems, at, f"{shown} is not an http(s) URL: a build sees no other")
        return ""
    return at.scalar


def urls(at: Node | None, problems: Problems) -> tuple[str, ...]:
    return tuple(found for item in items(at, problems) if (found := url(item, problems)))


def hosts(at: Node | None, problems: Problems) -> tuple[str, ...]:
    return tuple(text(item, problems, HOST, "a registry like HOST:PORT") for item in items(at, problems))


def rewrites(at: Node | None, problems: Problems) -> tuple[tuple[str, str], ...]:
    """Pairs of URL prefixes: the original and its replacement."""
    found = []
    for prefix, node in (mapping(at, problems) if at else {}).items():
        if not URL.fullmatch(prefix):
            report(problems, node, "the key is not the beginning of an http(s) URL")
        if node.kind == "scalar" and USERINFO.search(node.scalar):
            report(problems, node, "no credentials here: a download's URL stays in the history of the image")
        found.append((prefix, url(node, problems)))
    return tuple(found)


def components(at: Node | None, file: Path, problems: Problems) -> tuple[tuple[str, Path], ...]:
    """Pairs of a stage, as NAME-VERSION, and the local directory that replaces it."""
    found = []
    for name, node in (mapping(at, problems) if at else {}).items():
        if not COMPONENT.fullmatch(name):
            report(problems, node, "a component is named with its version, like python-3.6.15")
        if directory := path(node, file, problems, kind="directory"):
            found.append((name, directory))
    return tuple(found)


def sources_list(at: Node | None, problems: Problems) -> str | None:
    """The lines of a sources.list; each wrong line is a problem."""
    if at is None:
        return None
    for line in at.scalar.splitlines() if at.kind == "scalar" else ("",):
        if at.kind != "scalar" or not APT_LINE.fullmatch(line.strip()):
            report(problems, at, f"{yaml_positions.show(redact(line))} is not like: deb URI SUITE COMPONENT")
    return at.scalar.strip() + "\n"


def redact(words: str) -> str:
    """The text without the user and password of its URLs."""
    return USERINFO.sub("//***@", words)


def rewrite(address: str, site: Site) -> str:
    """The URL as this site downloads it: the longest matching prefix in `downloads` is replaced."""
    for prefix, instead in sorted(site.downloads, key=lambda pair: -len(pair[0])):
        if address.startswith(prefix):
            return instead + address.removeprefix(prefix)
    return address


def pip_conf(site: Site) -> str:
    """The pip.conf that a build mounts as a secret; its time limits are longer than pip's."""
    if site.wheelhouse:
        return "[global]\nno-index = true\n"
    plain = [urlsplit(one).hostname or "" for one in site.pip_indexes if one.startswith("http:")]
    # pip ignores an http index unless its host is trusted; every file is checked against the lock's hash anyway.
    values: dict[str, Sequence[str]] = {
        "timeout": ["120"],
        "retries": ["8"],
        "index-url": [site.pip_index_url] if site.pip_index_url else [],
        "extra-index-url": site.pip_further_index_urls,
        "trusted-host": sorted(set(plain)),
    }
    # A % would be taken for an interpolation only by ConfigParser, which pip does not use.
    lines = [f"{key} = " + "\n    ".join(value) for key, value in values.items() if value]
    return "\n".join(["[global]", *lines, ""])


def apt_conf(site: Site) -> str:
    """The apt.conf that a build mounts as a secret, beside the secrets `ca` and `apt_sources`."""
    lines = ['Acquire::Retries "5";']
    if site.ca_bundle:
        lines.append(f'Acquire::https::CAInfo "{SECRETS}/ca";')
    if site.apt_sources:
        lines += [f'Dir::Etc::SourceList "{SECRETS}/apt_sources";', 'Dir::Etc::SourceParts "/dev/null";']
    return "\n".join([*lines, ""])

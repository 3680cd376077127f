"""The sections of matrix.yaml that rows refer to: frameworks, probes, platforms, sources, repositories, stacks."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from builder.matrix import probes
from builder.matrix.names import NAME
from builder.matrix.reference import DIGEST
from builder.matrix.spec import AptRepository, Bootstrap, Packages, Pin, Platform, Source
from builder.matrix.version import VERSION_PATTERN
from builder.matrix.yaml_positions import Node, Problems, fields, items, mapping, near, one_of, report, text

LAYER = re.compile(r"[a-z]{1,20}")
STAGES = (
    *("base", "compiled", "environment", "finished", "framework", "horovod", "image", "installer", "keys"),
    *("miniconda", "openmpi", "python", "rest", "source", "system", "toolchain"),
)
GLOB = re.compile(r"[a-z0-9*][a-z0-9*._-]{0,98}")
PROSE = re.compile(r"[ -~]{1,300}")
IMAGE = re.compile(r"[a-z0-9]+([._/:-][a-z0-9]+)*(:[A-Za-z0-9._-]{1,128})?")
SHA256 = re.compile(r"[0-9a-f]{64}")
URL = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~+%@-]+)+/?")
FINGERPRINT = re.compile(r"[0-9A-F]{40}")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,60}(=[A-Za-z0-9][A-Za-z0-9.:+~*-]{0,60})?")
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,60}")
VALUE = re.compile(r"[A-Za-z0-9 ,.:=<>/_-]{0,200}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    title: str
    default_version: str
    layers: tuple[tuple[str, tuple[str, ...]], ...]
    core: tuple[str, ...]
    compiled: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a release adds to its platform: packages, repositories, pins, probes and variables, each by device."""

    platform: str
    pins: Mapping[str, Mapping[str, Node]]
    probes: Mapping[str, Mapping[str, str]]
    packages: Mapping[str, Packages]
    repositories: Mapping[str, tuple[str, ...]]
    environment: Mapping[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    frameworks: Mapping[str, Framework]
    probes: Mapping[str, str]
    platforms: Mapping[str, Platform]
    sources: Mapping[str, Source]
    repositories: Mapping[str, AptRepository]
    stacks: Mapping[str, Stack]


def read(top: Mapping[str, Node], problems: Problems) -> Shared:
    """The shared sections; mistakes join `problems`."""

    def each(section: str, reader: Callable[[str, Node, Problems], T]) -> dict[str, T]:
        if section not in top:
            return {}
        entries = mapping(top[section], problems)
        return {name: reader(name, node, problems) for name, node in entries.items() if named(name, node, problems)}

    platforms = each("platforms", platform)
    repositories = each("repositories", repository)
    return Shared(
        frameworks=each("frameworks", framework),
        probes=each("probes", probe),
        platforms=platforms,
        sources=each("sources", source),
        repositories=repositories,
        stacks=each("stacks", lambda _, node, problems: stack(node, problems, platforms, repositories)),
    )


def named(name: str, node: Node, problems: Problems) -> bool:
    if not NAME.fullmatch(name):
        report(problems, node, "the key is not a name: letters, digits, dots, dashes")
        return False
    return True


def framework(name: str, node: Node, problems: Problems) -> Framework:
    entries = fields(node, problems, required=("title", "default-version", "core"), optional=("layers", "compiled"))
    return Framework(
        title=text(entries.get("title"), problems, PROSE, "a title") or name,
        default_version=text(entries.get("default-version"), problems, VERSION_PATTERN, "a version"),
        layers=layers(entries["layers"], problems) if "layers" in entries else (),
        core=globs(entries.get("core"), problems),
        compiled=globs(entries.get("compiled"), problems),
    )


def layers(node: Node, problems: Problems) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Layers by name. Each becomes a stage, so a name that another stage has joins `problems`."""
    found = mapping(node, problems)
    for name, at in found.items():
        if not LAYER.fullmatch(name) or name in STAGES:
            report(problems, at, "the key cannot name a layer: letters, and no name of a stage of ours")
    return tuple((name, globs(at, problems)) for name, at in found.items())


def globs(node: Node | None, problems: Problems) -> tuple[str, ...]:
    return tuple(text(item, problems, GLOB, "a distribution's name or glob") for item in items(node, problems))


def probe(name: str, node: Node, problems: Problems) -> str:
    """A probe as `kind` or `kind:argument`, for example `dpkg:libnccl2`."""
    value = text(node, problems, probes.PROBE, "a probe: KIND or KIND:NAME")
    if value and (wrong := probes.problem(name, value)):
        report(problems, node, wrong + near(value.partition(":")[0], probes.KINDS))
    return value


def platform(name: str, node: Node, problems: Problems) -> Platform:
    entries = fields(node, problems, required=("os", "glibc", "base"))
    os = fields(entries["os"], problems, required=("id", "version")) if "os" in entries else {}
    base = (
        fields(entries["base"], problems, required=("image", "digest"), optional=("toolchain-digest", "bootstrap"))
        if "base" in entries
        else {}
    )
    digest = sha256_of(base.get("digest"), problems)
    return Platform(
        name=name,
        os_id=text(os.get("id"), problems, NAME, "an ID of os-release"),
        os_version=text(os.get("version"), problems, VERSION_PATTERN, "a version"),
        glibc=text(entries.get("glibc"), problems, VERSION_PATTERN, "a version"),
        base_image=text(base.get("image"), problems, IMAGE, "an image name"),
        base_digest=digest,
        toolchain_digest=sha256_of(base["toolchain-digest"], problems) if "toolchain-digest" in base else digest,
        bootstrap=bootstrap(base["bootstrap"], problems) if "bootstrap" in base else None,
    )


def sha256_of(node: Node | None, problems: Problems) -> str:
    return text(node, problems, DIGEST, "a digest: sha256: and 64 hexadecimal digits")


def bootstrap(node: Node, problems: Problems) -> Bootstrap:
    entries = fields(node, problems, required=("suite", "variant", "include"))
    return Bootstrap(
        suite=text(entries.get("suite"), problems, NAME, "a suite"),
        variant=text(entries.get("variant"), problems, NAME, "a variant of mmdebstrap"),
        include=packages(entries.get("include"), problems),
    )


def source(name: str, node: Node, problems: Problems) -> Source:
    entries = fields(node, problems, required=("url", "sha256"))
    url = text(entries.get("url"), problems, URL, "an https URL")
    return Source(name=name, url=url, sha256=text(entries.get("sha256"), problems, SHA256, "a sha256"))


def repository(name: str, node: Node, problems: Problems) -> AptRepository:
    entries = fields(node, problems, required=("url", "key-url", "fingerprint"))
    return AptRepository(
        name=name,
        url=text(entries.get("url"), problems, URL, "an https URL"),
        key_url=text(entries.get("key-url"), problems, URL, "an https URL"),
        fingerprint=text(entries.get("fingerprint"), problems, FINGERPRINT, "a fingerprint of 40 hexadecimal digits"),
    )


def packages(node: Node | None, problems: Problems) -> tuple[str, ...]:
    return tuple(text(item, problems, PACKAGE, "a Debian package, or name=version") for item in items(node, problems))


def stack(
    node: Node, problems: Problems, platforms: Mapping[str, Platform], repositories: Mapping[str, AptRepository]
) -> Stack:
    entries = fields(node, problems, required=("platform", "pins", "packages"), optional=("gpu",))
    gpu: Mapping[str, Node] = {}
    if "gpu" in entries:
        optional = ("pins", "probes", "packages", "repositories", "environment")
        gpu = fields(entries["gpu"], problems, required=(), optional=optional)
    pins, gpu_pins = (section(found, "pins", problems) for found in (entries, gpu))
    shared, added = lists(entries.get("packages"), problems), lists(gpu.get("packages"), problems)
    together = Packages(build=shared.build + added.build, runtime=shared.runtime + added.runtime)
    known = [one_of(item, problems, repositories, "a repository") for item in items(gpu.get("repositories"), problems)]
    variables = [variable(key, value, problems) for key, value in section(gpu, "environment", problems).items()]
    probes = {key: probe(key, value, problems) for key, value in section(gpu, "probes", problems).items()}
    return Stack(
        platform=one_of(entries.get("platform"), problems, platforms, "a platform"),
        pins={"cpu": pins, "gpu": {**pins, **gpu_pins}},
        probes={"cpu": {}, "gpu": probes},
        packages={"cpu": shared, "gpu": together},
        repositories={"cpu": (), "gpu": tuple(filter(None, known))},
        environment={"cpu": (), "gpu": tuple(sorted(variables))},
    )


def section(entries: Mapping[str, Node], name: str, problems: Problems) -> Mapping[str, Node]:
    """The mapping below a key; empty when the key is not there."""
    return mapping(entries[name], problems) if name in entries else {}


def lists(node: Node | None, problems: Problems) -> Packages:
    """The packages of a build stage and of the final image, sorted."""
    entries = fields(node, problems, required=("build", "runtime")) if node else {}
    return Packages(
        build=tuple(sorted(packages(entries.get("build"), problems))),
        runtime=tuple(sorted(packages(entries.get("runtime"), problems))),
    )


def variable(key: str, node: Node, problems: Problems) -> tuple[str, str]:
    if not VARIABLE.fullmatch(key):
        report(problems, node, "the key is not an environment variable's name")
    return key, text(node, problems, VALUE, "a plain value")


def pin(name: str, node: Node, known: Mapping[str, str], problems: Problems) -> Pin | None:
    """A pin, written as a version or as `{use, documented, because}`; None when something is wrong with it."""
    before = len(problems)
    if not named(name, node, problems):
        return None
    if name not in known:
        report(problems, node, f"no check asserts this pin{near(name, known)}: add it to probes")
        return None
    entries: Mapping[str, Node] = {"use": node}
    if node.kind != "scalar":
        entries = fields(node, problems, required=("use", "because"), optional=("documented",))
    value = text(entries.get("use"), problems, VERSION_PATTERN, "a version")
    documented = text(entries.get("documented"), problems, PROSE, "a version or a word")
    reason = text(entries.get("because"), problems, PROSE, "a sentence")
    if len(problems) > before:
        return None
    return Pin(name=name, value=value, probe=known[name], documented=documented or None, reason=reason or None)

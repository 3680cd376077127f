"""matrix.yaml as cells: every mistake of the file is reported in one run, with its line and column."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder import located, parts
from builder.errors import InputError
from builder.located import Node, Problems, fields, items, mapping, near, one_of, report, text
from builder.names import cell
from builder.spec import DEVICES, Device, ImageSpec, Pin
from builder.version import VERSION_PATTERN, matches, order

SCHEMA = re.compile(r"1")
DAY = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
RELEASE_OPTIONAL = ("pins", "cpu", "gpu", "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All cells, oldest release first, and what is chosen when nothing is asked for."""

    default_framework: str
    default_versions: Mapping[str, str]
    cells: tuple[ImageSpec, ...]


def load(file: Path, *, site_platform: str | None = None) -> Matrix:
    """The matrix in `file`; a site may prefer another platform. Raises InputError with every problem found."""
    problems: Problems = []
    document = located.load(file, problems)
    matrix = read(document, problems, site_platform)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)), hint=f"correct {file}, then: python -m builder validate")
    return matrix


def read(document: Node, problems: Problems, site_platform: str | None) -> Matrix:
    """The matrix of a parsed document; mistakes join `problems`."""
    required = ("schema", "default-framework", "frameworks", "probes", "platforms", "stacks", "releases")
    top = fields(document, problems, required=required, optional=("sources", "repositories"))
    text(top.get("schema"), problems, SCHEMA, "a schema this program knows: it is 1")
    shared = parts.read(top, problems)
    default = one_of(top.get("default-framework"), problems, shared.frameworks, "a framework")
    releases = items(top.get("releases"), problems)
    latest = latest_versions(releases)
    cells = [spec for release in releases for spec in cells_of(release, shared, problems, latest, site_platform)]
    duplicates(document, cells, problems)
    unread(document, top, shared, releases, cells, problems)
    defaults = {name: framework.default_version for name, framework in shared.frameworks.items()}
    return Matrix(default_framework=default, default_versions=defaults, cells=tuple(cells))


def latest_versions(releases: Iterable[Node]) -> dict[str, str]:
    """The newest version of each framework."""
    newest: dict[str, str] = {}
    for release in releases:
        name, version = (
            release.entries[key].scalar if key in release.entries else "" for key in ("framework", "version")
        )
        newest[name] = max(newest.get(name, "0"), version, key=order)
    return newest


def cells_of(
    release: Node, shared: parts.Shared, problems: Problems, latest: Mapping[str, str], site_platform: str | None
) -> list[ImageSpec]:
    """The cells of one release: its devices on its platforms."""
    required = ("framework", "version", "devices", "default-platform", "platforms")
    entries = fields(release, problems, required=required, optional=RELEASE_OPTIONAL)
    framework = one_of(entries.get("framework"), problems, shared.frameworks, "a framework")
    version = text(entries.get("version"), problems, VERSION_PATTERN, "a version")
    devices = [one_of(item, problems, DEVICES, "a device") for item in items(entries.get("devices"), problems)]
    platforms = mapping(entries["platforms"], problems) if "platforms" in entries else {}
    default = one_of(entries.get("default-platform"), problems, platforms, "a platform of this release")
    preferred = site_platform if site_platform in platforms else default
    if not (framework and version):
        return []
    found = []
    for name, node in platforms.items():
        for device in devices:
            layers = layers_of(entries, name, node, device, shared, problems)
            if layers is None:
                continue
            pins, stack, built_on = layers
            found.append(
                ImageSpec(
                    framework=framework,
                    title=shared.frameworks[framework].title,
                    version=version,
                    device=device,
                    platform=shared.platforms[name],
                    is_default_platform=name == preferred,
                    is_default_version=matches(shared.frameworks[framework].default_version, version),
                    is_latest=latest[framework] == version,
                    pins=pins,
                    core=shared.frameworks[framework].core,
                    compiled=shared.frameworks[framework].compiled,
                    packages=stack.packages[device],
                    repositories=tuple(shared.repositories[r] for r in stack.repositories if device == "gpu"),
                    environment=stack.environment if device == "gpu" else (),
                    sources=sources_of(pins, shared),
                    built_on=built_on,
                )
            )
    return found


def layers_of(
    entries: Mapping[str, Node], platform: str, node: Node, device: str, shared: parts.Shared, problems: Problems
) -> tuple[tuple[Pin, ...], parts.Stack, str | None] | None:
    """The pins of one cell (stack, then release, then platform), its stack, and the day it was last built."""
    if platform not in shared.platforms:
        report(problems, node, f"not a platform{near(platform, shared.platforms)}")
        return None
    inner = fields(node, problems, required=("stack",), optional=("pins", "cpu", "gpu", "built"))
    name = one_of(inner.get("stack"), problems, shared.stacks, "a stack")
    if not name or device not in DEVICES:
        return None
    stack = shared.stacks[name]
    if stack.platform != platform:
        report(problems, inner["stack"], f"the stack {name} is for {stack.platform}, not for {platform}")
    levels = [stack.pins[device], *(own_pins(level, device, problems) for level in (entries, inner))]
    nodes = {pin: value for level in levels for pin, value in level.items()}
    probes = {**shared.probes, **stack.probes[device]}
    pins = [parts.pin(key, value, probes, problems) for key, value in sorted(nodes.items())]
    built = mapping(inner["built"], problems) if "built" in inner else {}
    day = text(built.get(device), problems, DAY, "a day like 2026-01-31")
    return tuple(pin for pin in pins if pin), stack, day or None


def own_pins(entries: Mapping[str, Node], device: str, problems: Problems) -> dict[str, Node]:
    """The pins of a release or of its platform: the common ones, then the device's own."""
    pins = dict(mapping(entries["pins"], problems)) if "pins" in entries else {}
    if device in entries:
        inner = fields(entries[device], problems, required=("pins",))
        pins |= mapping(inner["pins"], problems) if "pins" in inner else {}
    return pins


def sources_of(pins: Iterable[Pin], shared: parts.Shared) -> tuple[parts.Source, ...]:
    """The downloads that the pins name: `openmpi: 3.1.2` needs the source `openmpi-3.1.2`."""
    wanted = {f"{pin.name}-{pin.value}" for pin in pins}
    return tuple(source for name, source in sorted(shared.sources.items()) if name in wanted)


def duplicates(document: Node, cells: Iterable[ImageSpec], problems: Problems) -> None:
    counted = Counter(cell(spec) for spec in cells)
    for name in (name for name, count in counted.items() if count > 1):
        report(problems, document.entries["releases"], f"two cells have the name {name}")


def unread(
    document: Node,
    top: Mapping[str, Node],
    shared: parts.Shared,
    releases: Iterable[Node],
    cells: Iterable[ImageSpec],
    problems: Problems,
) -> None:
    """Whatever the file defines and no cell uses: a decoration today, a lie tomorrow."""
    if problems:
        return
    cells = list(cells)
    stacks = {
        node.entries["stack"].scalar for release in releases for node in release.entries["platforms"].entries.values()
    }
    used: dict[str, set[str]] = {
        "probes": {pin.name for spec in cells for pin in spec.pins},
        "platforms": {spec.platform.name for spec in cells},
        "sources": {source.name for spec in cells for source in spec.sources},
        "repositories": {repository.name for spec in cells for repository in spec.repositories},
        "stacks": stacks,
        "frameworks": {spec.framework for spec in cells},
    }
    for section, names in used.items():
        for key, node in mapping(top[section], problems).items() if section in top else ():
            if key not in names:
                what = "no pin needs this check" if section == "probes" else "nothing uses it"
                report(problems, node, what)
    for name, framework in shared.frameworks.items():
        if not any(spec.framework == name and spec.is_default_version for spec in cells):
            report(
                problems, top["frameworks"].entries[name], f"the default version {framework.default_version} is no row"
            )


__all__ = ["DEVICES", "Device", "Matrix", "load", "read"]

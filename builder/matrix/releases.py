"""Expands a release of the matrix into cells: each device on each platform, with its pins."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from builder.matrix import sections
from builder.matrix.sections import Shared, Stack
from builder.matrix.spec import DEVICES, Device, ImageSpec, Pin, Source
from builder.matrix.version import VERSION_PATTERN, matches
from builder.matrix.yaml_positions import Node, Problems, fields, items, mapping, near, one_of, report, text

REQUIRED = ("framework", "version", "devices", "default-platform", "platforms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release as the matrix writes it. Its pins are still nodes, because their probes depend on the platform."""

    node: Node
    framework: str
    version: str
    devices: tuple[Device, ...]
    default_platform: str
    platforms: Mapping[str, Node]
    entries: Mapping[str, Node]


def read(node: Node, shared: Shared, problems: Problems) -> Release:
    """The release that stands at `node`; mistakes join `problems`."""
    entries = fields(node, problems, required=REQUIRED, optional=("pins", *DEVICES))
    platforms = mapping(entries["platforms"], problems) if "platforms" in entries else {}
    known = {name: found for name, found in platforms.items() if name in shared.platforms}
    for name in platforms.keys() - known.keys():
        report(problems, platforms[name], f"not a platform{near(name, shared.platforms)}")
    wanted = [one_of(item, problems, DEVICES, "a device") for item in items(entries.get("devices"), problems)]
    return Release(
        node=node,
        framework=one_of(entries.get("framework"), problems, shared.frameworks, "a framework"),
        version=text(entries.get("version"), problems, VERSION_PATTERN, "a version"),
        devices=tuple(device for device in DEVICES if device in wanted),
        default_platform=one_of(entries.get("default-platform"), problems, platforms, "a platform of this release"),
        platforms=known,
        entries=entries,
    )


def cells(release: Release, shared: Shared, problems: Problems, *, site_platform: str | None) -> Iterator[ImageSpec]:
    """The cells of a release; they have no rolling tags yet, as other releases may hold those."""
    if not (release.framework and release.version):
        return
    preferred = site_platform if site_platform in release.platforms else release.default_platform
    framework = shared.frameworks[release.framework]
    for name, node in release.platforms.items():
        entries = fields(node, problems, required=("stack",), optional=("pins", *DEVICES))
        stack = stack_of(entries.get("stack"), name, shared, problems)
        if stack is None:
            continue
        for device in release.devices:
            pins = pins_of(release, entries, stack, device, shared, problems)
            yield ImageSpec(
                framework=release.framework,
                title=framework.title,
                version=release.version,
                device=device,
                platform=shared.platforms[name],
                is_default_platform=name == preferred,
                is_default_version=matches(framework.default_version, release.version),
                pins=pins,
                layers=framework.layers,
                core=framework.core,
                compiled=framework.compiled,
                packages=stack.packages[device],
                repositories=tuple(shared.repositories[key] for key in stack.repositories[device]),
                environment=stack.environment[device],
                sources=sources_of(pins, shared),
            )


def stack_of(node: Node | None, platform: str, shared: Shared, problems: Problems) -> Stack | None:
    """The stack that a platform of the release names; a stack for another platform joins `problems`."""
    name = one_of(node, problems, shared.stacks, "a stack")
    stack = shared.stacks.get(name)
    if node and stack and stack.platform != platform:
        report(problems, node, f"the stack {name} is for {stack.platform}, not for {platform}")
    return stack


def pins_of(
    release: Release, entries: Mapping[str, Node], stack: Stack, device: Device, shared: Shared, problems: Problems
) -> tuple[Pin, ...]:
    """The pins of one cell by name. The release overrides the stack, and the platform of the release overrides both."""
    levels = [stack.pins[device], *(own_pins(level, device, problems) for level in (release.entries, entries))]
    nodes = {name: node for level in levels for name, node in level.items()}
    probes = {**shared.probes, **stack.probes[device]}
    found = (sections.pin(name, node, probes, problems) for name, node in sorted(nodes.items()))
    return tuple(pin for pin in found if pin)


def own_pins(entries: Mapping[str, Node], device: Device, problems: Problems) -> dict[str, Node]:
    """The pins of a release or of its platform. The device's own override the common ones."""
    pins = dict(mapping(entries["pins"], problems)) if "pins" in entries else {}
    if device in entries:
        inner = fields(entries[device], problems, required=("pins",))
        pins |= mapping(inner["pins"], problems) if "pins" in inner else {}
    return pins


def sources_of(pins: Iterable[Pin], shared: Shared) -> tuple[Source, ...]:
    """The downloads that the pins name. For example, `openmpi: 3.1.2` needs the source `openmpi-3.1.2`."""
    wanted = {f"{pin.name}-{pin.value}" for pin in pins}
    return tuple(source for name, source in sorted(shared.sources.items()) if name in wanted)

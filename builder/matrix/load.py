"""Reads matrix.yaml as cells. One run reports every mistake of the file, with its line and column."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.errors import InputError
from builder.matrix import releases, sections, yaml_positions
from builder.matrix.cpu_wheels import with_cpu_wheels
from builder.matrix.names import cell
from builder.matrix.reference import TAG
from builder.matrix.releases import Release
from builder.matrix.sections import Shared
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import with_rolling_tags
from builder.matrix.yaml_positions import Node, Problems, fields, items, mapping, one_of, report, text

SCHEMA = re.compile(r"1")
SECTIONS = ("schema", "default-framework", "frameworks", "probes", "platforms", "stacks", "releases")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All cells in the order of the file, and the default framework and versions."""

    default_framework: str
    default_versions: Mapping[str, str]
    cells: tuple[ImageSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferred:
    """What a site prefers of a matrix: a default platform, and wheels without CUDA in the cells for CPU."""

    platform: str | None = None
    cpu_wheels: bool = False


NOTHING = Preferred()


def load(file: Path, preferred: Preferred = NOTHING) -> Matrix:
    """The matrix in `file` as a site prefers it. Raises InputError with every problem found."""
    problems: Problems = []
    document = yaml_positions.load(file, problems, named_by="--matrix")
    matrix = read(document, problems, preferred.platform)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)), hint=f"correct {file}, then: python -m builder validate")
    return replace(matrix, cells=tuple(map(with_cpu_wheels, matrix.cells))) if preferred.cpu_wheels else matrix


def read(document: Node, problems: Problems, site_platform: str | None) -> Matrix:
    """The matrix of a parsed document; mistakes join `problems`."""
    top = fields(document, problems, required=SECTIONS, optional=("sources", "repositories"))
    text(top.get("schema"), problems, SCHEMA, "a schema this program knows: it is 1")
    shared = sections.read(top, problems)
    found = [releases.read(node, shared, problems) for node in items(top.get("releases"), problems)]
    rows = [
        (release.node, spec)
        for release in found
        for spec in releases.cells(release, shared, problems, site_platform=site_platform)
    ]
    cells = with_rolling_tags([spec for _, spec in rows])
    collisions([node for node, _ in rows], cells, problems)
    if not problems:
        unread(top, used(cells, found), problems)
        defaults(top, shared, cells, problems)
    return Matrix(
        default_framework=one_of(top.get("default-framework"), problems, shared.frameworks, "a framework"),
        default_versions={name: framework.default_version for name, framework in shared.frameworks.items()},
        cells=cells,
    )


def collisions(nodes: Sequence[Node], cells: Sequence[ImageSpec], problems: Problems) -> None:
    """Report each name and each tag that two cells have, with the places of both rows; and tags that none can have."""
    first = dict[str, Node]()
    for node, spec in zip(nodes, cells, strict=True):
        if (other := first.setdefault(cell(spec), node)) is not node:
            report(problems, other, f"two cells have the name {cell(spec)}: the other row is at {node.place}")
            continue
        for tag in spec.rolling_tags:
            name = f"{spec.framework}:{tag}"
            if (other := first.setdefault(name, node)) is not node:
                report(problems, other, f"two rows have the tag {name}: the other row is at {node.place}")
            if not TAG.fullmatch(tag):
                report(problems, node, f"the tag {name} is none that a registry takes")


def used(cells: Sequence[ImageSpec], found: Iterable[Release]) -> dict[str, set[str]]:
    """What the cells refer to, by the section that defines it."""
    platforms = [node for release in found for node in release.platforms.values()]
    return {
        "probes": {pin.name for spec in cells for pin in spec.pins},
        "platforms": {spec.platform.name for spec in cells},
        "sources": {source.name for spec in cells for source in spec.sources},
        "repositories": {repository.name for spec in cells for repository in spec.repositories},
        "stacks": {node.entries["stack"].scalar for node in platforms},
        "frameworks": {spec.framework for spec in cells},
    }


def unread(top: Mapping[str, Node], names: Mapping[str, set[str]], problems: Problems) -> None:
    """Report what the file defines and no cell uses: it would stay when the cells change, and mislead."""
    for section in names.keys() & top.keys():
        for key, node in mapping(top[section], problems).items():
            if key not in names[section]:
                report(problems, node, "no pin needs this check" if section == "probes" else "nothing uses it")


def defaults(top: Mapping[str, Node], shared: Shared, cells: Iterable[ImageSpec], problems: Problems) -> None:
    rows = {spec.framework for spec in cells if spec.is_default_version}
    for name in shared.frameworks.keys() - rows:
        version = shared.frameworks[name].default_version
        report(problems, top["frameworks"].entries[name], f"the default version {version} is no row")

"""`verify-published`: checks each tag in registries again: signature, statements, label, place and age."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from builder.commands.common.inputs import matrix_and_cells
from builder.commands.common.output import document, workflow_command
from builder.commands.common.trust import checks_now, trust
from builder.commands.flags.attest import PublishedOptions
from builder.matrix.load import Matrix
from builder.matrix.reference import Registry, parse_registry
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import by_repository, orphans, repository_of
from builder.publish.live import AT_ONCE, Viewer, live
from builder.publish.signing.cosign import Trust
from builder.publish.tag_map import Line, judge, orphaned
from builder.registry import manifests
from builder.registry.connection import linked


def run(options: PublishedOptions) -> int:
    """Check every tag of the selected cells on every platform. Returns 1 when one is not in order, else 0."""
    now, believed = datetime.now(UTC), trust(options)
    matrix, cells = matrix_and_cells(options)
    places = dict.fromkeys(map(parse_registry, options.registries))
    found = [(str(place), line) for place in places for line in lines(options, place, matrix, cells, believed, now)]
    if options.format == "github":
        print("".join(f"{annotated(place, line)}\n" for place, line in found if line.problems), end="")
    else:
        print(document([entry(options, place, line) for place, line in found], "tags", options.format))
    wrong = sum(bool(line.problems) for _, line in found)
    images = len({(place, line.cell) for place, line in found if line.cell})
    print(f"{len(found)} tags of {images} images; {wrong} not in order", file=sys.stderr)
    if not found:
        print("error: nothing of the selected images is there", file=sys.stderr)
    return 1 if wrong or not found else 0


def lines(
    options: PublishedOptions,
    place: Registry,
    matrix: Matrix,
    cells: Sequence[ImageSpec],
    believed: Trust,
    now: datetime,
) -> Iterator[Line]:
    """A line for each tag of the cells in one registry, and for each tag that no row has any more."""
    listed = dict[str, tuple[str, ...]]()
    with linked(believed.site, place.host) as connection, ThreadPoolExecutor(AT_ONCE) as pool:
        viewer = Viewer(connection=connection, trust=believed, pool=pool)
        for spec in cells:
            name = place.reference(repository_of(spec.framework, options.repository))
            if name.repository not in listed:
                listed[name.repository] = manifests.tags(connection, name.repository)
            found = live(viewer, name, spec, listed[name.repository])
            checks = checks_now(options, spec.framework)
            yield from judge(spec, found, now=now, max_age=options.max_age, checks=checks)
        for repository, every in by_repository(matrix.cells, options.repository).items():
            # Part of a repository's rows says nothing of tags that none of all rows has.
            if set(every) <= set(cells):
                path = place.reference(repository).repository
                left = orphans(listed[path], every)
                yield from orphaned({tag: manifests.digest(connection, path, tag) for tag in left})


def annotated(place: str, line: Line) -> str:
    """The problems of a tag as a workflow of GitHub shows them."""
    return workflow_command("error", "; ".join(line.problems), title=f"{place}: {line.cell or 'no row'}: {line.tag}")


def entry(options: PublishedOptions, place: str, line: Line) -> dict[str, Any]:
    """One line of the table, or one entry of the document."""
    if options.format == "table":
        return {
            "image": line.cell,
            "tag": line.tag,
            "digest": line.digest[:19],
            "verified": "" if line.days is None else f"{line.days:.1f} days ago",
            "verdict": "; ".join(line.problems) or "in order",
        }
    return {
        "name": line.cell or None,
        "registry": place,
        "tag": line.tag,
        "digest": line.digest or None,
        "days": None if line.days is None else round(line.days, 3),
        "problems": list(line.problems),
    }

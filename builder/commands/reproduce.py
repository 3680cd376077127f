"""`reproduce`: builds a cell twice from scratch, as images that nobody keeps, and names every file that differs.

The second time another process has rendered the context, in another directory, locale, time zone and so local day,
with another umask and times of its files: `builder.commands.common.other_surroundings`. The builder, its base,
SOURCE_DATE_EPOCH and the clock that a step sees are the same.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from builder.build import buildx_builders, buildx_command, layer_diff
from builder.build import buildx_run as building
from builder.build import render as rendering
from builder.build.job import Job
from builder.build.progress import Display, Watch
from builder.commands.build import ensured
from builder.commands.common.inputs import matrix_and_cells
from builder.commands.common.other_surroundings import elsewhere, rendered
from builder.commands.common.output import document
from builder.commands.common.prepare import current, prepare
from builder.commands.options import Options
from builder.errors import InputError
from builder.host import engine
from builder.host.command import Command
from builder.host.process import Running
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.host.temporary import scratch
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec
from builder.matrix.yaml_positions import near

SHOWN = 40
Row = dict[str, Any]


def run(options: Options) -> int:
    """Print a row for each cell, and each difference; returns 0 when every cell gave the same bytes twice."""
    _, known = matrix_and_cells(options, listing=True)
    cells = [meant(name, known) for name in dict.fromkeys(options.cells)]
    site = load_site(options.site)
    buildx_builders.assert_buildx()
    options.log_dir.mkdir(parents=True, exist_ok=True)
    with engine.connected(), Display(live=not options.verbose) as display:
        jobs = prepare(options, current(options, cells), site, ensured(options, site, display.say))
        rows = [compared(options, job, site, display) for job in jobs]
    shown = rows if options.format != "table" else [{**row, "differences": len(row["differences"])} for row in rows]
    print(document(shown, "images", options.format))
    if options.format == "table":
        for row in rows:
            print(
                "\n".join(f"{row['name']}: {line}" for line in cut(row["differences"])),
                end="\n" * bool(row["differences"]),
            )
    return int(any(row["differences"] for row in rows))


def meant(name: str, known: Sequence[ImageSpec]) -> ImageSpec:
    """The cell of that name; raises InputError."""
    found = {cell(spec): spec for spec in known}
    if name not in found:
        raise InputError(f"{name}: no such cell{near(name, found)}", hint="python -m builder list")
    return found[name]


def compared(options: Options, job: Job, site: Site, display: Display) -> Row:
    """The row of a cell that was built twice, one after the other: BuildKit does equal steps at one time only once."""
    with scratch() as directory, job.inputs(site) as inputs:
        layouts = directory / "first", directory / "second"
        first = built(options, job, job.context, inputs, layouts[0], display)
        with elsewhere():
            context = rendered(options, job.spec, directory / "another place")
            second = built(options, job, context, inputs, layouts[1], display)
        found = [*contexts(job.context, context), *(named(*layouts) if first != second else ())]
        lost = list(layer_diff.losses(layer_diff.read(layouts[0])))
    hidden = sum(one.bytes for one in lost) / 1e6
    display.say(f"{cell(job.spec)}: {len(lost)} files, {hidden:.1f} MB, are hidden by higher layers")
    return {
        "name": cell(job.spec),
        "outcome": "different" if found else "equal",
        "digest": first if options.format != "table" else first[:19],
        "hidden": [f"/{one.path}" for one in lost] if options.format != "table" else len(lost),
        "differences": found,
    }


def contexts(first: Path, second: Path) -> Iterator[str]:
    """Each file of a context that is another one in the other."""
    one, other = rendering.existing(first), rendering.existing(second)
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield f"context: {name} is rendered differently"


def built(
    options: Options, job: Job, context: Path, inputs: buildx_command.BuildInputs, layout: Path, display: Display
) -> str:
    """The digest of a build that used nothing of an earlier one; its image goes to `layout` and nowhere else."""
    name = f"{cell(job.spec)} ({layout.name})"
    flags = (f"--output=type=oci,tar=false,dest={layout},oci-mediatypes=true,compression=zstd", "--no-cache")
    replay = str(Command(argv=("python", "-m", "builder", "reproduce", cell(job.spec))))
    log = options.log_dir / f"reproduce-{cell(job.spec).replace('/', '-')}-{layout.name}.log"
    echo = sys.stderr if options.verbose else None
    with log.open("w", encoding="utf-8") as stream:
        watch = Watch(name=name, log=stream, echo=echo, replay=replay)
        display.add(watch)
        try:
            digest = building.build(context, inputs, watch, Running(), options=flags, on_step=display.step)
        finally:
            display.remove(watch)
    display.say(f"{name}: {digest[:19]} in {watch.elapsed:.0f} s")
    return digest


def named(first: Path, second: Path) -> Iterator[str]:
    """Each difference between two layouts; only the blobs that differ are read."""
    nothing: frozenset[str] = frozenset()
    before, after = ({layer.digest for layer in layer_diff.read(layout, only=nothing)} for layout in (first, second))
    only = frozenset(before ^ after)
    found = list(layer_diff.differences(layer_diff.read(first, only=only), layer_diff.read(second, only=only)))
    one, other = layer_diff.config(first), layer_diff.config(second)
    own = [key for key in sorted(one.keys() | other.keys()) if key != "rootfs" and one.get(key) != other.get(key)]
    yield from found
    yield from (f"configuration: {key} differs" for key in own)
    if not found and not own:
        yield "the manifest alone differs"


def cut(lines: Sequence[str]) -> list[str]:
    """The first lines, for people, and how many are left."""
    more = [f"{len(lines) - SHOWN} more: --format json names all"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]

"""`render`: writes images/ from the matrix, the lock and the templates; `--check` compares.

`--bake` prints the images that `build` would select as a file for `docker buildx bake`.
"""

import json
import sys
from dataclasses import replace

from builder.build import bake, buildx_command, site_inputs
from builder.build import render as rendering
from builder.build.job import Job
from builder.commands.common.inputs import matrix_and_cells, pinned, root
from builder.commands.common.output import say
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.flags.render import RenderOptions
from builder.commands.options import Options
from builder.errors import StaleError
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.matrix.names import CPU_WHEELS, cell, context
from builder.matrix.spec import ImageSpec


def run(options: RenderOptions) -> int:
    """Write or compare the contexts of the selected cells. The directory of a cell that is gone is a difference."""
    if options.bake:
        return print_bake_file(replace(options, every_platform=False))
    matrix, cells = matrix_and_cells(options)
    jinja = rendering.environment(root(options) / "templates")
    changed = 0
    for image in pinned(options, cells):
        files = rendering.render(image, jinja)
        directory = root(options) / context(image.spec)
        difference = list(rendering.difference(files, directory, image.spec))
        changed += bool(difference)
        if difference and (options.check or options.dry_run):
            sys.stdout.writelines(difference)
        elif difference:
            rendering.write(files, directory)
    gone = orphans(options, matrix.cells)
    if options.check and (changed or gone):
        raise StaleError(
            f"{changed} images differ, {len(gone)} have no cell: {' '.join(gone)}".rstrip(": "),
            hint="python -m builder render",
        )
    print(f"{len(cells)} images, {changed} {'would change' if options.dry_run else 'changed'}", file=sys.stderr)
    if gone:
        print(f"no cell of the matrix has: {' '.join(gone)}: git rm -r them", file=sys.stderr)
    return 0


def orphans(options: Options, cells: tuple[ImageSpec, ...]) -> list[str]:
    """The contexts below images/ that belong to no cell of the matrix, with a site's CPU wheels or without."""
    images = root(options) / "images"
    found = (path.parent.relative_to(images).as_posix() for path in images.glob("*/*/Dockerfile"))
    names = {cell(spec) for spec in cells}
    return [f"images/{name}" for name in sorted(found) if name.removesuffix(CPU_WHEELS) not in names]


def print_bake_file(options: RenderOptions) -> int:
    """Print the file for bake, without an engine or a network. Raises StaleError when images/ is stale."""
    _, cells = matrix_and_cells(options)
    site = load_site(options.site)
    jobs = prepare(options, current(options, cells), site, known_base(site, say))
    document = bake.document([target(job, site) for job in jobs], output=buildx_command.exporter())
    print(json.dumps(document, indent=2))
    for line in notes(site):
        say(line)
    return 0


def target(job: Job, site: Site) -> bake.BakeTarget:
    """The job as a target of bake. It has no base where that is not made yet."""
    spec = job.spec
    # One directory takes the place of the stage; `build` joins several, for as long as it runs.
    wheels = site.find_links[0] if len(site.find_links) == 1 else None
    supplied = site_inputs.Supplies(secrets={}, wheels=wheels)
    groups = (spec.framework, f"{spec.framework}-{spec.version}")
    return bake.BakeTarget(
        cell=cell(spec), groups=groups, context=str(job.context), inputs=job.with_supplies(site, supplied)
    )


def notes(site: Site) -> list[str]:
    """Lines for the person who bakes: the flags that a file cannot hold."""
    with site_inputs.secrets(site) as files:
        secrets = " ".join(f"--set '*.secrets=id={name},src=FILE'" for name in sorted(files))
    found = [f"this site's builds mount secrets, which bake gets by: {secrets}"] if secrets else []
    if len(site.find_links) > 1:
        found.append("this site has several find-links directories: --set '*.contexts.find-links=DIRECTORY'")
    return found

"""`render --bake`: the selected images as a file for `docker buildx bake`, with the labels that `build` gives them."""

import json
import sys
from collections.abc import Sequence

from builder.build import bake, buildx_command, site_inputs
from builder.build.job import Job
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.options import Options
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec


def run(options: Options, cells: Sequence[ImageSpec]) -> int:
    """Print the file; it needs no engine and no network. Raises StaleError when images/ is stale."""
    site = load_site(options.site)
    jobs = prepare(options, current(options, cells), site, known_base(site, say))
    document = bake.document([target(job, site) for job in jobs], output=buildx_command.OUTPUT)
    print(json.dumps(document, indent=2))
    for line in notes(site):
        say(line)
    return 0


def target(job: Job, site: Site) -> bake.BakeTarget:
    """The job as bake sees it; what its base is, is only written down where it is known."""
    spec = job.spec
    # One directory takes the place of the stage; `build` joins several, for as long as it runs.
    wheels = site.find_links[0] if len(site.find_links) == 1 else None
    supplied = site_inputs.Supplies(secrets={}, wheels=wheels)
    groups = (spec.framework, f"{spec.framework}-{spec.version}")
    return bake.BakeTarget(
        cell=cell(spec), groups=groups, context=str(job.context), inputs=job.with_supplies(site, supplied)
    )


def notes(site: Site) -> list[str]:
    """What the file leaves to the person who bakes."""
    with site_inputs.secrets(site) as files:
        secrets = " ".join(f"--set '*.secrets=id={name},src=FILE'" for name in sorted(files))
    found = [f"this site's builds mount secrets, which bake gets by: {secrets}"] if secrets else []
    if len(site.find_links) > 1:
        found.append("this site has several find-links directories: --set '*.contexts.find-links=DIRECTORY'")
    return found


def say(line: str) -> None:
    print(line, file=sys.stderr)

"""`build`: builds, verifies and tags the selected images. `builder.build.queue` runs the jobs."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.build import buildx_builders, buildx_command, existing
from builder.build.bases import is_known
from builder.build.job import Job, Outcome, unchanged, unchanged_line
from builder.build.plan import Decision, Wanted, plan
from builder.build.platform_change import refuse
from builder.build.progress import Display
from builder.build.queue import Queue
from builder.build.render import Rendered
from builder.build.settings import Settings
from builder.commands.common import existing_images
from builder.commands.common.ensured_base import ensured_base
from builder.commands.common.existing_images import registries_of
from builder.commands.common.inputs import build_site, matrix_and_cells
from builder.commands.common.output import counted, document
from builder.commands.common.plan_table import print_plan
from builder.commands.common.prepare import current, prepare
from builder.commands.flags.build import BuildOptions
from builder.commands.options import taken
from builder.dependencies import wheelhouse
from builder.errors import InputError, told
from builder.host import capacity, engine, leftovers
from builder.host.cache import cache_directory
from builder.host.site import Site
from builder.matrix.names import cell, release_of
from builder.matrix.spec import ImageSpec

if TYPE_CHECKING:
    import docker

    from builder.publish.publication import Published

COUNTED = ("built", "verified", "tagged", "unchanged", "failed", "not built")


def run(options: BuildOptions) -> int:
    """Build, verify and tag what the plan says; returns 0 only when every selected image passed."""
    if options.dry_run:
        return print_plan(replace(options, must_select=False))
    _, cells = matrix_and_cells(options)
    rendered, site = current(options, cells), build_site(options)
    with engine.connected() as client, Display(live=not options.verbose) as display:
        engine.assert_builds(client)
        leftovers.sweep(client, display.say)
        if not all_known(cells, site):
            buildx_builders.assert_buildx()  # before a base is made for nothing
        base_of = ensured_base(site, display.say, refresh_toolchain=options.refresh_toolchain)
        jobs = prepare(options, rendered, site, base_of)
        outcomes = carried_out(options, jobs, site, client, display)
        published = pushed(options, rendered, jobs, outcomes, client, site, display)
    code = summary(options, outcomes, published)
    if not published:
        return code
    from builder.commands.common import publishing

    return max(code, publishing.summary(options, published, shown=options.format == "table"))


def pushed(
    options: BuildOptions,
    rendered: Sequence[Rendered],
    jobs: Sequence[Job],
    outcomes: Sequence[Outcome],
    client: "docker.DockerClient",
    site: Site,
    display: Display,
) -> "list[Published]":
    """Push the images that passed, and return how each ended. After a failure only `--keep-going` pushes."""
    if not options.push:
        return []
    from builder.commands.common import publishing
    from builder.publish.push import publish

    passed = {one.name: one.digest for one in outcomes if one.outcome not in ("failed", "not built")}
    if len(passed) < len(jobs) and not options.keep_going:
        return []
    registries = registries_of(options)
    images = [publishing.verified_image(job, passed[name]) for job in jobs if (name := cell(job.spec)) in passed]
    incomplete = {release_of(job.spec) for job in jobs if cell(job.spec) not in passed}
    return publish(publishing.publisher_of(options, client, site, display, rendered), registries, images, incomplete)


def all_known(cells: Sequence[ImageSpec], site: Site) -> bool:
    """Whether the base of every cell is there already."""
    platforms = {spec.platform.name: spec.platform for spec in cells}.values()
    return all(is_known(platform, site, cache_directory()) for platform in platforms)


def carried_out(
    options: BuildOptions, jobs: Sequence[Job], site: Site, client: "docker.DockerClient", display: Display
) -> list[Outcome]:
    """The outcomes, in the order of the jobs. The engine is not asked again about unchanged images."""
    decisions = decided(options, [job.wanted for job in jobs], site, client, display)
    left, outcomes, settings = [], [], taken(Settings, options)
    for job, decision in zip(jobs, decisions, strict=True):
        if decision.platform_changes and not options.allow_platform_change:
            outcomes.append(refused(decision, display))
        elif decision.action == "skip":
            display.say(unchanged_line(job, settings, decision))
            outcomes.append(unchanged(job, decision))
        else:
            display.say(where(job))
            left.append((job, decision))
    made = tuple(job.pinned for job, decision in left if decision.action == "build")
    if made and site.wheelhouse:
        wheelhouse.refuse(made, site.wheelhouse)
    if left:
        options.log_dir.mkdir(parents=True, exist_ok=True)
        number, builder = at_once(options, len(left), client, display), builder_of(options, decisions)
        outcomes += Queue(
            settings=settings, site=site, client=client, display=display, planned=left, at_once=number, builder=builder
        ).run()
    order = {cell(job.spec): number for number, job in enumerate(jobs)}
    return sorted(outcomes, key=lambda outcome: order[outcome.name])


def decided(
    options: BuildOptions, wanted: Sequence[Wanted], site: Site, client: "docker.DockerClient", display: Display
) -> list[Decision]:
    """What to do for each cell.

    Raises InputError when rolling tags would leave the image of another platform. With `--keep-going` those cells fail.
    """
    published = existing_images.published(options, wanted, site, display.say)
    decisions = plan(wanted, existing.existing(client), published)
    decisions = existing_images.with_published_tags(options, wanted, decisions, site, display.say)
    if not (options.keep_going or options.allow_platform_change):
        refuse([change for one in decisions for change in one.platform_changes])
    return decisions


def refused(decision: Decision, display: Display) -> Outcome:
    """The outcome of an image whose tags may not be set: its cell alone fails."""
    try:
        refuse(decision.platform_changes, decision.name)
    except InputError as error:
        display.say(told(error))
    return Outcome(name=decision.name, outcome="failed")


def builder_of(options: BuildOptions, decisions: Sequence[Decision]) -> buildx_command.Builder:
    """The builder of buildx, which is looked up only when an image has to be built or `--builder` names one."""
    needed = options.builder or any(decision.action == "build" for decision in decisions)
    return buildx_builders.find(options.builder) if needed else buildx_command.OWN


def at_once(options: BuildOptions, cells: int, client: "docker.DockerClient", display: Display) -> int:
    """How many images are built at once: the number of `--jobs`, else what the engine's host has room for."""
    if options.jobs:
        return options.jobs
    found = capacity.of_engine(client.info())
    if line := capacity.note(found, cells):
        display.say(line)
    return capacity.builds_at_once(found, cells)


def where(job: Job) -> str:
    """A line that names the image's platform and bases, and the stages that the site replaces."""
    platform = job.spec.platform.name + ("" if job.spec.is_default_platform else " (asked for)")
    site = "".join(f", {stage} from the site" for stage in job.stages.contexts)
    toolchain = f", toolchain base {job.base.toolchain.digest[:19]}" if job.base.toolchain else ""
    return f"{cell(job.spec)}: platform {platform}, base {job.base.kind} {job.base.digest[:19]}{toolchain}{site}"


def summary(options: BuildOptions, outcomes: Sequence[Outcome], published: "Sequence[Published]") -> int:
    """Print the outcomes; returns 1 when one failed or was not built."""
    rows: list[dict[str, Any]] = [
        {
            "name": found.name,
            "outcome": found.outcome,
            "digest": found.digest if options.format != "table" else found.digest[:19],
            "size": found.bytes if options.format != "table" else f"{found.bytes / 1e9:.2f} GB",
            "seconds": round(found.seconds),
            "tags": list(found.tags) if options.format != "table" else " ".join(found.tags),
        }
        for found in outcomes
    ]
    if published and options.format != "table":
        from builder.commands.common import publishing

        for row in rows:
            row["published"] = publishing.rows(options, [one for one in published if one.name == row["name"]])
    print(document(rows, "images", options.format))
    words = [found.outcome for found in outcomes]
    idle = "nothing to do: " if set(words) <= {"unchanged"} else ""
    print(f"{idle}{counted(words, COUNTED)}; logs in {options.log_dir}/", file=sys.stderr)
    return int(any(found.outcome in ("failed", "not built") for found in outcomes))

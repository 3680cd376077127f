"""`build`: images from the matrix to verified tags; the jobs themselves run in `builder.build.queue`."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from builder.build import buildx_builders, buildx_command, existing
from builder.build.bases import Base, ensure_base, is_known
from builder.build.job import Job, Outcome, unchanged, unchanged_line
from builder.build.plan import Decision, plan
from builder.build.progress import Display
from builder.build.queue import outcomes_of
from builder.build.render import Rendered
from builder.build.toolchain import Say, ensure_toolchain
from builder.commands.common.inputs import matrix_and_cells, settings_of, site_of
from builder.commands.common.output import document
from builder.commands.common.prepare import BaseOf, current, prepare
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options
from builder.commands.plan import what_is_published
from builder.dependencies import wheelhouse
from builder.errors import InputError
from builder.host import capacity, engine
from builder.host.cache import cache_directory
from builder.host.files import unreadable
from builder.host.site import Site
from builder.matrix.names import cell, release_of
from builder.matrix.spec import ImageSpec, Platform
from builder.matrix.tags import repository_of, tags_of

if TYPE_CHECKING:
    import docker

    from builder.publish.push import Published

COUNTED = ("built", "verified", "tagged", "unchanged", "failed", "not built")


def run(options: Options) -> int:
    """Build, verify and tag what the plan says; returns 0 only when every selected image passed."""
    matrix, cells = matrix_and_cells(options, listing=False)
    if not (options.versions or options.all or options.only):
        print(f"no --version: the default, {matrix.default_versions[cells[0].framework]}", file=sys.stderr)
    if (wanted := cast("PublishOptions", options)).push and not wanted.registries:
        raise InputError("--push: where to?", hint="python -m builder build --push --registry HOST[/PREFIX]")
    rendered = current(options, cells)
    if options.dry_run:
        return dry_run(options, rendered)
    site = with_wheelhouse(site_of(options), options)
    with engine.connected() as client, Display(live=not options.verbose) as display:
        if not all_known(cells, site):
            buildx_builders.assert_buildx()  # before a base is made for nothing
        jobs = prepare(options, rendered, site, ensured(options, site, display.say))
        outcomes = carried_out(options, jobs, site, client, display)
        published = pushed(options, jobs, outcomes, client, site, display)
    code = summary(options, outcomes, published)
    if not published:
        return code
    from builder.commands.common import publishing

    return max(code, publishing.summary(options, published, shown=options.format == "table"))


def pushed(
    options: Options,
    jobs: Sequence[Job],
    outcomes: Sequence[Outcome],
    client: "docker.DockerClient",
    site: Site,
    display: Display,
) -> "list[Published]":
    """How the images that passed ended at the registries of `--push`; after a failure none, but with `--keep-going`."""
    wanted = cast("PublishOptions", options)
    if not wanted.push:
        return []
    from builder.commands.common import publishing
    from builder.publish.push import publish

    passed = {one.name: one.digest for one in outcomes if one.outcome not in ("failed", "not built")}
    if len(passed) < len(jobs) and not options.keep_going:
        return []
    registries = publishing.registries_of(wanted)
    images = [publishing.verified_image(job, passed[name]) for job in jobs if (name := cell(job.spec)) in passed]
    incomplete = {release_of(job.spec) for job in jobs if cell(job.spec) not in passed}
    return publish(publishing.publisher_of(wanted, client, site, display), registries, images, incomplete)


def ensured(options: Options, site: Site, say: Say) -> BaseOf:
    """Finds the base of a platform, with its toolchain base, and makes what has to be made."""

    def find(platform: Platform) -> Base:
        base = ensure_base(platform, site, cache_directory())
        return ensure_toolchain(platform, base, cache_directory(), say, refresh=options.refresh_toolchain)

    return find


def with_wheelhouse(site: Site, options: Options) -> Site:
    """The site with the directory that --wheelhouse names; raises InputError when there is none."""
    if options.wheelhouse is None:
        return site
    if why := unreadable(options.wheelhouse, "directory"):
        hint = f"{wheelhouse.FETCH} {options.wheelhouse}"
        raise InputError(f"--wheelhouse {options.wheelhouse}: {why}", hint=hint)
    return replace(site, wheelhouse=options.wheelhouse.absolute())


def all_known(cells: Sequence[ImageSpec], site: Site) -> bool:
    """Whether there is a base for each."""
    platforms = {spec.platform.name: spec.platform for spec in cells}.values()
    return all(is_known(platform, site, cache_directory()) for platform in platforms)


def carried_out(
    options: Options, jobs: Sequence[Job], site: Site, client: "docker.DockerClient", display: Display
) -> list[Outcome]:
    """The outcomes, in the order of the jobs; what is unchanged costs no further question to the engine."""
    wanted = [job.wanted for job in jobs]
    decisions = plan(wanted, existing.existing(client), what_is_published(options, wanted, site, display.say))
    left, outcomes, settings = [], [], settings_of(options)
    for job, decision in zip(jobs, decisions, strict=True):
        if decision.action == "skip":
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
        outcomes += outcomes_of(settings, left, site, client, display, at_once=number, builder=builder)
    order = {cell(job.spec): number for number, job in enumerate(jobs)}
    return sorted(outcomes, key=lambda outcome: order[outcome.name])


def builder_of(options: Options, decisions: Sequence[Decision]) -> buildx_command.Builder:
    """Who builds; asked for only when something has to be built, or a builder is named."""
    needed = options.builder or any(decision.action == "build" for decision in decisions)
    return buildx_builders.find(options.builder) if needed else buildx_command.OWN


def at_once(options: Options, cells: int, client: "docker.DockerClient", display: Display) -> int:
    """How many images are built at once: what `--jobs` says, else what the engine's host has room for."""
    if options.jobs:
        return options.jobs
    found = capacity.of_engine(client.info())
    if line := capacity.note(found, cells):
        display.say(line)
    return capacity.builds_at_once(found, cells)


def where(job: Job) -> str:
    """What the image stands on, and what of it comes from the site."""
    platform = job.spec.platform.name + ("" if job.spec.is_default_platform else " (asked for)")
    site = "".join(f", {stage} from the site" for stage in job.stages.contexts)
    toolchain = f", toolchain base {job.base.toolchain.digest[:19]}" if job.base.toolchain else ""
    return f"{cell(job.spec)}: platform {platform}, base {job.base.kind} {job.base.digest[:19]}{toolchain}{site}"


def dry_run(options: Options, rendered: Sequence[Rendered]) -> int:
    """Print what would be built, and with --print the Dockerfiles; needs no engine and no network."""
    rows = [
        {
            "name": cell(spec),
            "platform": spec.platform.name + (" (default)" if spec.is_default_platform else ""),
            "tags": " ".join(tags_of(spec, repository_of(spec.framework, options.repository), "").references),
        }
        for spec in (one.pinned.spec for one in rendered)
    ]
    print(document(rows, "images", options.format))
    if options.print:
        for one in rendered:
            print(one.files["Dockerfile"])
    return 0


def summary(options: Options, outcomes: Sequence[Outcome], published: "Sequence[Published]") -> int:
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
    counts = {word: sum(found.outcome == word for found in outcomes) for word in COUNTED}
    idle = "nothing to do: " if counts["unchanged"] == len(outcomes) else ""
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    print(f"{idle}{said}; logs in {options.log_dir}/", file=sys.stderr)
    return int(any(found.outcome in ("failed", "not built") for found in outcomes))

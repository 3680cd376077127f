"""`build`: images from the matrix to verified tags; the jobs themselves run in `builder.jobs`."""

import sys
from collections.abc import Sequence
from typing import Any

from builder import build as building
from builder import engine, supply, tagging
from builder import render as rendering
from builder.bootstrap import Base, cache_directory, ensure_base
from builder.commands.inputs import matrix_and_cells, pinned, root
from builder.errors import StaleError
from builder.fingerprint import fingerprint
from builder.host import load_site
from builder.jobs import Job, Outcome, outcomes_of
from builder.listing import document
from builder.names import cell, context, rolling_tags
from builder.options import Options
from builder.progress import Display
from builder.site import Site
from builder.spec import ImageSpec
from builder.verify import checks_version, extra_checks_of


def run(options: Options) -> int:
    """Build, verify and tag; returns 0 only when every selected image passed."""
    matrix, cells = matrix_and_cells(options, listing=False)
    if not (options.versions or options.all or options.only):
        print(f"no --version: the default, {matrix.default_versions[cells[0].framework]}", file=sys.stderr)
    rendered = current(options, cells)
    if options.dry_run:
        return dry_run(options, cells, rendered)
    site = load_site(options.site)
    building.assert_buildx()
    options.log_dir.mkdir(parents=True, exist_ok=True)
    with engine.connected() as client, Display(live=not options.verbose) as display:
        jobs = prepare(options, cells, rendered, site, display)
        outcomes = outcomes_of(options, jobs, site, client, display)
    return summary(options, outcomes)


def current(options: Options, cells: Sequence[ImageSpec]) -> list[rendering.Files]:
    """The rendered files of each cell; raises StaleError when images/ holds others."""
    jinja = rendering.environment(root(options) / "templates")
    files = [rendering.render(image, jinja) for image in pinned(options, tuple(cells))]
    stale = [
        cell(spec)
        for spec, wanted in zip(cells, files, strict=True)
        if rendering.existing(root(options) / context(spec)) != wanted
    ]
    if stale:
        raise StaleError(
            f"images/ is not what the matrix gives for {', '.join(stale)}", hint="python -m builder render"
        )
    return files


def dry_run(options: Options, cells: Sequence[ImageSpec], rendered: Sequence[rendering.Files]) -> int:
    """Print what would be built, and with --print the Dockerfiles; needs no engine and no network."""
    rows = [
        {
            "name": cell(spec),
            "platform": spec.platform.name + (" (default)" if spec.is_default_platform else ""),
            "tags": " ".join(f"{tagging.repository(spec, options.repository)}:{tag}" for tag in rolling_tags(spec)),
        }
        for spec in cells
    ]
    print(document(rows, "images", options.format))
    if options.print:
        for files in rendered:
            print(files["Dockerfile"])
    return 0


def prepare(
    options: Options, cells: Sequence[ImageSpec], rendered: Sequence[rendering.Files], site: Site, display: Display
) -> list[Job]:
    """The jobs, with their bases made and their fingerprints known."""
    bases: dict[str, Base] = {}
    jobs = []
    for spec, files in zip(cells, rendered, strict=True):
        if spec.platform.name not in bases:
            bases[spec.platform.name] = ensure_base(spec.platform, site, cache_directory())
        base = bases[spec.platform.name]
        stages = supply.replaced_stages(spec, site)
        extra = extra_checks_of(root(options) / "templates", spec.framework)
        checks = checks_version(extra)
        mark = fingerprint(files=files, base_digest=base.digest, components=stages.hashes, checks=checks)
        where = f"base {base.kind} {base.digest[:19]}" + "".join(
            f", {stage} from the site" for stage in stages.contexts
        )
        display.say(
            f"{cell(spec)}: platform {spec.platform.name}{'' if spec.is_default_platform else ' (asked for)'}, {where}"
        )
        name = tagging.repository(spec, options.repository)
        jobs.append(
            Job(
                spec=spec,
                context=root(options) / context(spec),
                base=base,
                stages=stages,
                extra_checks=extra,
                fingerprint=mark,
                name=name,
            )
        )
    return jobs


def summary(options: Options, outcomes: Sequence[Outcome]) -> int:
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
    print(document(rows, "images", options.format))
    counts = {
        word: sum(found.outcome == word for found in outcomes) for word in ("built", "unchanged", "failed", "not built")
    }
    print(
        ", ".join(f"{count} {word}" for word, count in counts.items() if count) + f"; logs in {options.log_dir}/",
        file=sys.stderr,
    )
    return int(any(found.outcome in ("failed", "not built") for found in outcomes))

"""`ci matrix`: the selected cells as the jobs of a CI run, for `fromJSON` in a workflow's strategy."""

import hashlib
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from builder.build.plan import Decision, Wanted, plan
from builder.build.render import Rendered
from builder.catalogue.attached import last_verification
from builder.commands.common import existing_images
from builder.commands.common.inputs import matrix_and_cells, site_of
from builder.commands.common.output import document, say, workflow_command
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.common.trust import trust
from builder.commands.flags.nightly import CiOptions
from builder.commands.options import Options
from builder.dependencies import disk_budget
from builder.errors import BuilderError
from builder.matrix.names import cell, first_and_more
from builder.matrix.reference import Reference, parse
from builder.matrix.shards import Cell, Shard, shards
from builder.matrix.spec import PinnedImage
from builder.publish.signing.cosign import Trust


def run(options: CiOptions) -> int:
    """Print the jobs of the selected cells; returns 0."""
    _, specs = matrix_and_cells(options)
    rendered = current(options, specs)
    done = published(options, rendered)
    cells = [sharing(one) for one in rendered if cell(one.pinned.spec) not in done]
    jobs = fitting(shards(cells, options.limit), rendered, options)
    print(document_of(jobs, options))
    return 0


def fitting(jobs: Sequence[Shard], rendered: Sequence[Rendered], options: CiOptions) -> list[Shard]:
    """The jobs that the disk of `--disk` has room for; each other one is said."""
    if options.disk is None or not jobs:
        return list(jobs)
    pinned = {cell(one.pinned.spec): one.pinned for one in rendered}
    images = {job: [pinned[name] for name in job.cells] for job in jobs}
    sizes = file_sizes([one for each in images.values() for one in each], options)
    needed = {job: disk_budget.needed(images[job], sizes) for job in jobs}
    for job in jobs:
        if needed[job] > options.disk:
            warn(too_large(job, needed[job], options.disk), options)
    return [job for job in jobs if needed[job] <= options.disk]


def file_sizes(images: Sequence[PinnedImage], options: CiOptions) -> disk_budget.Sizes:
    """The sizes of the locked files; that some are not known is said, and stops no job."""
    try:
        found = disk_budget.sizes(images, site_of(options))
    except BuilderError as error:
        warn(f"{error.message}; so how much disk a job takes is not known", options)
        return {}
    if missing := disk_budget.unknown(images, found):
        warn(f"the index does not say the size of {first_and_more(missing)}: a job may take more disk", options)
    return found


def too_large(job: Shard, needed: int, disk: int) -> str:
    what = f"{job.name}: no job is started: its build takes about {needed / 1e9:.0f} GB of disk"
    return f"{what}, and a runner has {disk / 1e9:.0f}; one with more takes it, with a larger --disk"


def warn(text: str, options: Options) -> None:
    """Say a line, which GitHub shows on the page of the run."""
    if options.format == "github":
        print(workflow_command("warning", text), file=sys.stderr)
    else:
        say(text)


def published(options: CiOptions, rendered: Sequence[Rendered]) -> set[str]:
    """The cells whose wanted image is in every registry of `--registry`; none without that flag.

    Raises RegistryError when one does not answer: a job of a workflow knows of no other image.
    """
    if not options.registries:
        return set()
    site = site_of(options)
    believed = trust(options) if options.renew_after is not None else None
    wanted = [job.wanted for job in prepare(options, rendered, site, known_base(site, say))]
    decisions = plan(wanted, (), existing_images.published(options, wanted, site, say, strictly=True))
    done = [(one, decision) for one, decision in zip(wanted, decisions, strict=True) if decision.action == "skip"]
    if believed is None or options.renew_after is None:
        return {one.name for one, _ in done}
    since = datetime.now(UTC) - options.renew_after
    return {one.name for one, decision in done if is_attested(one, decision, believed, since)}


def is_attested(wanted: Wanted, decision: Decision, believed: Trust, since: datetime) -> bool:
    """Whether the trusted signer reports that the image passed today's checks lately, wherever it is published."""
    return all(passed_since(parse(name), wanted, str(decision.image), believed, since) for name in decision.published)


def passed_since(reference: Reference, wanted: Wanted, digest: str, believed: Trust, since: datetime) -> bool:
    there = Reference(host=reference.host, repository=reference.repository, digest=digest)
    found = last_verification(there, believed)
    return found is not None and found.checks == wanted.checks and datetime.fromisoformat(found.when) >= since


def sharing(rendered: Rendered) -> Cell:
    """The cell, and a hash of its largest layer: the framework's distributions on that platform."""
    spec = rendered.pinned.spec
    largest = spec.platform.name + rendered.files.get("requirements/framework.txt", "")
    return Cell(name=cell(spec), layer=hashlib.sha256(largest.encode()).hexdigest())


def document_of(jobs: Sequence[Shard], options: Options) -> str:
    """The jobs as a table or a document. With `github` it is a line for the output file of a workflow's step."""
    if options.format == "github":
        include = [{"name": job.name, "cells": " ".join(job.cells)} for job in jobs]
        return "matrix=" + json.dumps({"include": include}, separators=(",", ":"))
    plain = options.format == "table"
    rows = [{"name": job.name, "cells": " ".join(job.cells) if plain else list(job.cells)} for job in jobs]
    return document(rows, "jobs", options.format)

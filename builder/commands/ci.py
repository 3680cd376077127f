"""`ci matrix`: the selected cells as the jobs of a CI run, for `fromJSON` in a workflow's strategy."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from builder.build.plan import Decision, plan
from builder.build.render import Rendered
from builder.catalogue.attached import attached
from builder.commands.common import existing_images
from builder.commands.common.existing_images import say
from builder.commands.common.inputs import matrix_and_cells, site_of
from builder.commands.common.output import document
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.flags.nightly import CiOptions
from builder.commands.options import Options
from builder.host.site import Site
from builder.matrix.names import cell
from builder.matrix.reference import Reference, parse
from builder.matrix.shards import Cell, Shard, shards
from builder.registry.connection import linked


def run(options: CiOptions) -> int:
    """Print the jobs of the selected cells; returns 0."""
    _, specs = matrix_and_cells(options)
    rendered = current(options, specs)
    done = published(options, rendered)
    cells = [sharing(one) for one in rendered if cell(one.pinned.spec) not in done]
    print(document_of(shards(cells, options.limit), options))
    return 0


def published(options: CiOptions, rendered: Sequence[Rendered]) -> set[str]:
    """The cells whose wanted image is in every registry of `--registry`; none without that flag."""
    if not options.registries:
        return set()
    site = site_of(options)
    wanted = [job.wanted for job in prepare(options, rendered, site, known_base(site, say))]
    decisions = plan(wanted, (), existing_images.published(options, wanted, site, say))
    done = [decision for decision in decisions if decision.action == "skip"]
    return {one.name for one in done if options.renew_after is None or is_attested(one, site, options.renew_after)}


def is_attested(decision: Decision, site: Site, age: timedelta) -> bool:
    """Whether the image has a report of the checks younger than `age` in every registry that has the image."""
    return all(passed_lately(parse(name), str(decision.image), site, age) for name in decision.published)


def passed_lately(reference: Reference, digest: str, site: Site, age: timedelta) -> bool:
    with linked(site, reference.host) as connection:
        found = attached(connection, reference.repository, digest).verification
    return found is not None and datetime.now(UTC) - datetime.fromisoformat(found.when) < age


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

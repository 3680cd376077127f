"""`ci matrix`: the selected cells as the jobs of a CI run, for `fromJSON` in a workflow's strategy."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from builder.build.plan import Decision, Wanted, plan
from builder.build.render import Rendered
from builder.catalogue.attached import last_verification
from builder.commands.common import existing_images
from builder.commands.common.inputs import matrix_and_cells, site_of
from builder.commands.common.output import document, say
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.common.trust import trust
from builder.commands.flags.nightly import CiOptions
from builder.commands.options import Options
from builder.matrix.names import cell
from builder.matrix.reference import Reference, parse
from builder.matrix.shards import Cell, Shard, shards
from builder.publish.signing.cosign import Trust


def run(options: CiOptions) -> int:
    """Print the jobs of the selected cells; returns 0."""
    _, specs = matrix_and_cells(options)
    rendered = current(options, specs)
    done = published(options, rendered)
    cells = [sharing(one) for one in rendered if cell(one.pinned.spec) not in done]
    print(document_of(shards(cells, options.limit), options))
    return 0


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

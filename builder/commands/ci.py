"""`ci matrix`: the selected cells as the jobs of a CI run, for `fromJSON` in a workflow's strategy."""

import hashlib
import json
from collections.abc import Sequence

from builder.commands.inputs import matrix_and_cells
from builder.commands.prepared import current
from builder.flags.nightly import CiOptions
from builder.listing import document
from builder.names import cell
from builder.options import Options
from builder.render import Files
from builder.shards import Cell, Shard, shards
from builder.spec import ImageSpec


def run(options: CiOptions) -> int:
    """Print the jobs: every row unless something is selected."""
    _, specs = matrix_and_cells(options, listing=True)
    jobs = shards(map(sharing, specs, current(options, specs)), options.limit)
    print(document_of(jobs, options))
    return 0


def sharing(spec: ImageSpec, files: Files) -> Cell:
    """The cell, and the hash of the framework's own layer, the largest, which its platform decides too."""
    largest = spec.platform.name + files.get("requirements/framework.txt", "")
    return Cell(name=cell(spec), layer=hashlib.sha256(largest.encode()).hexdigest())


def document_of(jobs: Sequence[Shard], options: Options) -> str:
    """The jobs as a table or a document; `github` is the line that a step appends to its output file."""
    if options.format == "github":
        include = [{"name": job.name, "cells": " ".join(job.cells)} for job in jobs]
        return "matrix=" + json.dumps({"include": include}, separators=(",", ":"))
    plain = options.format == "table"
    rows = [{"name": job.name, "cells": " ".join(job.cells) if plain else list(job.cells)} for job in jobs]
    return document(rows, "jobs", options.format)

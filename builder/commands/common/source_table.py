"""Asks every source of the selected images, and prints what does not answer as a build needs it."""

import re
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from builder.build import base_sources
from builder.commands.common.inputs import matrix_and_cells, pinned, site_of
from builder.commands.common.output import counted, document, say
from builder.commands.options import Options
from builder.dependencies import sources
from builder.dependencies.source import STATES, Answer, Answered, Source, arranged, ask, instead, problems
from builder.host.site import redact
from builder.matrix.names import first_and_more

DIGITS, SHORT = re.compile("([0-9a-f]{12})[0-9a-f]{52}"), r"\1…"
"""A sha256, of which a line for people has the beginning."""


def print_sources(options: Options) -> int:
    """Print what is gone, answers otherwise or is not reachable, and with `-v` what answers too.

    Returns 1 when builds of this site need one of them, else 0.
    """
    _, cells = matrix_and_cells(options)
    site, began = site_of(options), time.monotonic()
    found = ask([*base_sources.of(cells, site), *sources.of(pinned(options, cells), site)])
    if options.format == "table":
        print("\n".join(lines(arranged(found) if options.verbose else problems(found))))
    else:
        print(document([entry(source, answer) for source, answer in arranged(found)], "sources", options.format))
    say(total(found, time.monotonic() - began))
    return int(any(not source.replaced for source, _ in problems(found)))


def lines(answers: Sequence[tuple[Source, Answer]]) -> Iterator[str]:
    """The answers by state: a line for each, with who needs it and what a site can set instead."""
    for state, group in groupby(answers, key=lambda one: one[1].state):
        yield f"{state}:"
        for source, answer in group:
            found = entry(source, answer)
            parts = (found["why"], f"needed by {first_and_more(found['images'])}", found["instead"])
            yield DIGITS.sub(SHORT, f"  {found['kind']} {found['name']}: {'; '.join(filter(None, parts))}")


def entry(source: Source, answer: Answer) -> dict[str, Any]:
    """One answer of a document."""
    is_there = answer.state == "answers"
    where = f"site.yaml can name another: {instead(source, answer)}"
    return {
        "name": redact(answer.subject),
        "kind": source.kind,
        "state": answer.state,
        "why": redact(answer.said),
        "instead": f"not needed here: {source.replaced}" if source.replaced else "" if is_there else where,
        "needed": not source.replaced,
        "replaced": source.replaced,
        "images": list(answer.cells or source.cells),
    }


def total(found: Sequence[Answered], seconds: float) -> str:
    """How many things of how many sources were asked, how they answered, and what of it matters here."""
    states = counted((answer.state for _, group in found for answer in group), STATES)
    lacking = [source for source, _ in problems(found)]
    spared = sum(bool(source.replaced) for source in lacking)
    needed = f"; builds here need {len(lacking) - spared} of the {len(lacking)} that are lacking" if lacking else ""
    return f"{len(found)} sources asked in {seconds:.0f} s: {states}{needed}"

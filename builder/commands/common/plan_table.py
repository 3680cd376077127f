"""Prints what `build` would do with each selected image, and why: the output of `plan` and of `build --dry-run`."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from builder.build import history
from builder.build.job import Job
from builder.build.plan import Decision, plan
from builder.build.render import Rendered
from builder.commands.common import existing_images
from builder.commands.common.inputs import build_site, matrix_and_cells
from builder.commands.common.output import counted, document, say
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.flags.build import BuildOptions

ACTIONS = ("build", "re-verify", "re-tag", "skip")


def print_plan(options: BuildOptions) -> int:
    """Print a decision for each selected cell, with `--print` also the Dockerfiles. Returns 0.

    Raises StaleError before the engine is asked.
    """
    _, cells = matrix_and_cells(options)
    rendered = current(options, cells)
    jobs, decisions = decided(options, rendered)
    rows = [row(options, job, decision) for job, decision in zip(jobs, decisions, strict=True)]
    if options.format == "github":
        rows = [found for found, decision in zip(rows, decisions, strict=True) if decision.action != "skip"]
    print(document(rows, "images", options.format))
    if options.print:
        print("\n".join(one.files["Dockerfile"] for one in rendered))
    print(total(decisions), file=sys.stderr)
    return 0


def decided(options: BuildOptions, rendered: Sequence[Rendered]) -> tuple[list[Job], list[Decision]]:
    """A job and a decision for each cell; the engine is asked while the jobs are prepared."""
    site = build_site(options)
    with ThreadPoolExecutor() as pool:
        existing = pool.submit(existing_images.on_engine)
        jobs = prepare(options, rendered, site, known_base(site, say, refresh=options.refresh_toolchain))
        wanted = [job.wanted for job in jobs]
        published = existing_images.published(options, wanted, site, say)
        decisions = plan(wanted, existing.result(), published)
        return jobs, existing_images.with_published_tags(options, wanted, decisions, site, say)


def row(options: BuildOptions, job: Job, decision: Decision) -> dict[str, Any]:
    """One line of the table, or one entry of the document. Seconds and size are those of past builds on this host."""
    past = history.past(decision.name)
    seconds, size = past.seconds(decision.action, rebase=decision.rebase), past.bytes or decision.size
    if options.format == "table":
        return {
            "name": decision.name,
            "action": decision.action,
            "seconds": "?" if seconds is None else f"{seconds:.0f}",
            "size": f"{size / 1e9:.2f} GB" if size else "?",
            "reason": "; ".join(decision.reasons),
        }
    return {
        "name": decision.name,
        "action": decision.action,
        "reasons": list(decision.reasons),
        "platform-changes": [one.reference for one in decision.platform_changes],
        "seconds": seconds,
        "size": size or None,
        "image": decision.image,
        "fingerprint": job.wanted.fingerprint or None,
        "tags": list(job.wanted.tags.references) if job.wanted.fingerprint else [],
    }


def total(decisions: Sequence[Decision]) -> str:
    """The sum of the decisions: `2 build, 27 skip`, or `nothing to do: 29 unchanged`."""
    if all(one.action == "skip" for one in decisions):
        return f"nothing to do: {len(decisions)} unchanged"
    return counted((one.action for one in decisions), ACTIONS)

"""`plan`: what `build` would do with each selected image, why, and what that takes; changes nothing."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from builder.build import existing as survey
from builder.build import history
from builder.build.job import Job
from builder.build.plan import Decision, Existing, Wanted, plan
from builder.commands.common.inputs import matrix_and_cells, site_of
from builder.commands.common.output import document
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options
from builder.errors import EngineError
from builder.host import engine
from builder.host.site import Site
from builder.matrix.reference import parse_registry

Say = Callable[[str], None]

ACTIONS = ("build", "re-verify", "re-tag", "skip")


def run(options: Options) -> int:
    """Print a decision for each selected cell: every row unless something is selected."""
    with ThreadPoolExecutor() as pool:
        existing = pool.submit(what_exists)
        _, cells = matrix_and_cells(options, listing=True)
        site = site_of(options)
        jobs = prepare(options, current(options, cells), site, known_base(site, say))
        wanted = [job.wanted for job in jobs]
        published = what_is_published(options, wanted, site, say)
        decisions = plan(wanted, existing.result(), published)
    rows = [row(options, job, decision) for job, decision in zip(jobs, decisions, strict=True)]
    if options.format == "github":
        rows = [found for found, decision in zip(rows, decisions, strict=True) if decision.action != "skip"]
    print(document(rows, "images", options.format))
    print(total(decisions), file=sys.stderr)
    return 0


def say(line: str) -> None:
    print(line, file=sys.stderr)


def what_exists() -> list[Existing] | None:
    """The images of the engine; None, and a line on stderr, when it does not answer."""
    try:
        with engine.connected() as client:
            return survey.existing(client)
    except EngineError as error:
        say(f"{error.message} Without an engine everything would be built.")
        return None


def what_is_published(options: Options, wanted: Sequence[Wanted], site: Site, tell: Say) -> list[Existing]:
    """The images of the wanted cells in the registries that `--registry` names; none where it names none."""
    registries = tuple(dict.fromkeys(parse_registry(text) for text in cast("PublishOptions", options).registries))
    if not registries:
        return []
    from builder.publish import existing as remote

    return remote.existing(registries, wanted, site, tell)


def row(options: Options, job: Job, decision: Decision) -> dict[str, Any]:
    """One line of the table, or one entry of the document; what is expected comes from past builds on this host."""
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
        "seconds": seconds,
        "size": size or None,
        "image": decision.image,
        "fingerprint": job.wanted.fingerprint or None,
        "tags": list(job.wanted.tags.references) if job.wanted.fingerprint else [],
    }


def total(decisions: Sequence[Decision]) -> str:
    """The sum of the decisions: `2 build, 27 skip`, or that there is nothing to do."""
    counts = {action: sum(one.action == action for one in decisions) for action in ACTIONS}
    if counts["skip"] == len(decisions):
        return f"nothing to do: {len(decisions)} unchanged"
    return ", ".join(f"{count} {action}" for action, count in counts.items() if count)

"""`push`: verified images of the engine to registries. An image that is not verified here is refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from builder.build import existing
from builder.build.job import Job
from builder.build.plan import Decision, plan
from builder.build.progress import Display
from builder.commands.common.existing_images import registries_of
from builder.commands.common.inputs import matrix_and_cells, site_of
from builder.commands.common.output import document
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.common.publishing import publisher_of, summary, verified_image
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options
from builder.errors import VerifyError
from builder.host import engine
from builder.matrix.names import cell, release_of
from builder.matrix.reference import Registry
from builder.publish.publication import VerifiedImage
from builder.publish.push import publish


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The selected images that may be published, and a problem for each other one."""

    images: tuple[VerifiedImage, ...]
    problems: tuple[str, ...]
    incomplete: frozenset[str]


def run(options: PublishOptions) -> int:
    """Push every selected image to every registry; returns 0 only when all are there."""
    registries = registries_of(options)
    _, cells = matrix_and_cells(options)
    site = site_of(options)
    with engine.connected() as client, Display(live=not options.verbose) as display:
        rendered = current(options, cells)
        jobs = prepare(options, rendered, site, known_base(site, display.say))
        selected = chosen(jobs, plan([job.wanted for job in jobs], existing.existing(client)))
        for registry in registries:
            _ = [registry.reference(one.tags.repository, one.tags.immutable) for one in selected.images]
        if selected.problems and not options.keep_going:
            raise VerifyError("\n".join(selected.problems), hint="python -m builder build, with the same selection")
        for problem in selected.problems:
            display.say(f"error: {problem}")
        if options.dry_run:
            return preview(options, registries, selected)
        publisher = publisher_of(options, client, site, display, rendered)
        outcomes = publish(publisher, registries, selected.images, selected.incomplete)
    return max(summary(options, outcomes), int(bool(selected.problems)))


def chosen(jobs: Sequence[Job], decisions: Sequence[Decision]) -> Selected:
    """The images that are built and verified as the matrix wants them now, and a problem for each other one."""
    images, problems, incomplete = [], [], set()
    for job, decision in zip(jobs, decisions, strict=True):
        if decision.action in ("skip", "re-tag") and decision.image:
            images.append(verified_image(job, decision.image))
        else:
            incomplete.add(release_of(job.spec))
            problems.append(
                f"{cell(job.spec)}: no verified image of it: {decision.action}: {'; '.join(decision.reasons)}"
            )
    return Selected(images=tuple(images), problems=tuple(problems), incomplete=frozenset(incomplete))


def preview(options: Options, registries: Sequence[Registry], selected: Selected) -> int:
    """Print what would be pushed, without asking a registry; returns 1 when an image may not be published."""
    rows = [
        {
            "name": one.name,
            "registry": str(registry),
            "digest": one.digest if options.format != "table" else one.digest[:19],
            "tags": tags if options.format != "table" else " ".join(tags),
        }
        for registry in registries
        for one in selected.images
        for tags in [[one.tags.immutable, *(() if one.release in selected.incomplete else one.tags.rolling)]]
    ]
    print(document(rows, "images", options.format))
    return int(bool(selected.problems))

"""`push`: verified images of the engine to registries; what is not verified here is refused."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.build import existing
from builder.build.job import Job
from builder.build.plan import Decision, plan
from builder.build.progress import Display
from builder.commands.attest import attested, signer_of
from builder.commands.common.existing_images import registries_of
from builder.commands.common.inputs import matrix_and_cells, site_of
from builder.commands.common.output import document
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.common.renewal import renewed
from builder.commands.flags.publish import PublishOptions
from builder.commands.options import Options
from builder.errors import VerifyError
from builder.host import engine
from builder.host.site import Site
from builder.matrix.names import cell
from builder.matrix.reference import Reference, Registry
from builder.publish import transfer
from builder.publish.push import Published, Publisher, Release, publish
from builder.publish.signing import cosign
from builder.publish.transfer import Place, Sent

if TYPE_CHECKING:
    import docker

COUNTED = ("pushed", "unchanged", "failed", "not tagged", "not pushed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The selected images that may be published, and why the others may not."""

    releases: tuple[Release, ...]
    problems: tuple[str, ...]
    incomplete: frozenset[str]


def run(options: PublishOptions) -> int:
    """Push every selected image to every registry; returns 0 only when all are there."""
    registries = registries_of(options)
    _, cells = matrix_and_cells(options)
    site = site_of(options)
    with engine.connected() as client, Display(live=not options.verbose) as display:
        jobs = prepare(options, current(options, cells), site, known_base(site, display.say))
        selected = chosen(jobs, plan([job.wanted for job in jobs], existing.existing(client)))
        for registry in registries:
            _ = [registry.reference(one.repository, one.immutable) for one in selected.releases]
        if selected.problems and not options.keep_going:
            raise VerifyError("\n".join(selected.problems), hint="python -m builder build, with the same selection")
        for problem in selected.problems:
            display.say(f"error: {problem}")
        if options.dry_run:
            return preview(options, registries, selected)
        publisher = publisher_of(options, client, site, display)
        outcomes = publish(publisher, registries, selected.releases, selected.incomplete)
    return max(summary(options, outcomes), int(bool(selected.problems)))


def attesting(client: "docker.DockerClient", options: PublishOptions) -> Callable[[Reference], None] | None:
    """What attests an uploaded image, or None; raises InputError when nobody can sign, before anything is pushed."""
    if not options.attest:
        return None
    signer = signer_of(options)
    cosign.check(signer)

    def attest(reference: Reference) -> None:
        if options.renew_after is None:
            attested(client, options, reference, signer)
        else:
            renewed(client, options, reference, signer, options.renew_after)

    return attest


def publisher_of(options: PublishOptions, client: "docker.DockerClient", site: Site, display: Display) -> Publisher:
    """Publishes images of the engine."""

    def bring(place: Place, release: Release, sent: Sent) -> None:
        transfer.push(client, place, release.digest, sent)

    return Publisher(
        bring=bring,
        site=site,
        display=display,
        keep_going=options.keep_going,
        debug=options.debug,
        attest=attesting(client, options),
    )


def chosen(jobs: Sequence[Job], decisions: Sequence[Decision]) -> Selected:
    """Which images are built and verified as the matrix wants them now."""
    releases, problems, incomplete = [], [], set()
    for job, decision in zip(jobs, decisions, strict=True):
        if decision.action in ("skip", "re-tag") and decision.image:
            releases.append(release_of(job, decision.image))
        else:
            incomplete.add(group_of(job))
            problems.append(
                f"{cell(job.spec)}: no verified image of it: {decision.action}: {'; '.join(decision.reasons)}"
            )
    return Selected(releases=tuple(releases), problems=tuple(problems), incomplete=frozenset(incomplete))


def release_of(job: Job, digest: str) -> Release:
    """The image of a job as it is published."""
    immutable, *rolling = (reference.rpartition(":")[2] for reference in job.wanted.references)
    return Release(
        name=cell(job.spec),
        group=group_of(job),
        repository=job.name,
        digest=digest,
        immutable=immutable,
        rolling=tuple(rolling),
    )


def group_of(job: Job) -> str:
    """The release that an image belongs to, on whatever device and platform."""
    return f"{job.spec.framework} {job.spec.version}"


def preview(options: Options, registries: Sequence[Registry], selected: Selected) -> int:
    """Print what would be pushed; no registry is asked."""
    rows = [
        {
            "name": one.name,
            "registry": str(registry),
            "digest": one.digest if options.format != "table" else one.digest[:19],
            "tags": tags if options.format != "table" else " ".join(tags),
        }
        for registry in registries
        for one in selected.releases
        for tags in [[one.immutable, *(() if one.group in selected.incomplete else one.rolling)]]
    ]
    print(document(rows, "images", options.format))
    return int(bool(selected.problems))


def summary(options: Options, outcomes: Sequence[Published], *, shown: bool = True) -> int:
    """Print the outcomes; returns 1 when one image did not arrive."""
    if shown:
        print(document(rows(options, outcomes), "images", options.format))
    counts = {word: sum(one.outcome == word for one in outcomes) for word in COUNTED}
    print(", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing to push", file=sys.stderr)
    return int(any(one.outcome not in ("pushed", "unchanged") for one in outcomes))


def rows(options: Options, outcomes: Sequence[Published]) -> list[dict[str, Any]]:
    """The outcomes as a table or a document shows them; what was sent is in bytes."""
    is_table = options.format == "table"
    return [
        {
            "name": one.name,
            "registry": one.registry,
            "outcome": one.outcome,
            "digest": one.digest[:19] if is_table else one.digest,
            "sent": f"{one.sent / 1e6:.1f} MB" if is_table else one.sent,
            "seconds": round(one.seconds, 1),
            "tags": " ".join(name.rpartition(":")[2] for name in one.references) if is_table else list(one.references),
        }
        for one in outcomes
    ]

"""Finishes one image: verifies its digest unless it passed here before, tags it, reports the outcome."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build import buildx_command, existing, history, site_inputs
from builder.build import tags as tagging
from builder.build.bases import Base
from builder.build.fingerprint import label
from builder.build.plan import Decision, Wanted, plan
from builder.build.settings import Settings
from builder.dependencies import debian_packages
from builder.errors import VerifyError
from builder.host import engine
from builder.host.cache import Say
from builder.host.site import Site
from builder.matrix.names import LABEL_LEAST_ENGINE, LEAST_ENGINE, cell
from builder.matrix.promise import promise_of
from builder.matrix.spec import ImageSpec, PinnedImage
from builder.verify import passed
from builder.verify.container import Ready
from builder.verify.container import ready as readied
from builder.verify.report import Report, summary
from builder.verify.run_checks import checked
from builder.wheels import Compression

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One cell in a run, and everything that a build of it needs."""

    pinned: PinnedImage
    context: Path
    base: Base
    stages: site_inputs.Stages
    extra_checks: tuple[Path, ...]
    wanted: Wanted
    compression: Compression = "zstd"

    @property
    def spec(self) -> ImageSpec:
        return self.pinned.spec

    @contextmanager
    def inputs(self, site: Site) -> Iterator[buildx_command.BuildInputs]:
        """The inputs of a build besides its context, for as long as the block lasts. Raises BuilderError."""
        with site_inputs.supplies(site, self.spec, self.pinned.files) as supplied:
            yield self.with_supplies(site, supplied)

    def with_supplies(self, site: Site, supplied: site_inputs.Supplies) -> buildx_command.BuildInputs:
        """The inputs with these supplies of the site."""
        found = site_inputs.inputs(
            self.spec,
            site,
            supplied,
            base=self.base,
            stages=self.stages,
            fingerprint=self.wanted.fingerprint,
            made_from=label(self.wanted.inputs),
        )
        least = {LABEL_LEAST_ENGINE: LEAST_ENGINE} if self.compression == "zstd" else {}
        return replace(found, labels={**found.labels, **least})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one image ended."""

    name: str
    outcome: str
    digest: str = ""
    tags: tuple[str, ...] = ()
    seconds: float = 0.0
    bytes: int = 0


def ready(
    client: "docker.DockerClient", settings: Settings, job: Job, decision: Decision, say: Say, *, again: bool
) -> Outcome | None:
    """The outcome of a job that needs no build, or None. With `again` it is decided anew: another run built meanwhile.

    Raises EngineError when its immutable tag is on another image, and VerifyError.
    """
    holder = tagging.published(client, job.wanted.tags, job.wanted.fingerprint)
    if again or (holder and decision.image is None):
        decision = plan([job.wanted], existing.existing(client))[0]
    if decision.image is None or (settings.no_cache and decision.action == "re-verify"):
        why = "--no-cache" if decision.image else "; ".join(decision.reasons)
        say(f"{cell(job.spec)}: building: {why}")
        return None
    if decision.action == "skip":
        say(unchanged_line(job, settings, decision))
        return unchanged(job, decision)
    say(f"{cell(job.spec)}: {decision.action}: {'; '.join(decision.reasons)} ({decision.image[:19]})")
    if decision.action == "re-verify":
        with readied(decision.image) as image:
            check(settings, job, image, say)
    word = "verified" if decision.action == "re-verify" else "tagged"
    size = image_size(client, decision.image)
    return tagged(client, settings, job, decision.image, word, say, size=size)


def unchanged_line(job: Job, settings: Settings, decision: Decision) -> str:
    if decision.published:
        return f"{cell(job.spec)}: already published: {' '.join(decision.published)}"
    immutable = job.wanted.tags.references[0]
    line = f"{cell(job.spec)}: unchanged, already built and verified: {immutable}"
    # Another build gives other bytes, and an immutable tag is never moved to them.
    return f"{line}; for --no-cache to repeat it, first: docker rmi {immutable}" if settings.no_cache else line


def unchanged(job: Job, decision: Decision) -> Outcome:
    """The outcome of an unchanged image; its size is the remembered one, else the engine's."""
    name, tags = cell(job.spec), decision.published or job.wanted.tags.references
    size = history.past(name).bytes or decision.size
    return Outcome(name=name, outcome="unchanged", digest=str(decision.image), tags=tags, bytes=size)


def tagged(
    client: "docker.DockerClient",
    settings: Settings,
    job: Job,
    digest: str,
    word: str,
    say: Say,
    *,
    size: int,
    seconds: float = 0.0,
) -> Outcome:
    """Tag an image that passed; returns its outcome."""
    allowed = settings.allow_platform_change
    for change in tagging.apply(client, job.wanted.tags, digest, job.wanted.platform, allow_platform_change=allowed):
        say(f"{cell(job.spec)}: {change}")
    tags = job.wanted.tags.references
    return Outcome(name=cell(job.spec), outcome=word, digest=digest, tags=tags, seconds=seconds, bytes=size)


def check(settings: Settings, job: Job, image: Ready, say: Say) -> Report:
    """Verify an image and remember that it passed; raises VerifyError with every check that failed."""
    digest = image.digest
    report = checked(
        image,
        expected=promise_of(job.spec),
        extra_checks=job.extra_checks,
        log_dir=settings.log_dir,
        seconds=settings.verify_seconds,
    )
    failed = [f"    {result.name}: {result.message}" for result in report.results if result.outcome == "failed"]
    if failed:
        raise VerifyError(
            f"{cell(job.spec)}: {digest} is not what its row promises, no tag was moved:\n" + "\n".join(failed),
            hint=f"python -m builder verify {digest}; python -m builder build --no-cache --only={cell(job.spec)}",
        )
    tagging.assert_measured(job.spec, report.measured)
    passed.pass_of(report, job.wanted.checks, say)
    history.add(cell(job.spec), say, verification=report.seconds)
    for line in drift(job, report):
        say(f"{cell(job.spec)}: {line}")
    say(f"{cell(job.spec)}: {summary(report)}")
    return report


def drift(job: Job, report: Report) -> Iterator[str]:
    """A line for each list of Debian packages whose mirror has moved since builder.lock: `apt`, or `base`."""
    expected = {"apt": job.pinned.packages}
    if job.base.kind == "bootstrapped":
        expected["base"] = job.pinned.base_packages
    moved = (debian_packages.moved(keyword, versions, report.packages) for keyword, versions in expected.items())
    return filter(None, moved)


def image_size(client: "docker.DockerClient", digest: str) -> int:
    return int((engine.inspect(client, digest) or {}).get("Size", 0))

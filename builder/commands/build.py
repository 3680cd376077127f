"""`build`: images from the matrix to verified tags. Builds run side by side; each is verified before it is tagged."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import build as building
from builder import engine, tagging
from builder import render as rendering
from builder.bootstrap import Base, cache_directory, ensure_base
from builder.commands.inputs import matrix_and_cells, pinned, root
from builder.errors import BuilderError, StaleError, VerifyError
from builder.fingerprint import fingerprint
from builder.host import load_site
from builder.listing import document
from builder.names import cell, context, rolling_tags
from builder.options import Options
from builder.process import Running
from builder.progress import Display, Watch
from builder.site import Site
from builder.spec import ImageSpec
from builder.verify import Report, checks_version, extra_checks_of, verify

if TYPE_CHECKING:
    import docker

EXPORT = ("--output=type=image,oci-mediatypes=true,compression=zstd",)
"""gzip takes ten times as long for a torch layer, and gives a larger one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One image that is to be built."""

    spec: ImageSpec
    context: Path
    base: Base
    stages: building.Stages
    fingerprint: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one image ended."""

    name: str
    outcome: str
    digest: str = ""
    tags: tuple[str, ...] = ()
    seconds: float = 0.0
    bytes: int = 0


def run(options: Options) -> int:
    """Build, verify and tag; returns 0 only when every selected image passed."""
    matrix, cells = matrix_and_cells(options, listing=False)
    if not (options.versions or options.all or options.only):
        print(f"no --version: the default, {matrix.default_versions[cells[0].framework]}", file=sys.stderr)
    rendered = current(options, cells)
    if options.dry_run:
        return dry_run(options, cells, rendered)
    site = load_site(options.site)
    options.log_dir.mkdir(parents=True, exist_ok=True)
    with engine.connected() as client, Display() as display:
        jobs = prepare(options, cells, rendered, site, display)
        outcomes = build_all(options, jobs, site, client, display)
    return summary(options, outcomes)


def current(options: Options, cells: Sequence[ImageSpec]) -> list[rendering.Files]:
    """The rendered files of each cell; raises StaleError when images/ holds others."""
    jinja = rendering.environment(root(options) / "templates")
    files = [rendering.render(image, jinja) for image in pinned(options, tuple(cells))]
    stale = [
        cell(spec)
        for spec, wanted in zip(cells, files, strict=True)
        if rendering.existing(root(options) / context(spec)) != wanted
    ]
    if stale:
        raise StaleError(
            f"images/ is not what the matrix gives for {', '.join(stale)}", hint="python -m builder render"
        )
    return files


def dry_run(options: Options, cells: Sequence[ImageSpec], rendered: Sequence[rendering.Files]) -> int:
    """Print what would be built, and with --print the Dockerfiles; needs no engine and no network."""
    rows = [
        {
            "name": cell(spec),
            "platform": spec.platform.name + (" (default)" if spec.is_default_platform else ""),
            "tags": " ".join(f"{tagging.repository(spec, options.repository)}:{tag}" for tag in rolling_tags(spec)),
        }
        for spec in cells
    ]
    print(document(rows, "images", options.format))
    if options.print:
        for files in rendered:
            print(files["Dockerfile"])
    return 0


def prepare(
    options: Options, cells: Sequence[ImageSpec], rendered: Sequence[rendering.Files], site: Site, display: Display
) -> list[Job]:
    """The jobs, with their bases made and their fingerprints known."""
    bases: dict[str, Base] = {}
    jobs = []
    for spec, files in zip(cells, rendered, strict=True):
        if spec.platform.name not in bases:
            bases[spec.platform.name] = ensure_base(spec.platform, site, cache_directory())
        base = bases[spec.platform.name]
        stages = building.replaced_stages(spec, site)
        checks = checks_version(extra_checks_of(root(options) / "templates", spec.framework))
        mark = fingerprint(files=files, base_digest=base.digest, components=stages.hashes, checks=checks)
        where = f"base {base.kind} {base.digest[:19]}" + "".join(
            f", {stage} from the site" for stage in stages.contexts
        )
        display.say(
            f"{cell(spec)}: platform {spec.platform.name}{'' if spec.is_default_platform else ' (asked for)'}, {where}"
        )
        name = tagging.repository(spec, options.repository)
        jobs.append(
            Job(spec=spec, context=root(options) / context(spec), base=base, stages=stages, fingerprint=mark, name=name)
        )
    return jobs


def build_all(
    options: Options, jobs: Sequence[Job], site: Site, client: "docker.DockerClient", display: Display
) -> list[Outcome]:
    """Build `--jobs` images at once, and verify each here as it is ready; stop at the first failure, or keep going."""
    outcomes: list[Outcome] = []
    running = Running()
    with ExitStack() as stack:
        secrets = stack.enter_context(building.secrets(site))
        pool = stack.enter_context(stopped(ThreadPoolExecutor(options.jobs), running))
        waiting = list(jobs)
        futures: dict[Future[tuple[str, float]], Job] = {}
        while waiting or futures:
            while waiting and len(futures) < options.jobs:
                job = waiting.pop(0)
                if done := finished(client, job):
                    outcomes.append(done)
                    display.say(f"{done.name}: already built and verified: {done.tags[0]}")
                    continue
                futures[pool.submit(build_one, options, job, site, secrets, running, display)] = job
            for future in wait(futures, return_when=FIRST_COMPLETED).done:
                outcome = settle(options, futures.pop(future), future, client, display)
                outcomes.append(outcome)
                if outcome.outcome == "failed" and not options.keep_going:
                    skipped = [*waiting, *futures.values()]
                    return outcomes + [Outcome(name=cell(job.spec), outcome="not built") for job in skipped]
    return outcomes


@contextmanager
def stopped(pool: ThreadPoolExecutor, running: Running) -> Iterator[ThreadPoolExecutor]:
    """The pool; leaving the block for whatever reason ends the builds that still run."""
    try:
        yield pool
    finally:
        running.stop()
        pool.shutdown(cancel_futures=True)


def finished(client: "docker.DockerClient", job: Job) -> Outcome | None:
    """The outcome of an image that has its immutable tag already; its rolling tags are set again."""
    digest = tagging.published(client, job.spec, job.name, job.fingerprint)
    if digest is None:
        return None
    tags = tagging.apply(client, job.spec, digest=digest, name=job.name, fingerprint=job.fingerprint)
    return Outcome(name=cell(job.spec), outcome="unchanged", digest=digest, tags=tags, bytes=size(client, digest))


def build_one(
    options: Options, job: Job, site: Site, secrets: dict[str, Path], running: Running, display: Display
) -> tuple[str, float]:
    """The digest of the built image, and the seconds it took; runs in a thread of the pool."""
    began = time.monotonic()
    inputs = building.inputs(
        job.spec, site, base=job.base, stages=job.stages, secret_files=secrets, fingerprint=job.fingerprint
    )
    flags = (*EXPORT, *(("--no-cache",) if options.no_cache else ()))
    log = options.log_dir / (cell(job.spec).replace("/", "-") + ".log")
    with log.open("w", encoding="utf-8") as stream:
        watch = Watch(name=cell(job.spec), log=stream)
        display.add(watch)
        try:
            digest = building.build(job.context, inputs, watch, running, options=flags, on_step=display.step)
        finally:
            display.remove(watch)
    return digest, time.monotonic() - began


def settle(
    options: Options, job: Job, future: Future[tuple[str, float]], client: "docker.DockerClient", display: Display
) -> Outcome:
    """Verify what was built, and tag it when it passed."""
    name = cell(job.spec)
    try:
        digest, seconds = future.result()
        display.say(f"{name}: built {digest[:19]} in {seconds:.0f} s, verifying")
        report = check(options, job, digest)
        display.say(f"{name}: {len(report.results)} checks passed in {report.seconds:.1f} s")
        tags = tagging.apply(client, job.spec, digest=digest, name=job.name, fingerprint=job.fingerprint)
    except BuilderError as error:
        if options.debug:
            raise
        display.say(f"error: {error.message}" + (f"\n  try: {error.hint}" if error.hint else ""))
        return Outcome(name=name, outcome="failed")
    return Outcome(name=name, outcome="built", digest=digest, tags=tags, seconds=seconds, bytes=size(client, digest))


def check(options: Options, job: Job, digest: str) -> Report:
    """The report of an image that passed; raises VerifyError with every check that did not."""
    extra = extra_checks_of(root(options) / "templates", job.spec.framework)
    report = verify(
        digest, expected_row=json.loads(rendering.row(job.spec)), extra_checks=extra, log_dir=options.log_dir
    )
    failed = [f"    {result.name}: {result.message}" for result in report.results if result.outcome == "failed"]
    if failed:
        raise VerifyError(
            f"{cell(job.spec)}: {digest} is not what its row promises, no tag was moved:\n" + "\n".join(failed),
            hint=f"python -m builder verify {digest}",
        )
    tagging.assert_measured(job.spec, report.measured)
    return report


def size(client: "docker.DockerClient", digest: str) -> int:
    return int((engine.inspect(client, digest) or {}).get("Size", 0))


def summary(options: Options, outcomes: Sequence[Outcome]) -> int:
    """Print the outcomes; returns 1 when one failed or was not built."""
    rows: list[dict[str, Any]] = [
        {
            "name": found.name,
            "outcome": found.outcome,
            "digest": found.digest if options.format != "table" else found.digest[:19],
            "size": found.bytes if options.format != "table" else f"{found.bytes / 1e9:.2f} GB",
            "seconds": round(found.seconds),
            "tags": list(found.tags) if options.format != "table" else " ".join(found.tags),
        }
        for found in outcomes
    ]
    print(document(rows, "images", options.format))
    counts = {
        word: sum(found.outcome == word for found in outcomes) for word in ("built", "unchanged", "failed", "not built")
    }
    print(
        ", ".join(f"{count} {word}" for word, count in counts.items() if count) + f"; logs in {options.log_dir}/",
        file=sys.stderr,
    )
    return int(any(found.outcome in ("failed", "not built") for found in outcomes))

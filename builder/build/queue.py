"""Runs build jobs side by side. Each image is verified and tagged as soon as it is built, by one builder alone.

Each image is a solve of its own, in a pool of threads. BuildKit runs a step that several images share only once. The
container for the checks starts in that thread. The main thread runs the checks, and a third kind removes containers.

Why not one `docker buildx bake`: it checks nothing before the last image is done, one failure stops all, and nothing
limits how many run at once. On two cores a hundred images ended with `context deadline exceeded`. The cost of solves
apart is a client for each image; `python -m tests.bench many` measures it.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.build import history
from builder.build import job as promote
from builder.build.buildx_command import Builder
from builder.build.buildx_run import Made, make
from builder.build.job import Job, Outcome
from builder.build.plan import Decision
from builder.build.progress import Display
from builder.build.settings import Settings
from builder.errors import BuilderError, CancelledError, told
from builder.host import mutex
from builder.host.cache import cache_directory
from builder.host.process import Running
from builder.host.site import Site
from builder.matrix.names import cell
from builder.verify.container import Ready, ready

if TYPE_CHECKING:
    import docker

LOOK_AGAIN_SECONDS = 0.5
CLOSERS = 2
"""Threads that remove containers: the engine takes as long for that as for starting one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An image that was built, and waits in its container to be checked."""

    made: Made
    image: Ready


@dataclass(slots=True, kw_only=True)
class Queue:
    """The jobs of one run: which wait, which are being built, and how the others ended."""

    settings: Settings
    site: Site
    client: "docker.DockerClient"
    display: Display
    planned: Sequence[tuple[Job, Decision]]
    at_once: int
    builder: Builder
    waiting: list[Job] = field(init=False)
    decisions: Mapping[str, Decision] = field(init=False)
    running: Running = field(default_factory=Running)
    active: dict[Future[Waiting], Job] = field(default_factory=dict)
    containers: dict[str, ExitStack] = field(default_factory=dict)
    closers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(CLOSERS))
    held: dict[str, mutex.Mutex] = field(default_factory=dict)
    announced: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.waiting = [job for job, _ in self.planned]
        self.decisions = {decision.name: decision for _, decision in self.planned}

    def run(self) -> list[Outcome]:
        """Build `at_once` images side by side; stop at the first failure, or keep going."""
        with ExitStack() as stack:
            stack.callback(self.release)
            stack.callback(self.closers.shutdown)
            stack.callback(self.close_all)
            pool = stack.enter_context(stopped(ThreadPoolExecutor(self.at_once), self.running))
            while self.waiting or self.active:
                self.start(pool)
                self.settle()
                if not self.settings.keep_going and any(one.outcome == "failed" for one in self.outcomes):
                    break
        skipped = [*self.waiting, *self.active.values()]
        return self.outcomes + [Outcome(name=cell(job.spec), outcome="not built") for job in skipped]

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Start waiting jobs while there is room; those another builder works on keep waiting.

        As many again stand in line, so that a thread never waits for the checks of another image.
        """
        for job in tuple(self.waiting):
            if len(self.active) >= 2 * self.at_once:
                return
            if not self.lock(job):
                continue
            self.waiting.remove(job)
            if done := self.known(job):
                self.outcomes.append(done)
                self.unlock(job)
            else:
                self.active[pool.submit(self.build, job)] = job

    def known(self, job: Job) -> Outcome | None:
        """The outcome of a job that needs no build, or None."""
        try:
            name, say = cell(job.spec), self.display.say
            again = name in self.announced
            return promote.ready(self.client, self.settings, job, self.decisions[name], say, again=again)
        except BuilderError as error:
            return self.failed(job, error)

    def lock(self, job: Job) -> bool:
        """Take the job's lock, or say once who holds it."""
        got = mutex.acquire(cache_directory() / "locks", f"{job.wanted.tags.repository} {cell(job.spec)}")
        if isinstance(got, mutex.Mutex):
            self.held[cell(job.spec)] = got
            return True
        if cell(job.spec) not in self.announced:
            self.announced.add(cell(job.spec))
            self.display.say(f"{cell(job.spec)}: {got} is building it; waiting")
        return False

    def unlock(self, job: Job) -> None:
        self.held.pop(cell(job.spec)).release()

    def release(self) -> None:
        """Give up the locks that are left; after the builds have ended."""
        for lock in self.held.values():
            lock.release()

    def build(self, job: Job) -> Waiting:
        """Build the image and start its container; runs in a thread of the pool."""
        made = make(self.settings, job, self.site, self.builder, self.display, self.running)
        return Waiting(made=made, image=self.container(job, made.digest))

    def container(self, job: Job, digest: str) -> Ready:
        """The image in a container, which `close` removes."""
        stack = ExitStack()
        image = stack.enter_context(ready(digest))
        self.containers[cell(job.spec)] = stack
        return image

    def close(self, job: Job) -> None:
        """Remove the container of a job, where it has one, in another thread."""
        if stack := self.containers.pop(cell(job.spec), None):
            self.closers.submit(closed, stack, self.display)

    def close_all(self) -> None:
        """Remove the containers that are left, after the builds have ended."""
        for stack in self.containers.values():
            self.closers.submit(closed, stack, self.display)

    def settle(self) -> None:
        """Wait for a build to end, then verify and tag it; look again soon when jobs wait for another builder."""
        if not self.active:
            time.sleep(LOOK_AGAIN_SECONDS if self.waiting else 0)
        patience = LOOK_AGAIN_SECONDS if self.waiting else None
        ended = list(wait(self.active, timeout=patience, return_when=FIRST_COMPLETED).done)[:1]
        for future in ended:
            job = self.active.pop(future)
            try:
                self.outcomes.append(self.judge(job, future))
            finally:
                self.close(job)
            self.unlock(job)

    def judge(self, job: Job, future: Future[Waiting]) -> Outcome:
        """Verify what was built, and tag it when it passed."""
        name = cell(job.spec)
        try:
            waiting = future.result()
            made, digest = waiting.made, waiting.made.digest
            size = promote.image_size(self.client, digest)
            history.add_build(
                name,
                self.display.say,
                digest=digest,
                seconds=made.seconds,
                size=size,
                rebase=self.decisions[name].rebase,
                typical=made.ran,
            )
            self.display.say(f"{name}: built {digest[:19]} in {made.seconds:.0f} s, verifying")
            promote.check(self.settings, job, waiting.image, self.display.say)
            say = self.display.say
            return promote.tagged(
                self.client, self.settings, job, digest, "built", say, size=size, seconds=made.seconds
            )
        except BuilderError as error:
            return self.failed(job, error)

    def failed(self, job: Job, error: BuilderError) -> Outcome:
        """Say what happened, and what to do; with --debug, raise it, and Ctrl-C always."""
        if self.settings.debug or isinstance(error, CancelledError):
            raise error
        self.display.say(told(error))
        return Outcome(name=cell(job.spec), outcome="failed")


def closed(stack: ExitStack, display: Display) -> None:
    """Remove a container; what fails is said, and no image is worse for it."""
    try:
        stack.close()
    except BuilderError as error:
        display.say(f"a container may be left: {error.message}; python -m builder clean")


@contextmanager
def stopped(pool: ThreadPoolExecutor, running: Running) -> Iterator[ThreadPoolExecutor]:
    """The pool; leaving the block for whatever reason ends the builds that still run."""
    try:
        yield pool
    finally:
        running.stop()
        pool.shutdown(cancel_futures=True)

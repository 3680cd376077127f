"""One request on its way to an image: answered by its lock or the index, then made, verified and tagged."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.derive.locking import Answer
from builder.derive.request import Contents, Request, Wanted
from builder.derive.result import Derived, Surroundings
from builder.errors import EngineError, InputError, VerifyError

if TYPE_CHECKING:
    import docker

    from builder.matrix import Matrix
    from builder.site import Site

KEY = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request that was read, and the image it stands on."""

    client: "docker.DockerClient"
    request: Request
    wanted: Wanted
    held: Contents
    image: Mapping[str, Any]
    around: Surroundings
    site: Callable[[], "Site"]

    def run(self, matrix: "Matrix", *, dry_run: bool) -> Derived:
        """What the request needs, from the lock or the index; then the image."""
        from builder.derive import locking

        began = time.monotonic()
        asked = locking.question(self.wanted, self.held)
        file = locking.file_of(self.request, asked)
        answer = locking.load(file, asked)
        if answer is None:
            self.refuse(matrix)
            answer = self.resolve()
            if not dry_run:
                locking.save(file, locking.dump(asked, answer, self.held))
        seconds = {"resolve": round(time.monotonic() - began, 2)}
        found = Derived(
            reference=self.reference(answer),
            digest="",
            base=self.held.digest,
            outcome="would be built",
            added=versions(answer),
            lock=file,
            seconds=seconds,
        )
        return self.settled(found, answer, dry_run=dry_run)

    def refuse(self, matrix: "Matrix") -> None:
        """Raise InputError when the request contradicts the image."""
        from builder.derive.protect import contradictions, unknown_overrides
        from builder.lockfile import load

        lock = load(self.around.matrix.parent / "builder.lock")
        problems = [
            *unknown_overrides(self.wanted, self.held),
            *contradictions(self.wanted, self.held, matrix.cells, lock),
        ]
        if problems:
            raise InputError(problems)

    def resolve(self) -> Answer:
        """What has to be added; raises InputError."""
        from builder.derive import closure, conda

        distributions = closure.closure(self.wanted, self.held, self.site()) if self.wanted.requirements else ()
        records = conda.solve(self.wanted, self.held, self.site()) if self.wanted.conda else ()
        return Answer(distributions=distributions, conda=conda.packages(records))

    def reference(self, answer: Answer) -> str:
        """The tag that the content has: of what it stands on, and of everything added."""
        from builder.derive import locking

        name = self.request.name or "derived"
        return f"{name}:{self.held.cell.rpartition('/')[2]}-{locking.key(self.held.digest, answer)[:KEY]}"

    def settled(self, found: Derived, answer: Answer, *, dry_run: bool) -> Derived:
        """The image as it exists, or as it is made now."""
        from builder import locks
        from builder.bootstrap import cache_directory

        if answer.is_empty:
            tags = self.image.get("RepoTags") or [self.held.digest]
            return replace(found, reference=tags[0], digest=self.held.digest, outcome="nothing to add")
        if dry_run:
            return found
        lock = locks.acquire(cache_directory() / "locks", found.reference)
        if not isinstance(lock, locks.Lock):
            raise EngineError(f"{found.reference}: {lock} is deriving it", hint="wait for it, and derive again")
        try:
            return self.existing(found, answer) or self.made(found, answer)
        finally:
            lock.release()

    def existing(self, found: Derived, answer: Answer) -> Derived | None:
        """The image with that very tag, when it is what the tag says; verified again when the checks have changed."""
        from builder import engine, verified

        image = engine.inspect(self.client, found.reference)
        if image is None:
            return None
        assert_same(image, found.reference, self.key(answer))
        digest = str(image["Id"])
        if self.checks() in verified.passed(digest):
            return replace(found, digest=digest, outcome="unchanged")
        seconds = self.verify(digest, self.row(answer))
        return replace(found, digest=digest, outcome="verified", seconds={**found.seconds, "verify": seconds})

    def made(self, found: Derived, answer: Answer) -> Derived:
        """Make the layer and the image, verify it, and tag it."""
        from builder.derive import assemble, conda, wheelhouse
        from builder.derive.labels import labels
        from builder.scratch import scratch
        from builder.tagging import point

        began = time.monotonic()
        with scratch() as directory:
            wheels = wheelhouse.wheels(answer.distributions, self.site()) if answer.distributions else {}
            fetched = time.monotonic()
            records = conda.relocked(answer.conda, self.wanted, self.held, self.site())
            parts = assemble.Parts(
                wheels=wheels, records=records, hidden=assemble.hidden(self.client, self.held, answer)
            )
            before = self.image["Config"].get("Labels") or {}
            own = labels(before, self.row(answer), self.held, answer, self.key(answer))
            image, blob = assemble.built(self.client, self.held, parts, own, directory)
        built = time.monotonic()
        self.around.say(f"{found.reference}: {len(found.added)} added to {self.held.cell}, verifying")
        verifying = self.verify(image.digest, self.row(answer))
        point(self.client, found.reference, image.digest)
        seconds = {"fetch": round(fetched - began, 2), "build": round(built - fetched, 2), "verify": verifying}
        return replace(
            found, digest=image.digest, outcome="built", size=blob.size, seconds={**found.seconds, **seconds}
        )

    def key(self, answer: Answer) -> str:
        from builder.derive import locking

        return locking.key(self.held.digest, answer)

    def row(self, answer: Answer) -> dict[str, Any]:
        """What the derived image promises."""
        from builder.derive.contents import row_of
        from builder.derive.labels import row

        return row(row_of(self.image), answer)

    def extra_checks(self) -> tuple[Path, ...]:
        from builder.verify import extra_checks_of

        return extra_checks_of(self.around.matrix.parent / "templates", self.held.cell.partition("/")[0])

    def checks(self) -> str:
        from builder.verify import checks_version

        return checks_version(self.extra_checks())

    def verify(self, digest: str, row: Mapping[str, Any]) -> float:
        """Run every check of the base, and one for each package that was added; returns the seconds it took."""
        from builder import verified
        from builder.report import summary
        from builder.verify import verify

        report = verify(digest, expected_row=row, extra_checks=self.extra_checks(), log_dir=self.around.log_dir)
        failed = [f"    {one.name}: {one.message}" for one in report.results if one.outcome == "failed"]
        if failed:
            text = f"{digest}: what was added breaks what the image promises; it got no tag:\n" + "\n".join(failed)
            raise VerifyError(text, hint=f"python -m builder verify {digest}")
        verified.pass_of(report, self.checks(), self.around.say)
        self.around.say(f"{digest[:19]}: {summary(report)}")
        return report.seconds


def versions(answer: Answer) -> dict[str, str]:
    """What is added, by name."""
    python = {one.name: one.version for one in answer.distributions}
    return python | {one.name: one.version for one in answer.conda}


def assert_same(image: Mapping[str, Any], reference: str, key: str) -> None:
    """Raise EngineError when somebody gave that tag to another image."""
    from builder.names import LABEL_DERIVED

    label = (image["Config"].get("Labels") or {}).get(LABEL_DERIVED, "{}")
    try:
        found = json.loads(label).get("key")
    except (ValueError, AttributeError):
        found = None
    if found != key:
        raise EngineError(f"{reference} is on {image['Id']}, which is another image", hint=f"docker rmi {reference}")

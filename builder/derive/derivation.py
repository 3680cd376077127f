"""Makes the image of one request: resolves it by the lock or the index, then builds, verifies and tags."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build.oci_layout import ImageDocuments
from builder.build.tags import point
from builder.derive import flavour, labels, locked, lockfile
from builder.derive.bases import BaseImage
from builder.derive.lockfile import Answer
from builder.derive.request import Contents, Derived, ParsedRequest, Request, Surroundings
from builder.errors import EngineError, InputError, VerifyError
from builder.host.layer_cache import PackedLayer
from builder.matrix import rehearsal
from builder.matrix.promise import Promise
from builder.matrix.tags import derived_tag
from builder.wheels.downloads import GoneError

if TYPE_CHECKING:
    import docker

    from builder.dependencies.lockfile import Lock
    from builder.derive.destination import Destination
    from builder.host.site import Site
    from builder.matrix.load import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """One parsed request, its base, and the engine; `site` and `lock` are calls, as reading them takes time."""

    client: "docker.DockerClient"
    request: Request
    wanted: ParsedRequest
    base: BaseImage
    around: Surroundings
    site: Callable[[], "Site"]
    lock: Callable[[], "Lock"]

    @property
    def held(self) -> Contents:
        return self.base.held

    def run(self, matrix: "Matrix", *, dry_run: bool) -> Derived:
        """Resolves the request, writes its lock, and returns the image, made unless it exists.

        Raises InputError, EngineError, RegistryError, and VerifyError when a check fails.
        """
        began = time.monotonic()
        self.assert_real()
        asked = lockfile.question(self.wanted, self.held)
        file = self.lock_file
        known = lockfile.load(file, asked)
        answer = known or self.answered(matrix)
        if problems := locked.problems(answer, self.wanted, self.held):
            raise InputError([f"{file}: {one}" for one in problems], hint=lockfile.anew(file))
        if others := flavour.other_flavours(answer, self.held):
            raise InputError(others, hint=flavour.HINT)
        if not (known or dry_run):
            lockfile.save(file, lockfile.dump(asked, answer, self.held), asked)
        seconds = {"resolve": round(time.monotonic() - began, 2)}
        found = Derived(
            reference=f"{self.repository}:{self.tag(answer)}",
            digest="",
            base=self.held.digest,
            outcome="would be built",
            added=answer.versions,
            lock=file,
            seconds=seconds,
        )
        try:
            return self.settled(found, answer, dry_run=dry_run)
        except GoneError:
            # Nobody chose the versions in a lock of the cache, so it is deleted, and the request resolved anew.
            if not known or file != lockfile.remembered(asked):
                raise
            file.unlink(missing_ok=True)
            return self.run(matrix, dry_run=dry_run)

    def assert_real(self) -> None:
        """Raise InputError for a rehearsal as the base, whose labels the image would inherit."""
        labels = self.base.image["Config"].get("Labels") or {}
        rehearsal.refuse_tag(labels, self.request.base, "" if self.around.registry else self.repository)

    @property
    def lock_file(self) -> Path:
        """Where the lock of the request is."""
        return lockfile.file_of(self.request, lockfile.question(self.wanted, self.held))

    def answered(self, matrix: "Matrix") -> Answer:
        """What has to be added; raises InputError when the request contradicts the image or has no solution."""
        from builder.derive import closure, conda
        from builder.derive.contradictions import contradictions, unknown_overrides

        problems = unknown_overrides(self.wanted, self.held)
        problems += contradictions(self.wanted, self.held, matrix.cells, self.lock())
        if problems:
            raise InputError(problems)
        distributions = closure.closure(self.wanted, self.held, self.site()) if self.wanted.requirements else ()
        records = conda.solve(self.wanted, self.held, self.site()) if self.wanted.conda else ()
        return Answer(distributions=distributions, conda=conda.packages(records))

    @property
    def repository(self) -> str:
        return self.request.name or "derived"

    def tag(self, answer: Answer) -> str:
        """The tag that the content has: of what it stands on, and of everything added."""
        return derived_tag(self.held.promise, self.key(answer))

    def settled(self, found: Derived, answer: Answer, *, dry_run: bool) -> Derived:
        """The base when nothing has to be added, else the image, made unless it exists or this is a dry run."""
        from builder.host import mutex
        from builder.host.cache import cache_directory

        if answer.is_empty:
            tags = self.base.image.get("RepoTags") or [self.held.digest]
            return replace(found, reference=tags[0], digest=self.held.digest, outcome="nothing to add")
        if dry_run:
            return found
        lock = mutex.acquire(cache_directory() / "locks", found.reference)
        if not isinstance(lock, mutex.Mutex):
            raise EngineError(
                f"{found.reference}: {lock} is deriving this image now", hint="the same command when that has ended"
            )
        try:
            return self.existing(found, answer) or self.made(found, answer)
        finally:
            lock.release()

    def existing(self, found: Derived, answer: Answer) -> Derived | None:
        """The image that has the tag, verified again when the checks have changed; None when there is none.

        Raises EngineError when somebody gave the tag to another image.
        """
        from builder.host import engine
        from builder.verify import passed

        image = engine.inspect(self.client, found.reference)
        if image is None:
            return None
        labels.assert_same(image, found.reference, self.key(answer))
        digest = str(image["Id"])
        if self.checks() in passed.passed(digest):
            return self.sent_again(replace(found, digest=digest, outcome="unchanged"), answer)
        seconds = self.verify(digest, self.promise(answer))
        again = replace(found, digest=digest, outcome="verified", seconds={**found.seconds, "verify": seconds})
        return self.sent_again(again, answer)

    def sent_again(self, found: Derived, answer: Answer) -> Derived:
        """Publishes an image that existed already, when a registry was asked for and lacks it."""
        if self.around.registry is None:
            return found
        with self.there(answer) as there:
            if there.digest() != found.digest:
                image, layers, _ = self.layered(answer)
                if found.digest not in (image.digest, image.config_digest):
                    raise EngineError(
                        f"{found.reference}: this engine has {found.digest}, and the same request now gives"
                        f" {image.digest}: probably another version of this program made it",
                        hint=f"docker rmi {found.reference}, then the same command",
                    )
                there.store(image, layers)
                there.tag(image)
            return replace(found, published=str(there.to))

    def there(self, answer: Answer) -> "AbstractContextManager[Destination]":
        from builder.derive.destination import destination

        return destination(str(self.around.registry), self.repository, self.tag(answer), self.base.origin, self.site())

    def layered(self, answer: Answer) -> tuple[ImageDocuments, list[PackedLayer], float]:
        """The image's manifest and configuration, its own layers, and the seconds that fetching the wheels took."""
        from builder.derive import assemble, conda
        from builder.wheels import downloads

        began = time.monotonic()
        wheels = downloads.wheels(answer.distributions, self.site()) if answer.distributions else {}
        fetched = time.monotonic() - began
        records = conda.relocked(answer.conda, self.wanted, self.held, self.site(), self.lock_file)
        parts = assemble.Parts(
            wheels=wheels,
            distributions=answer.distributions,
            records=records,
            hidden=assemble.hidden(self.client, self.base, answer),
            replaced=assemble.replaced_by(answer, self.held),
        )
        before = self.base.image["Config"].get("Labels") or {}
        base = self.base.documents()
        published = replace(self.held, digest=base.digest)
        own = labels.labels(before, self.promise(answer), published, answer, self.key(answer))
        here, files = self.base.brought(self.client), self.base.files(self.client)
        compression = assemble.compression_of(base)
        layers = assemble.layers(
            self.client, here, parts, self.held, files, step=self.around.say, compression=compression
        )
        image = assemble.image(base, self.held, layers, own, has_conda=bool(records))
        return image, layers, round(fetched, 2)

    def made(self, found: Derived, answer: Answer) -> Derived:
        """Makes the layer and the image, verifies it, and tags it after that, here and in the registry."""
        began = time.monotonic()
        with ExitStack() as stack:
            there = stack.enter_context(self.there(answer)) if self.around.registry else None
            image, layers, fetched = self.layered(answer)
            digest = self.handed(image, layers, there)
            seconds = {"fetch": fetched, "build": round(time.monotonic() - began - fetched, 2)}
            self.around.say(f"{found.reference}: {len(found.added)} added to {self.held.promise.cell}, verifying")
            verifying = self.verify(digest, self.promise(answer))
            point(self.client, self.repository, self.tag(answer), digest)
            if there:
                there.store(image, layers)
                there.tag(image)
        return replace(
            found,
            digest=digest,
            outcome="built",
            size=sum(one.size for one in layers),
            published=str(there.to) if there else "",
            seconds={**found.seconds, **seconds, "verify": verifying},
        )

    def handed(self, image: ImageDocuments, layers: list[PackedLayer], there: "Destination | None") -> str:
        """Gives the engine the image: the new layers when it has the base, else a pull from the registry by digest.

        Returns the engine's name of it.
        """
        from builder.build import load_into_engine

        if self.base.is_here or there is None:
            return load_into_engine.load_layers(self.client, image, self.held.digest, layers)
        there.store(image, layers)
        return there.pull(self.client, image)

    def key(self, answer: Answer) -> str:
        return lockfile.key(self.held.digest, answer)

    def promise(self, answer: Answer) -> Promise:
        return labels.promise(self.held.promise, answer)

    def extra_checks(self) -> tuple[Path, ...]:
        from builder.verify.run_checks import extra_checks_of

        return extra_checks_of(self.around.matrix.parent / "templates", self.held.promise.framework)

    def checks(self) -> str:
        from builder.verify.run_checks import checks_version

        return checks_version(self.extra_checks())

    def verify(self, digest: str, promise: Promise) -> float:
        """Runs every check of the base and one for each added package; returns the seconds they took.

        Raises VerifyError with the checks that failed.
        """
        from builder.verify import passed
        from builder.verify.report import summary
        from builder.verify.run_checks import verify

        report = verify(
            digest,
            expected=promise,
            extra_checks=self.extra_checks(),
            log_dir=self.around.log_dir,
            seconds=self.around.verify_seconds,
        )
        failed = [f"    {one.name}: {one.message}" for one in report.results if one.outcome == "failed"]
        if failed:
            text = f"{digest}: failed its checks with these packages added, and got no tag:\n" + "\n".join(failed)
            raise VerifyError(text, hint=f"python -m builder verify {digest}")
        passed.pass_of(report, self.checks(), self.around.say)
        self.around.say(f"{digest[:19]}: {summary(report)}")
        return report.seconds

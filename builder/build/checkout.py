"""The repository that images are made from, and what it says of an image that exists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from builder.build.fingerprint import fingerprint_in
from builder.build.render import Rendered, current
from builder.build.tags import assert_measured
from builder.dependencies import lockfile
from builder.dependencies.lockfile import Lock
from builder.errors import InputError, VerifyError
from builder.host.cache import Say
from builder.host.limits import VERIFY_SECONDS
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_ROW, cell
from builder.matrix.promise import promise_of
from builder.matrix.spec import ImageSpec
from builder.verify import passed
from builder.verify.report import Verification
from builder.verify.run_checks import checks_version, extra_checks_of, verify


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The cells of a matrix, and the directory that holds templates/, images/ and builder.lock beside it."""

    root: Path
    cells: tuple[ImageSpec, ...]
    log_dir: Path = Path("logs")
    verify_seconds: float = VERIFY_SECONDS
    known: Mapping[str, Rendered] = field(default_factory=dict)
    """The cells that this run has rendered already, by name: what is said of their images is said of these files."""

    @cached_property
    def lock(self) -> Lock:
        """builder.lock, read once; raises StaleError, InputError."""
        return lockfile.load_from(self.root)

    def extra_checks(self, framework: str) -> tuple[Path, ...]:
        """The checks that a framework has besides the common ones."""
        return extra_checks_of(self.root / "templates", framework)

    def checks(self, framework: str) -> str:
        """The version of today's checks for a framework."""
        return checks_version(self.extra_checks(framework))

    def rendered(self, spec: ImageSpec) -> Rendered:
        """The cell with its files as the matrix gives them; raises StaleError when images/ or the lock is older."""
        return self.known.get(cell(spec)) or current(self.root, [lockfile.pin(spec, self.lock)])[0]


def spec_of(checkout: Checkout, image: str, labels: Mapping[str, str]) -> ImageSpec:
    """The cell whose row the image's label repeats; raises InputError when there is none, or no fingerprint."""
    found = next((spec for spec in checkout.cells if promise_of(spec).to_label() == labels.get(LABEL_ROW)), None)
    if found is None or not fingerprint_in(labels):
        what = "its label is no row of the matrix" if LABEL_ROW in labels else f"it has no label {LABEL_ROW}"
        what = f"its label {LABEL_FINGERPRINT} is no fingerprint" if found else what
        raise InputError(f"{image}: {what}", hint="python -m builder build, which labels, verifies and tags")
    return found


def verification_of(
    checkout: Checkout, spec: ImageSpec, digest: str, say: Say, *, since: datetime | None = None
) -> Verification:
    """The verification by today's checks that the digest passed here, at `since` or later, or that it passes now.

    Raises VerifyError when it does not pass.
    """
    known = passed.verification(digest, checkout.checks(spec.framework), since=since)
    return known or verified_now(checkout, spec, digest, say)


def verified_now(checkout: Checkout, spec: ImageSpec, digest: str, say: Say) -> Verification:
    """Verify the digest against its row, and remember that it passed; raises VerifyError when it does not."""
    extra = checkout.extra_checks(spec.framework)
    report = verify(
        digest,
        expected=promise_of(spec),
        extra_checks=extra,
        log_dir=checkout.log_dir,
        seconds=checkout.verify_seconds,
    )
    if not report.passed:
        failed = [result.name for result in report.results if result.outcome == "failed"]
        raise VerifyError(
            f"{cell(spec)}: nothing was done, these checks failed: {', '.join(failed)}",
            hint=f"python -m builder verify {digest}",
        )
    assert_measured(spec, report.measured)
    return passed.pass_of(report, checks_version(extra), say)

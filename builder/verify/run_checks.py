"""Verifies an image: runs the checks in one container of its digest. Every pin must be asserted by a check."""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import CancelledError, VerifyError
from builder.host import engine
from builder.host.limits import VERIFY_SECONDS
from builder.host.temporary import scratch
from builder.matrix.probes import LIST_PACKAGES
from builder.matrix.promise import Promise
from builder.verify.container import Ready, asked, assert_there, ready
from builder.verify.report import Report, Result

if TYPE_CHECKING:
    from builder.verify.checks.plugin import Checks, Subject

CHECKS = Path(__file__).parent / "checks"
PROBES = Path(__file__).parents[1] / "matrix" / "probes.py"
OF_EVERY_IMAGE = ("test_pins.py", "test_image.py", "test_mpi.py", "test_derived.py", "test_usable.py")
OF_A_FRAMEWORK = {"pytorch": ("test_pytorch.py",)}
# Nothing of the caller's: no configuration file, conftest, plugin, cache or option from outside.
PYTEST = (
    *("-c", os.devnull, "--rootdir", str(CHECKS), "--noconftest", "--import-mode=importlib", "--strict-markers", "-q"),
    *("-rA", "--tb=short", "--capture=sys", "--color=no", "-o", "junit_family=xunit2", "-o", "python_files=test_*.py"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:doctest", "-p", "no:threadexception"),
)
INPUT_OF_PYTEST = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST")


def verify(
    reference: str,
    *,
    expected: Promise | None = None,
    extra_checks: Sequence[Path] = (),
    log_dir: Path | None = None,
    seconds: float = VERIFY_SECONDS,
) -> Report:
    """Run every check against the image with this name or digest; after so many seconds the others fail unasked.

    Without `expected` the image's label says what it promises. Raises InputError for an image that is not ours,
    and what `checked` raises; the container is removed in every case.
    """
    with ready(reference) as image:
        return checked(image, expected=expected, extra_checks=extra_checks, log_dir=log_dir, seconds=seconds)


def checked(
    image: Ready,
    *,
    expected: Promise | None = None,
    extra_checks: Sequence[Path] = (),
    log_dir: Path | None = None,
    seconds: float = VERIFY_SECONDS,
) -> Report:
    """Run every check in the image's container. Not for two threads at once: pytest runs in this process.

    Raises VerifyError when the checks could not run, EngineError when the engine went away meanwhile, so that nothing
    is known, and CancelledError on Ctrl-C.
    """
    began = time.monotonic()
    with engine.translated(), logs(log_dir, image.digest) as (log, junit):
        subject = subject_of(image, expected, began + seconds)
        checks = run(subject, extra_checks, log, junit)
        is_failed = not checks.results or any(result.outcome == "failed" for result in checks.results)
        if is_failed and not checks.interrupted:  # perhaps as the engine or the container is gone
            assert_there(image)
        judge(checks, files_of(subject, extra_checks), log)
        packages = installed(image, began + seconds) if all(one.outcome != "failed" for one in checks.results) else {}
    return Report(
        reference=image.reference,
        digest=image.digest,
        promise=subject.promise,
        results=(*checks.results, *unread(subject.promise, checks)),
        measured=checks.measured,
        host=image.host,
        seconds=round(image.seconds + time.monotonic() - began, 2),
        junit=junit if log_dir else None,
        log=log if log_dir else None,
        packages=packages,
    )


def installed(image: Ready, deadline: float) -> dict[str, str]:
    """The Debian packages in a container, by name; none where it has no dpkg."""
    done = asked(image.container, LIST_PACKAGES, deadline=deadline)
    found = (line.split(" ") for line in done.stdout.splitlines() if line.count(" ") == 2)  # noqa: PLR2004 (status, name, version)
    return {name: version for _, name, version in found} if done.rc == 0 else {}


def checks_version(extra_checks: Sequence[Path] = ()) -> str:
    """The sha256 over the source of all checks. When it changes, images are verified again."""
    files = [
        PROBES,
        *sorted(CHECKS.glob("*.py")),
        *sorted(CHECKS.glob("*.yaml")),
        *sorted(extra_checks, key=lambda path: path.name),
    ]
    parts = [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def extra_checks_of(templates: Path, framework: str) -> tuple[Path, ...]:
    """The check files that a framework brings along. Its name may come from a label, so it never makes a path."""
    return tuple(sorted(file for file in templates.glob("*/test_*.py") if file.parent.name == framework))


def subject_of(image: Ready, expected: Promise | None, deadline: float) -> "Subject":
    from builder.verify.checks.plugin import Subject

    history = image.client.api.history(image.digest)  # type: ignore[no-untyped-call]
    return Subject(
        container=image.container,
        deadline=deadline,
        promise=expected or image.label,
        label=image.label,
        expected=expected,
        derived=image.derived,
        config=image.config,
        history=tuple(str(step.get("CreatedBy")) for step in history),
        has_gpu=image.host.gpu != "none",
    )


def run(subject: "Subject", extra_checks: Sequence[Path], log: Path, junit: Path) -> "Checks":
    """Run pytest in this process; what it found, however far it came."""
    import pytest

    from builder.verify.checks.plugin import Checks

    checks = Checks(subject)
    with log.open("w", encoding="utf-8") as stream, alone(), redirect_stdout(stream), redirect_stderr(stream):
        pytest.main([*PYTEST, f"--junit-xml={junit}", *files_of(subject, extra_checks)], plugins=[checks])
    return checks


def files_of(subject: "Subject", extra_checks: Sequence[Path]) -> list[str]:
    """The files whose checks the image has to pass."""
    return [str(path.resolve()) for path in (*own_checks(subject.promise.framework), *extra_checks)]


def judge(checks: "Checks", files: Sequence[str], log: Path) -> None:
    """Raise when the run says nothing about the image: it was interrupted, or no check could be collected or run."""
    hint = f"read {log}"
    if checks.interrupted:
        raise CancelledError("interrupted while the checks ran; the container is removed")
    if checks.unreadable:
        raise VerifyError(f"the checks cannot be collected: {'; '.join(checks.unreadable)}", hint=hint)
    if not checks.results:
        raise VerifyError(f"no check ran: {tail(log)}", hint=hint)
    if empty := [file for file in files if file not in checks.files]:
        raise VerifyError(f"{empty[0]}: holds no check: name its functions test_*", hint=hint)


def own_checks(framework: str) -> tuple[Path, ...]:
    """The package's checks for every image, and those for that framework where there are any."""
    return tuple(CHECKS / name for name in (*OF_EVERY_IMAGE, *OF_A_FRAMEWORK.get(framework, ())))


def shows_that_it_works(templates: Path, framework: str) -> bool:
    """Whether a check is for that framework alone: the others know only that its modules can be imported."""
    return framework in OF_A_FRAMEWORK or bool(extra_checks_of(templates, framework))


def unread(promise: Promise, checks: "Checks") -> list[Result]:
    """A failure for each pin that no check read and no failed check names."""
    failed = {result.name for result in checks.results if result.outcome == "failed"}
    missing = [pin for pin in promise.pins if pin not in checks.measured and f"pins: {pin}" not in failed]
    message = "the row has this pin, and no check has read it"
    return [Result(name=f"pins: {pin}", outcome="failed", message=message, seconds=0.0) for pin in missing]


def tail(log: Path) -> str:
    """The last line of a log that is not blank."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


@contextmanager
def logs(log_dir: Path | None, digest: str) -> Iterator[tuple[Path, Path]]:
    """The paths of the log and the JUnit file: in `log_dir`, else in a temporary directory."""
    name = f"verify-{digest.removeprefix('sha256:')[:12]}"
    with ExitStack() as stack:
        if log_dir is None:
            log_dir = stack.enter_context(scratch())
        log_dir.mkdir(parents=True, exist_ok=True)
        yield log_dir / f"{name}.log", log_dir / f"{name}.xml"


@contextmanager
def alone() -> Iterator[None]:
    """Hide the caller's pytest options, and load no plugin that happens to be installed."""
    before = {name: os.environ.pop(name) for name in INPUT_OF_PYTEST if name in os.environ}
    autoload = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(before if autoload is None else {**before, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": autoload})

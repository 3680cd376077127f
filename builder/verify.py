"""Verifies an image: the checks run against one container of its digest, and every pin must have been asserted."""

import contextlib
import hashlib
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from builder import engine
from builder.errors import CancelledError, EngineError, InputError, VerifyError
from builder.names import LABEL_HOST, LABEL_OWNER, LABEL_ROW
from builder.report import Report, Result, Row

if TYPE_CHECKING:
    import docker

    from builder.checks.plugin import Checks, Subject

CHECKS = Path(__file__).parent / "checks"
PROBES = Path(__file__).parent / "probes.py"
# Nothing of the caller's: no configuration file, conftest, plugin, cache or option from outside.
PYTEST = (
    *("-c", os.devnull, "--rootdir", str(CHECKS), "--noconftest", "--import-mode=importlib", "--strict-markers", "-q"),
    *("-rA", "--tb=short", "--capture=sys", "--color=no", "-o", "junit_family=xunit2", "-o", "python_files=test_*.py"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:doctest", "-p", "no:threadexception"),
)
INPUT_OF_PYTEST = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST")
SHARED_MEMORY = "512m"


def verify(
    reference: str,
    *,
    expected_row: Row | None = None,
    extra_checks: Sequence[Path] = (),
    log_dir: Path | None = None,
) -> Report:
    """Run every check against the image a name or a digest means.

    Without `expected_row` the image's label says what it promises. Not for two threads at once: pytest runs in
    this process. Raises InputError for an image that is not ours, VerifyError when the checks could not run,
    EngineError, and CancelledError on Ctrl-C; the container is removed in every case.
    """
    began = time.monotonic()
    with engine.connected() as client:
        digest, image = found(client, reference)
        label = promise(image)
        with logs(log_dir, digest) as (log, junit), container(client, digest) as identity:
            subject = subject_of(client, image, identity, label, expected_row)
            checks = run(subject, extra_checks, log, junit)
            packages = installed(client, identity)
    return Report(
        reference=reference,
        digest=digest,
        row=subject.row,
        results=(*checks.results, *unread(subject.row, checks)),
        measured=checks.measured,
        seconds=round(time.monotonic() - began, 2),
        junit=junit if log_dir else None,
        log=log if log_dir else None,
        packages=packages,
    )


def installed(client: "docker.DockerClient", container: str) -> dict[str, str]:
    """The Debian packages in a container, by name; none where it has no dpkg."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${Version}\\n"]
    done = client.containers.get(container).exec_run(query)
    found = (line.partition(" ") for line in str(done.output, "utf-8").splitlines())  # type: ignore[arg-type]
    return {name: version for name, _, version in found} if done.exit_code == 0 else {}


def promised(reference: str) -> Row:
    """The row that an image's label promises; raises InputError when it has none."""
    with engine.connected() as client:
        return promise(found(client, reference)[1])


def checks_version(extra_checks: Sequence[Path] = ()) -> str:
    """The sha256 over the source of all checks: an image verified by others is verified again."""
    files = [PROBES, *sorted(CHECKS.glob("*.py")), *sorted(extra_checks, key=lambda path: path.name)]
    parts = [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def extra_checks_of(templates: Path, framework: str) -> tuple[Path, ...]:
    """The check files that a framework brings along."""
    return tuple(sorted((templates / framework).glob("test_*.py")))


def found(client: "docker.DockerClient", reference: str) -> tuple[str, Mapping[str, Any]]:
    """The digest and the description of an image; raises EngineError."""
    image = engine.inspect(client, reference)
    if image is None:
        raise EngineError(f"{reference}: no such image on this engine", hint=f"docker pull {reference}")
    return str(image["Id"]), image


def promise(image: Mapping[str, Any]) -> Row:
    """The row in an image's label; raises InputError when it was not built here."""
    text = (image["Config"].get("Labels") or {}).get(LABEL_ROW)
    hint = "verify an image that `python -m builder build` made; `docker inspect` shows its labels"
    if text is None:
        raise InputError(f"{image['Id']}: it has no label {LABEL_ROW}, so nothing says what it promises", hint=hint)
    try:
        row = json.loads(text)
        return {**row, "pins": {**row["pins"]}, "framework": str(row["framework"])}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{image['Id']}: the label {LABEL_ROW} is not a row: {error!r}", hint=hint) from None


def subject_of(
    client: "docker.DockerClient", image: Mapping[str, Any], identity: str, label: Row, expected: Row | None
) -> "Subject":
    from builder.checks.plugin import Subject

    history = client.api.history(image["Id"])  # type: ignore[no-untyped-call]
    return Subject(
        container=identity,
        row=expected or label,
        label=label,
        expected=expected,
        config=image["Config"],
        history=tuple(str(step.get("CreatedBy")) for step in history),
        has_gpu=has_gpu(client),
    )


def has_gpu(client: "docker.DockerClient") -> bool:
    """Whether this engine can hand a GPU to a container."""
    return "nvidia" in (client.info().get("Runtimes") or {})


@contextlib.contextmanager
def container(client: "docker.DockerClient", digest: str) -> Iterator[str]:
    """A container of the image that does nothing, without a network; removed by its name, however far it came."""
    from docker.errors import NotFound
    from docker.types import DeviceRequest

    gpus = [DeviceRequest(count=-1, capabilities=[["gpu"]])] if has_gpu(client) else []
    name = f"framework-images-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        started = client.containers.run(
            digest,
            name=name,
            detach=True,
            entrypoint=["sleep", "infinity"],
            command=[],
            labels={LABEL_HOST: socket.gethostname(), LABEL_OWNER: str(os.getpid())},
            network_mode="none",
            init=True,
            shm_size=SHARED_MEMORY,
            device_requests=gpus,
        )
        yield str(started.id)
    finally:
        with contextlib.suppress(NotFound):
            client.api.remove_container(name, force=True, v=True)


def run(subject: "Subject", extra_checks: Sequence[Path], log: Path, junit: Path) -> "Checks":
    """Run pytest in this process; raises VerifyError when it collected nothing or could not run."""
    import pytest

    from builder.checks.plugin import Checks

    checks = Checks(subject)
    files = [str(path.resolve()) for path in (*own_checks(str(subject.row["framework"])), *extra_checks)]
    with log.open("w", encoding="utf-8") as stream, alone(), redirected(stream):
        code = pytest.main([*PYTEST, f"--junit-xml={junit}", *files], plugins=[checks])
    judge(checks, files, code, log)
    return checks


def judge(checks: "Checks", files: Sequence[str], code: int, log: Path) -> None:
    """Raise when the run says nothing about the image: interrupted, unreadable, or without a check."""
    hint = f"read {log}"
    if checks.interrupted:
        raise CancelledError("interrupted while the checks ran; the container is removed")
    if checks.unreadable:
        raise VerifyError(f"the checks cannot be collected: {'; '.join(checks.unreadable)}", hint=hint)
    if not checks.results:
        raise VerifyError(f"no check ran (pytest exits with {int(code)}): {tail(log)}", hint=hint)
    if empty := [file for file in files if file not in checks.files]:
        raise VerifyError(f"{empty[0]}: holds no check: name its functions test_*", hint=hint)


def own_checks(framework: str) -> tuple[Path, ...]:
    """The package's checks for every image, and those for that framework where there are any."""
    names = ("test_pins.py", "test_image.py", "test_mpi.py", f"test_{framework}.py")
    return tuple(CHECKS / name for name in names if (CHECKS / name).is_file())


def unread(row: Row, checks: "Checks") -> list[Result]:
    """A failure for each pin that no check has read and none has reported."""
    failed = {result.name for result in checks.results if result.outcome == "failed"}
    missing = [pin for pin in row["pins"] if pin not in checks.measured and f"pins: {pin}" not in failed]
    message = "the row has this pin, and no check has read it"
    return [Result(name=f"pins: {pin}", outcome="failed", message=message, seconds=0.0) for pin in missing]


def tail(log: Path) -> str:
    """The last line of a log that says something."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


@contextlib.contextmanager
def logs(log_dir: Path | None, digest: str) -> Iterator[tuple[Path, Path]]:
    """Where the log and the JUnit file go: below `log_dir`, or in a directory that is removed."""
    name = f"verify-{digest.removeprefix('sha256:')[:12]}"
    with contextlib.ExitStack() as stack:
        if log_dir is None:
            log_dir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log_dir.mkdir(parents=True, exist_ok=True)
        yield log_dir / f"{name}.log", log_dir / f"{name}.xml"


@contextlib.contextmanager
def redirected(stream: TextIO) -> Iterator[None]:
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hide the caller's pytest options, and keep plugins that happen to be installed out."""
    before = {name: os.environ.pop(name) for name in INPUT_OF_PYTEST if name in os.environ}
    autoload = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(before if autoload is None else {**before, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": autoload})

"""What a check file may use: the fixtures, the marker `applies`, and the record of what was asserted.

    host      testinfra's host, as the image's own user        root   the same container, as root
    promise   what the image promises: its label, or the row that the caller expects
    subject   the image from outside: its configuration, its history, its promise, whether a GPU is here
    measure   the version of a pin, read inside the image       python  runs a script, gives what it printed

A check that cannot run here calls `pytest.skip("not checked: WHY")`; it is reported so, and never as passed.
"""

import functools
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from builder.errors import harmless
from builder.matrix.derived_label import DerivedLabel
from builder.matrix.probes import PYTHON, Probe, bind
from builder.matrix.promise import Promise
from builder.verify.checks.backend import ShellBackend
from builder.verify.report import Outcome, Result

Python = Callable[..., str]
Ask = Callable[[str], CommandResult]
NOT_CHECKED = "not checked: "
EXCEPTION = re.compile(r"(E\s+)?([A-Za-z_]\w*\.)*[A-Z]\w*(Error|Exception|Exit)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A running container of the image under test, and what the engine knows of that image."""

    container: str
    deadline: float
    """When the whole verification is over, on the monotonic clock."""
    promise: Promise
    label: Promise
    expected: Promise | None
    derived: DerivedLabel | None
    """What somebody's own environment added; None for the image of a row."""
    config: Mapping[str, Any]
    history: tuple[str, ...]
    has_gpu: bool


class Checks:
    """The pytest plugin of one run; its public attributes are what the run found."""

    def __init__(self, subject: Subject) -> None:
        self.of = subject
        self.results: list[Result] = []
        self.measured: dict[str, str] = {}
        self.files: set[str] = set()
        self.interrupted = False
        self.unreadable: list[str] = []
        self.setup_seconds = 0.0

    @pytest.fixture(scope="session")
    def subject(self) -> Subject:
        return self.of

    @pytest.fixture(scope="session")
    def promise(self) -> Promise:
        return self.of.promise

    @pytest.fixture(scope="session")
    def host(self) -> Iterator[Host]:
        yield from connection(self.of, None)

    @pytest.fixture(scope="session")
    def root(self) -> Iterator[Host]:
        yield from connection(self.of, "0")

    @pytest.fixture(scope="session")
    def ask(self, host: Host) -> Ask:
        """What a command without values gave; run once, however many pins it answers for."""
        return functools.cache(host.run)

    @pytest.fixture(scope="session")
    def measure(self, ask: Ask) -> Callable[[Probe], str]:
        def measured(probe: Probe) -> str:
            done = ask(probe.command)
            if done.rc != 0:
                why = last_words(done.stderr or done.stdout)
                pytest.fail(f"{probe.pin}: it cannot be read ({probe.text}): exit code {done.rc}: {why}", pytrace=False)
            found = probe.measure(done.stdout)
            self.measured[probe.pin] = harmless(found)
            return found

        return measured

    @pytest.fixture(scope="session")
    def python(self, host: Host) -> Python:
        """Runs a script with the image's Python; gives what it printed, or fails with its last words."""

        def run(script: str, *, before: str = "", timeout: int = 120, survive: bool = False) -> str:
            done = host.run(f"cd /tmp && {before} {PYTHON} -c %s", script, timeout=timeout)
            if done.rc != 0 and not survive:
                pytest.fail(f"exit code {done.rc}: {last_words(done.stderr or done.stdout)}", pytrace=False)
            return str(done.stdout)

        return run

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "applies(when): collect only when the predicate holds for the Subject")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "pin" in metafunc.fixturenames:
            metafunc.parametrize("pin", sorted(self.of.promise.pins))
        if "distribution" in metafunc.fixturenames:
            metafunc.parametrize("distribution", sorted(self.of.derived.distributions if self.of.derived else ()))
        if "conda_package" in metafunc.fixturenames:
            metafunc.parametrize("conda_package", sorted(self.of.derived.conda if self.of.derived else ()))

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self.files |= {str(item.path) for item in items}
        out = [item for item in items if not self.applies(item)]
        items[:] = [item for item in items if item not in out]
        config.hook.pytest_deselected(items=out)

    def applies(self, item: pytest.Item) -> bool:
        return all(mark.kwargs["when"](self.of) for mark in item.iter_markers("applies"))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.unreadable.append(f"{report.nodeid}: {last_words(str(report.longrepr))}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        report.user_properties.append(("name", title(item)))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A check's time includes its fixtures', where the first of a group does the work of all."""
        name = str(dict(report.user_properties)["name"])
        if report.when == "setup":
            self.setup_seconds = report.duration
        if report.failed:
            self.add(name, "failed", reason(report), self.setup_seconds + report.duration)
        elif report.skipped:
            self.add(name, "not-checked", reason(report).removeprefix(NOT_CHECKED), report.duration)
        elif report.when == "call":
            self.add(name, "passed", "", self.setup_seconds + report.duration)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.interrupted = excinfo.type is KeyboardInterrupt  # pytest calls this for collection errors, too

    def add(self, name: str, outcome: Outcome, message: str, seconds: float) -> None:
        said = harmless(" ".join(message.split()))
        self.results.append(Result(name=name, outcome=outcome, message=said, seconds=round(seconds, 3)))


def connection(subject: Subject, user: str | None) -> Iterator[Host]:
    """A testinfra host over one shell, which ends with the run."""
    backend = ShellBackend(subject.container, user=user, deadline=subject.deadline)
    host = Host(backend)
    backend.set_host(host)
    yield host
    backend.close()


def title(item: pytest.Item) -> str:
    """The name people read: `image: user is not root`, or `pins: torch` for a check that is made of a pin."""
    group = item.path.stem.removeprefix("test_").replace("_", "-")
    call = getattr(item, "callspec", None)
    words = str(getattr(item, "originalname", item.name)).removeprefix("test_").replace("_", " ")
    if call is None:
        return f"{group}: {words}"
    return f"{group}: {call.id}" if words == "pin" else f"{group}: {words} {call.id}"


def reason(report: pytest.TestReport) -> str:
    """Why a check failed or did not run, in one line: the author's words, without pytest's rendering of values."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longrepr)
    lines = text.strip().removeprefix("AssertionError: ").removeprefix("Failed: ").splitlines()
    return next((line.strip() for line in lines if line.strip()), "no reason given")


def last_words(text: str) -> str:
    """The last exception an error output names, or else its last line that says something."""
    lines = [line.strip() for line in reversed(text.splitlines()) if re.search(r"[A-Za-z]", line)]
    return next((line for line in lines if EXCEPTION.match(line)), next(iter(lines), "no output"))


def pin_of(promise: Promise, name: str) -> Probe:
    """The probe of a promised pin."""
    return bind(name, promise.pins[name].probe)

"""Small projects for the command line to run in: a matrix of one framework, its templates, its lock."""

import json
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.support.command_line import ROOT, BackgroundRun, CommandResult, builder, environment

TOKEN = secrets.token_hex(4)
FRAMEWORK = f"toy-{TOKEN}"
REPOSITORY = f"framework-images-test-{TOKEN}"
"""What the names of this session's frameworks and repositories of images begin with."""
STACK = "python-debian12"
TEMPLATE = '{%% extends "platforms/" ~ spec.platform.name ~ ".j2" %%}\n{%% block finish %%}\n%s\n{%% endblock %%}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A small repository: one framework on the bootstrapped base, its matrix, templates, lock and images/."""

    root: Path
    site: Path
    framework: str
    repository: str
    logs: Path = field(init=False)
    scratch: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "logs", self.root / "logs")
        object.__setattr__(self, "scratch", self.root / "tmp")

    @property
    def cell(self) -> str:
        return f"{self.framework}/1.0.0-cpu-debian12"

    def run(self, *argv: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> CommandResult:
        return builder(*argv, cwd=self.root, scratch=self.scratch, env=env, before=before)

    def flags(self, *more: str) -> tuple[str, ...]:
        site = () if any(word.startswith("--site") for word in more) else (f"--site={self.site}",)
        return ("build", *more, *site, f"--repository={self.repository}", "--log-dir=logs")

    def build(self, *more: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> CommandResult:
        """`build` of the default version, or of what the flags select."""
        selected = () if any(word.startswith(("--version", "--all")) for word in more) else ("--version=1",)
        return self.run(*self.flags(*selected, *more), env=env, before=before)

    @contextmanager
    def started(self, *argv: str, env: Mapping[str, str] | None = None) -> Iterator[BackgroundRun]:
        """A run in the background, which is over when the block ends."""
        errors = self.root / f"stderr-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "builder", *argv]
        with errors.open("w", encoding="utf-8") as stream:
            surroundings = environment(env or {}, self.scratch)
            process = subprocess.Popen(
                command, cwd=self.root, env=surroundings, stdout=stream, stderr=stream, start_new_session=True
            )
            try:
                yield BackgroundRun(process=process, errors=errors, stream=stream)
            finally:
                process.kill()
                process.wait()

    def slow(self) -> str:
        """Give the image a step that takes minutes; returns words that only its processes on this machine have."""
        mark = f"mark-{secrets.token_hex(8)}"
        self.template(f"RUN echo begun {mark} && sleep 300")
        return mark

    def template(self, contents: str) -> None:
        """Give the image these further instructions, and render it; a comment makes it no other project's image."""
        text = TEMPLATE % f"# {self.repository}\n{contents}"
        (self.root / "templates" / f"{self.framework}.j2").write_text(text)
        self.render()

    def render(self) -> None:
        done = self.run("render")
        assert done.code == 0, done.err

    def check(self, source: str) -> None:
        """Give the framework a check of its own."""
        directory = self.root / "templates" / self.framework
        directory.mkdir(exist_ok=True)
        (directory / "test_own.py").write_text(source)

    @property
    def log(self) -> Path:
        """What the last build of the default version wrote; verification has a log of its own."""
        return self.logs / f"{self.cell.replace('/', '-')}.log"

    def tags(self) -> dict[str, str]:
        """Each tag of this project on the engine, and its digest."""
        command = ["docker", "images", "--no-trunc", "--format={{.Tag}} {{.ID}}", self.repository]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return dict(line.split() for line in listed.splitlines() if "<none>" not in line)


def small_matrix(framework: str, versions: Sequence[str] = ("1.0.0",), pins: Mapping[str, str] | None = None) -> str:
    """A matrix with the real platform and stack, and rows of one framework that holds a package or two."""
    real = yaml.safe_load((ROOT / "matrix.yaml").read_text("utf-8"))
    stack = real["stacks"][STACK]
    wanted = dict(pins or {"six": "1.17.0"})
    row = {"framework": framework, "devices": ["cpu"], "default-platform": "debian12", "pins": wanted}
    found = {
        "schema": real["schema"],
        "default-framework": framework,
        "frameworks": {framework: {"title": "Toy", "default-version": versions[0], "core": ["six"]}},
        "probes": {name: real["probes"].get(name, "python-distribution") for name in (*stack["pins"], *wanted)},
        "platforms": {"debian12": real["platforms"]["debian12"]},
        "stacks": {STACK: stack},
        "releases": [{**row, "version": one, "platforms": {"debian12": {"stack": STACK}}} for one in versions],
    }
    return str(yaml.safe_dump(json.loads(json.dumps(found)), sort_keys=False))


def make_project(
    directory: Path, *, site: Path, framework: str, repository: str, versions: Sequence[str] = ("1.0.0",)
) -> Project:
    """A project that still needs its lock."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "templates", directory / "templates")
    project = Project(root=directory, site=site, framework=framework, repository=repository)
    (directory / "matrix.yaml").write_text(small_matrix(framework, versions), "utf-8")
    (directory / "templates" / f"{framework}.j2").write_text(TEMPLATE % "")
    return project


NewProject = Callable[..., Project]
"""What the fixture `new_project` gives: `new_project(contents="", versions=("1.0.0",))`."""


def locked_project(
    directory: Path, site: Path, locked: Path, contents: str = "", versions: Sequence[str] = ("1.0.0",)
) -> Project:
    """A project with a name of its own, locked and rendered; `contents` are further instructions of its template."""
    token = secrets.token_hex(3)
    framework, name = f"{FRAMEWORK}-{token}", f"{REPOSITORY}-{token}"
    project = make_project(directory, site=site, framework=framework, repository=name, versions=versions)
    (project.root / "builder.lock").write_text(locked.read_text("utf-8").replace(FRAMEWORK, framework), "utf-8")
    project.template(contents)
    return project

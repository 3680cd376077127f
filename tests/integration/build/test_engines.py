"""Every verb that uses an engine, on engines of each kind: it works or refuses at once, as the table of the page says."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from builder.publish.signing import keys
from tests.support.base_cache import own_cache
from tests.support.command_line import ROOT, CommandResult, builder
from tests.support.engine_table import table
from tests.support.engines import KINDS
from tests.support.project import NewProject, Project
from tests.support.registries import Server
from tests.support.rotation import rotating
from tests.support.signing_keys import PASSWORD, make_key
from tests.support.wheels import write_wheel

OF_AN_IMAGE = ("run", "rerun", "runs")
"""Verbs whose image may be of any matrix."""
AT_ONCE = 20
"""Seconds within which a verb refuses."""
REFUSES = re.compile(r"^ *try: |builds cannot run here", re.MULTILINE)
"""What says so: the next step, or the last line of `doctor`, whose table has the steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A project on an engine, and how each verb is called there."""

    project: Project
    registry: str
    directory: Path
    env: Mapping[str, str]

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        project, directory = self.project, self.directory
        tag = f"{project.repository}:1.0-cpu"
        where = (f"--site={project.site}", f"--repository={project.repository}")
        pushed = f"{self.registry}/{tag}"
        return {
            "doctor": (f"--site={project.site}",),
            "plan": ("--version=1", *where),
            "build": ("--version=1", *where, "--log-dir=logs"),
            "reproduce": (project.cell, f"--site={project.site}", "--log-dir=logs"),
            "verify": (tag,),
            "tag": (tag, *where[1:]),
            "record": ("--version=1", f"--site={project.site}"),
            "explain": (tag, f"--site={project.site}"),
            "diff": (tag, tag),
            "sbom": (tag,),
            "image-info": ("--version=1", *where, f"--output={directory / 'info.json'}"),
            "docs": ("--version=1", *where, f"--output={directory / 'docs'}"),
            "reference": ("--version=1", *where),
            "push": ("--version=1", *where, f"--registry={self.registry}", "--log-dir=logs"),
            "attest": (pushed, f"--sign-key={directory / 'mine.key'}"),
            "audit": (pushed, f"--key={directory / 'mine.pub'}"),
            "derive": (
                *("--from=1.0-cpu", f"--site={directory / 'site.yaml'}", f"--repository={project.repository}"),
                *(f"--name={project.repository}-derived", "--pip-package=fipear", "--log-dir=logs"),
            ),
            "run": (
                f"--image={tag}",
                f"--source={directory / 'source'}",
                "--entry=train.py",
                f"--runs={directory}/runs",
            ),
            "rerun": ("last", f"--runs={directory}/runs"),
            "runs": (f"--runs={directory}/runs",),
            "clean": ("--dry-run",),
        }

    def run(self, verb: str) -> CommandResult:
        cwd = ROOT if verb in OF_AN_IMAGE else self.project.root
        return builder(verb, *self.words[verb], cwd=cwd, scratch=self.project.scratch, env=self.env)


@pytest.fixture
def tried(kind: str, new_project: NewProject, server: Server, prefix: str, tmp_path: Path) -> Iterator[Tried]:
    project = new_project()
    _, cache = own_cache(project)
    make_key(tmp_path, "mine")
    wheels = write_wheel(tmp_path / "wheels", "fipear", "1.0").parent
    site = {**yaml.safe_load(project.site.read_text("utf-8")), "pip": {"find-links": [str(wheels)]}}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/train.py").write_text("import six; print('trained')\n")
    with KINDS[kind]() as env:
        registry = f"{server.host}/{prefix}"
        every = {**cache, **env, keys.PASSWORD: PASSWORD}
        yield Tried(project=project, registry=registry, directory=tmp_path, env=every)


@pytest.mark.parametrize("kind", rotating(*KINDS))
def test_each_verb_works_or_refuses_as_the_page_says(kind: str, tried: Tried) -> None:
    said = {verb: row[kind] for verb, row in table().items()}
    wanted = {verb: word for verb, word in said.items() if word in {"yes", "no"}}
    found = {verb: outcome(tried.run(verb), word) for verb, word in wanted.items()}
    assert found == wanted


def outcome(done: CommandResult, wanted: str) -> str:
    """Whether it worked or refused; what it said where that is not what is wanted."""
    refused = done.code in {1, 125} and done.seconds < AT_ONCE and REFUSES.search(done.err)
    found = "yes" if done.code == 0 else "no" if refused else ""
    return found if found == wanted else f"exit {done.code} after {done.seconds:.0f} s: {done.err[-3000:]}"

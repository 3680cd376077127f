"""A fork of this repository: its own origin, a tree to commit in, and a matrix that a night can build in minutes."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.command_line import ROOT, builder
from tests.support.project import TEMPLATE

KEPT = "scikit-learn"
BROKEN = "broken"
AUTHOR = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """The tree in which somebody works, and where jobs check it out from."""

    tree: Path
    origin: Path

    def commit(self, message: str) -> None:
        git(self.tree, "add", "--all")
        git(self.tree, "commit", "--quiet", f"--message={message}")
        git(self.tree, "push", "--quiet", str(self.origin), "HEAD:main")

    def render(self) -> None:
        done = builder("render", cwd=self.tree, scratch=self.tree.parent / "tmp")
        assert done.code == 0, done.err

    def matrix(self) -> Any:
        return yaml.safe_load((self.tree / "matrix.yaml").read_text("utf-8"))

    def write_matrix(self, found: Any) -> None:
        plain = json.loads(json.dumps(found))  # else YAML would have anchors
        (self.tree / "matrix.yaml").write_text(yaml.safe_dump(plain, sort_keys=False), "utf-8")


def git(directory: Path, *words: str) -> str:
    done = subprocess.run(["git", *AUTHOR, *words], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fork(directory: Path) -> Fork:
    """What is in this working tree, committed on the branch main of a repository of its own."""
    found = Fork(tree=directory / "tree", origin=directory / "origin.git")
    listed = git(ROOT, "ls-files", "-co", "--exclude-standard", "-z").split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (found.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, found.tree / name)
    for place, words in ((found.tree, ()), (found.origin, ("--bare",))):
        git(directory, "init", "--quiet", "--initial-branch=main", *words, str(place))
    found.commit("what is there")
    return found


def keep_one_row(found: Fork) -> None:
    """Leave scikit-learn alone in the matrix, in what was rendered, and in the records."""
    matrix = found.matrix()
    rows = [one for one in matrix["releases"] if one["framework"] == KEPT]
    platforms = {name: one["stack"] for row in rows for name, one in row["platforms"].items()}
    stacks = {name: matrix["stacks"][name] for name in platforms.values()}
    pins = {name for one in (*rows, *stacks.values()) for name in one["pins"]}
    matrix |= {
        "default-framework": KEPT,
        "frameworks": {KEPT: matrix["frameworks"][KEPT]},
        "probes": {name: one for name, one in matrix["probes"].items() if name in pins},
        "platforms": {name: matrix["platforms"][name] for name in platforms},
        "stacks": stacks,
        "releases": rows,
    }
    del matrix["sources"], matrix["repositories"]
    found.write_matrix(matrix)
    records = yaml.safe_load((found.tree / "images/records.yaml").read_text("utf-8"))
    records["records"] = {name: one for name, one in records["records"].items() if name.startswith(KEPT)}
    (found.tree / "images/records.yaml").write_text(yaml.safe_dump(records), "utf-8")
    found.render()
    found.commit("one row")


def add_broken_row(found: Fork) -> None:
    """Add a framework with the same packages, of which no image can be built."""
    matrix = found.matrix()
    matrix["frameworks"][BROKEN] = {**matrix["frameworks"][KEPT], "title": "Broken"}
    matrix["releases"] += [{**one, "framework": BROKEN} for one in matrix["releases"]]
    found.write_matrix(matrix)
    (found.tree / f"templates/{BROKEN}.j2").write_text(TEMPLATE % "RUN exit 3", "utf-8")
    lock = json.loads((found.tree / "builder.lock").read_text("utf-8"))
    closures = lock["closures"]
    closures |= {name.replace(KEPT, BROKEN): one for name, one in closures.items() if name.startswith(KEPT)}
    (found.tree / "builder.lock").write_text(json.dumps(lock, indent=1) + "\n", "utf-8")
    found.render()
    found.commit("a row that fails")

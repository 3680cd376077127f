"""A second platform for a small project."""

import json
import shutil

import yaml

from tests.support.project import Project


def second_platform(project: Project) -> None:
    """The same base under another name, and a row for it."""
    matrix = yaml.safe_load((project.root / "matrix.yaml").read_text("utf-8"))
    (stack,) = matrix["stacks"].values()
    matrix["platforms"]["bookworm"] = matrix["platforms"]["debian12"]
    matrix["stacks"]["other"] = {**stack, "platform": "bookworm"}
    matrix["releases"][0]["platforms"]["bookworm"] = {"stack": "other"}
    (project.root / "matrix.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(matrix)), sort_keys=False), "utf-8")
    templates = project.root / "templates" / "platforms"
    shutil.copy2(templates / "debian12.j2", templates / "bookworm.j2")
    assert project.run("lock", f"--site={project.site}").code == 0
    project.render()

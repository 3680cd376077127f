"""The README says what the matrix says, and names only files, flags and verbs that exist."""

import re
from pathlib import Path

from builder.cli import VERBS
from builder.matrix import load
from builder.spec import ImageSpec

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CELLS = load(ROOT / "matrix.yaml").cells
STATUS = {True: "**built and verified** {}", False: "rendered, linted, locked"}


def status(specs: list[ImageSpec]) -> str:
    return STATUS[specs[0].built_on is not None].format(specs[0].built_on).rstrip() if specs else "none"


def rows() -> str:
    lines = ["| framework | release | platform | CPU | GPU |", "|---|---|---|---|---|"]
    for framework, version, platform in dict.fromkeys((s.title, s.version, s.platform.name) for s in CELLS):
        same = [s for s in CELLS if (s.title, s.version, s.platform.name) == (framework, version, platform)]
        cpu, gpu = ([s for s in same if s.device == device] for device in ("cpu", "gpu"))
        lines.append(f"| {framework} | {version} | {platform} | {status(cpu)} | {status(gpu)} |")
    return "\n".join(lines)


def test_the_table_of_rows_is_the_matrix() -> None:
    written = README.split("<!-- rows -->\n")[1].split("\n<!-- end of rows -->")[0]
    assert written == rows(), f"the table should be:\n{rows()}"


def test_every_verb_and_flag_it_names_exists() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "builder" / "flags").glob("*.py"))
    for verb in re.findall(r"python -m builder ([a-z-]+)", README):
        assert verb in VERBS
    for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - DOCKER_FLAGS:
        assert f'"{flag}"' in source, flag


DOCKER_FLAGS = {"--rm", "--gpus", "--shm-size", "--user", "--build-context"}


def test_the_make_targets_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)\b", README):
        if target != "it":
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

"""The README says what matrix and records say, and names only files, flags and verbs that exist."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from builder.__main__ import main
from builder.build.recorded import Note, Recorded, recorded
from builder.build.records import NOT_PROVED
from builder.catalogue.readme_table import table, with_table
from builder.commands.parser import VERBS
from builder.dependencies.cuda_wheels import MEANING, cuda_of
from builder.dependencies.lockfile import load as load_lock
from builder.errors import InputError
from builder.matrix.load import load
from builder.matrix.names import cell
from tests.support.records import RECORD

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {path: path.read_text("utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "builder/pages").glob("*.md")))}
TEXT = "\n".join(PAGES.values())
CELLS = load(ROOT / "matrix.yaml").cells
RECORDED = recorded(ROOT, CELLS)
CUDA = cuda_of(CELLS, load_lock(ROOT / "builder.lock"))


def test_the_table_of_rows_is_the_matrix_with_its_records() -> None:
    said = f"python -m builder docs --readme; the table should be:\n{table(CELLS, RECORDED, CUDA)}"
    assert with_table(README, CELLS, RECORDED, CUDA) == README, said


def test_each_state_has_words_of_its_own_and_a_rehearsal_says_what_it_does_not_prove() -> None:
    names = [cell(spec) for spec in CELLS[:4]]
    notes: tuple[Note, ...] = ("", "of an earlier matrix", "by earlier checks", "")
    found = {name: Recorded(record=RECORD, note=note) for name, note in zip(names, notes, strict=True)}
    found[names[3]] = Recorded(record=replace(RECORD, status="rehearsed"), note="")
    text = table(CELLS, found, {})
    lines = ["| **verified** 2026-11-28 | verified 2026-11-28, of an earlier matrix |"]
    lines += ["| verified 2026-11-28, by earlier checks | *rehearsed* 2026-11-28 |", "| rendered, linted, locked |"]
    assert [line in text for line in lines] == [True] * 3
    assert text.endswith(f"\n\n*rehearsed*: {NOT_PROVED}")
    assert NOT_PROVED not in table(CELLS, {}, {})


def test_a_cpu_row_with_the_wheel_of_the_gpu_row_says_so() -> None:
    name = "pytorch/1.6.0-cpu-debian12"
    text = table(CELLS, {name: Recorded(record=RECORD, note="")}, {name: "10.2"})
    assert (
        "| PyTorch | 1.6.0 | debian12 | **verified** 2026-11-28; torch with CUDA 10.2 | rendered, linted, locked |"
        in text
    )
    assert text.endswith(f"\n\n*torch with CUDA*: {MEANING}")


@pytest.mark.parametrize("text", ["", "<!-- rows -->", "<!-- rows -->\nx\n", "x\n<!-- end of rows -->\n"])
def test_a_readme_without_the_marks_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        with_table(text, CELLS, {}, {})


def test_the_verb_writes_and_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "matrix.yaml").write_text((ROOT / "matrix.yaml").read_text("utf-8"), "utf-8")
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- rows -->\nold\n<!-- end of rows -->\nafter\n", "utf-8")
    flags = ["docs", "--readme", f"--matrix={tmp_path}/matrix.yaml"]
    assert main([*flags, "--check"]) == 3
    assert "-old" in capsys.readouterr().out
    assert readme.read_text("utf-8").count("old") == 1
    assert main(flags) == 0
    assert main([*flags, "--check"]) == 0
    assert table(CELLS, {}, {}) in readme.read_text("utf-8")


def test_the_readme_is_short_and_links_to_every_page() -> None:
    assert len(README.splitlines()) <= 250
    links = {path: re.findall(r"\]\(([^)#:]+)\)", text) for path, text in PAGES.items()}
    assert [link for path, found in links.items() for link in found if not (path.parent / link).is_file()] == []
    linked = {(ROOT / link).resolve() for link in links[ROOT / "README.md"]}
    assert PAGES.keys() - linked == {ROOT / "README.md"}


def test_every_verb_and_flag_it_names_exists() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "builder" / "commands" / "flags").glob("*.py"))
    for verb in re.findall(r"python -m builder ([a-z-]+)", TEXT):
        assert verb in VERBS
    for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) - DOCKER_FLAGS - SCRIPT_FLAGS:
        assert f'"{flag}"' in source, flag


SCRIPT_FLAGS = {"--lr"}
"""Those of somebody's script, in examples."""
DOCKER_FLAGS = {"--rm", "--gpus", "--shm-size", "--user", "--build-context"}


def test_the_make_targets_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)\b", TEXT):
        if target != "it":
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

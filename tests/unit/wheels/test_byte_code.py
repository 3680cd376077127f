"""The program that compiles, here and in the Dockerfiles: the same bytes whatever else there is to compile."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.wheels import PROGRAM
from tests.support.pyenv import pyenv_python

PREFIX = "/opt/env"


def compiled(python: str, root: Path, target: Path) -> dict[str, bytes]:
    words = [python, "-s", "-S", str(PROGRAM), PREFIX, str(root), str(target)]
    environment = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "946684800"}
    subprocess.run(words, check=True, env=environment)
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in sorted(target.rglob("*.pyc"))}


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / PREFIX.lstrip("/") / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (0, 0))
    return root


@pytest.fixture(params=["this", "3.6"])
def python(request: pytest.FixtureRequest) -> str:
    """That of the tests, and an old one where this machine has it."""
    if request.param == "this":
        return sys.executable
    found = pyenv_python()
    if found is None:
        pytest.skip("no Python 3.6 on this machine")
    return str(found / "bin/python3")


def test_each_file_is_compiled_as_if_it_were_alone(python: str, tmp_path: Path) -> None:
    names = {
        f"p/m{number}.py": f"name = 'word{number % 3}'\ndef f(a, word1=1): return {{'word0', a}}\n"
        for number in range(9)
    }
    together = compiled(python, written(tmp_path / "all", names), tmp_path / "out")
    assert len(together) == len(names)
    for name, text in names.items():
        alone = compiled(python, written(tmp_path / name / "one", {name: text}), tmp_path / name / "out")
        assert alone.items() <= together.items()


def test_what_is_no_python_3_and_what_is_elsewhere_is_left_out(tmp_path: Path) -> None:
    root = written(tmp_path / "in", {"old.py": "print 'x'\n", "good.py": "x = 1\n", "data.txt": "x"})
    (root / "opt/env/bin").mkdir()
    (root / "opt/env/bin/tool.py").write_text("x = 1\n")
    (root / "opt/env/lib/link.py").symlink_to("good.py")
    found = compiled(sys.executable, root, tmp_path / "out")
    assert [Path(path).name.partition(".")[0] for path in found] == ["good"]


def test_the_code_names_the_place_in_the_image_and_the_time_of_its_source(tmp_path: Path) -> None:
    root = written(tmp_path / "in", {"good.py": "def f(): return __file__\n"})
    (code,) = compiled(sys.executable, root, tmp_path / "out").values()
    assert b"/opt/env/lib/good.py" in code
    assert str(tmp_path).encode() not in code
    flags = int.from_bytes(code[4:8], "little")
    assert flags == 0, "by time, as a hash is read at every import"

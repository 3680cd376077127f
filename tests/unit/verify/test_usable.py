"""What runs inside an image, on this machine's Python: modules that fail, crash, hang; libraries that are missing."""

import json
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from builder.verify.checks import expected_failures, find_libraries, import_modules
from builder.verify.checks.expected_failures import ImportOf, LibraryFailure, ModuleFailure
from tests.support.elf import write_library
from tests.support.wheels import write_wheel

CODE = {
    "fine": "import os\nos.write(1, b'noise')",
    "after": "",
    "fails": "import absent",
    "leaves": "raise SystemExit(3)",
    "quits": "import os\nos._exit(3)",
    "crashes": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    "hangs": "import time\nwhile True: time.sleep(1)",
    "shows": "print('{')",
}
ERRORS = {
    "fine": "",
    "after": "",
    "shows": "",
    "fails": "ModuleNotFoundError: No module named 'absent'",
    "leaves": "SystemExit: 3",
    "quits": "it ends Python: exit code 3",
    "crashes": "it crashes Python: signal 11",
    "hangs": "no answer in time, or killed for want of memory: its import hangs",
}
EXPECTED = ModuleFailure(module="fuse", of=Requirement("fusepy<4"), error="OSError: no", reason="by design")
DRIVER = LibraryFailure(soname="libcuda.so.1", files="*", reason="the driver's", is_of_driver=True)
native = pytest.mark.skipif(platform.machine() != "x86_64", reason="the libraries written here are of x86_64")


def installed(directory: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)


def ran(module: Path, *lines: str) -> str:
    script = "\n".join([module.read_text("utf-8"), *lines])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_module_has_its_error_whatever_the_others_do(tmp_path: Path) -> None:
    for name, code in CODE.items():
        installed(tmp_path / "site", write_wheel(tmp_path / "wheels", name, "1.0", more=code))
    lines = ("MODULE_SECONDS = 1.0", f"sys.path.append({str(tmp_path / 'site')!r})", "main(30.0)")
    answers = [json.loads(line) for line in ran(Path(import_modules.__file__), *lines).splitlines()]
    assert {name: error for name, _, _, error in answers} == ERRORS


def test_a_module_that_two_distributions_hold_is_asked_once(tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        installed(tmp_path / "site", write_wheel(tmp_path / "wheels", "twice", version))
    printed = ran(Path(import_modules.__file__), f"sys.path.append({str(tmp_path / 'site')!r})", "main(30.0)")
    assert [json.loads(line)[1:] for line in printed.splitlines()] == [["1.0", "twice", ""], ["2.0", "twice", ""]]


@pytest.mark.parametrize(
    ("files", "modules"),
    [
        (["a/__init__.py", "a/b.py"], ["a"]),
        (["six.py", "six-1.0.dist-info/RECORD", "../../bin/six"], ["six"]),
        (["_x.cpython-311-x86_64-linux-gnu.so"], []),
        (["google/api/core/__init__.py", "google/api/core/x.py"], ["google.api.core"]),
        (["shared/own/__init__.py", "shared/_private/__init__.py", "shared/__init__.py"], ["shared", "shared.own"]),
        (["a-b/x.py", "import/x.py", "a.libs/x.so", "a/data.txt"], []),
        (["__pycache__/six.cpython-311.pyc"], []),
        (["nvidia/cu13/lib/libcheckpoint.so", "nvidia/cu13/lib/libcufile.so.0"], []),
    ],
)
def test_modules_of_a_distribution(files: list[str], modules: list[str]) -> None:
    foreign = "_x.cpython-3" in files[0]
    found = import_modules.entries(files, {"shared"})
    assert sorted(found) == modules or (foreign and sorted(found) == ["_x"])


def looked(root: Path) -> dict[str, dict[str, list[str]]]:
    answer: dict[str, dict[str, list[str]]] = json.loads(ran(Path(find_libraries.__file__), f"main([{str(root)!r}])"))
    return answer


@native
def test_a_missing_library_is_found_out(tmp_path: Path) -> None:
    needs = write_library(tmp_path / "cv2.so", needed=["libGL.so.1.not-there", "libc.so.6"])
    assert looked(tmp_path) == {"missing": {"libGL.so.1.not-there": [str(needs)]}, "found": {"libc.so.6": [str(needs)]}}


@native
@pytest.mark.parametrize("runpath", ["$ORIGIN/../own", "/absent:${ORIGIN}/../own"])
def test_a_library_is_searched_where_the_file_says(tmp_path: Path, runpath: str) -> None:
    write_library(tmp_path / "own" / "libown.so.1")
    needs = write_library(tmp_path / "package" / "x.so", needed=["libown.so.1"], runpath=runpath)
    assert looked(tmp_path / "package") == {"missing": {}, "found": {"libown.so.1": [str(needs)]}}


@native
def test_a_library_of_another_machine_is_none(tmp_path: Path) -> None:
    write_library(tmp_path / "own" / "libown.so.1", machine=183)
    write_library(tmp_path / "package" / "x.so", needed=["libown.so.1"], runpath="$ORIGIN/../own")
    assert "libown.so.1" in looked(tmp_path / "package")["missing"]


@native
def test_what_a_module_loads_before_is_found_by_its_name(tmp_path: Path) -> None:
    write_library(tmp_path / "torch" / "lib" / "torch-1.so", soname="libtorch.so")
    write_library(tmp_path / "vision" / "x.so", needed=["libtorch.so"])
    assert looked(tmp_path)["missing"] == {}


@native
@pytest.mark.parametrize("length", [0, 3, 64, 100, 176, 200])
def test_a_damaged_file_is_no_library(tmp_path: Path, length: int) -> None:
    whole = write_library(tmp_path / "x.so", needed=["libabsent.so"])
    whole.write_bytes(whole.read_bytes()[:length])
    assert looked(tmp_path)["missing"] in ({}, {"": [str(whole)]})


@pytest.mark.parametrize(
    ("found", "pins", "words"),
    [
        (ImportOf("fusepy", "3.0.1", "fuse", "OSError: no libfuse"), {}, []),
        (ImportOf("fusepy", "3.0.1", "fuse", ""), {}, ["fuse is imported: delete its entry in expected_failures.yaml"]),
        (ImportOf("fusepy", "4.0", "fuse", "OSError: no"), {}, ["fusepy 4.0: import fuse: OSError: no"]),
        (ImportOf("fusepy", "3.0.1", "fuse", "another"), {}, ["fusepy 3.0.1: import fuse: another"]),
        (
            ImportOf("FusePy", "3.0.1", "fuse", "OSError: no"),
            {"fusepy": "3"},
            ["FusePy 3.0.1: import fuse: OSError: no"],
        ),
        (ImportOf("other", "1", "fuse", ""), {}, []),
        (
            ImportOf("cv", "1", "cv2", "ImportError: libGL.so.1: cannot open shared object file: No such file"),
            {},
            [
                "cv 1: import cv2: ImportError: libGL.so.1: cannot open shared object file: No such file (Debian's package of it is called libgl1)"
            ],
        ),
    ],
)
def test_an_expected_failure_covers_what_it_names(found: ImportOf, pins: dict[str, str], words: list[str]) -> None:
    assert expected_failures.of_modules([found], [EXPECTED], pins) == words


@pytest.mark.parametrize(
    ("missing", "found", "has_driver", "words"),
    [
        ({"libcuda.so.1": ["/a.so"]}, {}, False, ""),
        ({}, {"libcuda.so.1": ["/a.so"]}, True, ""),
        ({}, {"libcuda.so.1": ["/a.so"]}, False, "libcuda.so.1 is found: delete its entry"),
        ({"libGL.so.1": list("abcde")}, {}, False, "libGL.so.1, which a, b, c and 2 more needs, is not in the image"),
    ],
)
def test_an_expected_library(
    missing: dict[str, list[str]], found: dict[str, list[str]], has_driver: bool, words: str
) -> None:
    problems = expected_failures.of_libraries(missing, found, [DRIVER], has_driver=has_driver)
    assert "; ".join(problems).startswith(words)
    assert bool(problems) == bool(words)


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libGL.so.1", "libgl1"),
        ("libgomp.so.1", "libgomp1"),
        ("libICE.so.6", "libice6"),
        ("libmp3.so.4", "libmp3-4"),
        ("libx_y.so", "libx-y"),
    ],
)
def test_debian_names_a_package_by_its_library(library: str, package: str) -> None:
    assert expected_failures.package_of(library) == package


def test_each_expected_failure_says_why() -> None:
    known = expected_failures.known()
    reasons = [*(one.reason for one in known.modules), *(one.reason for one in known.libraries)]
    assert all(len(reason) > 20 for reason in reasons)

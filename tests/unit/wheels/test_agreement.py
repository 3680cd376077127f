"""What two wheels of a row hold at one path is compared before anything is built."""

import zipfile
from pathlib import Path

import pytest

from builder.errors import InputError
from builder.wheels.agreement import assert_agreeing
from builder.wheels.interpreter import Interpreter

PYTHON = Interpreter(
    python="3.11.2",
    site_packages="/opt/env/lib/python3.11/site-packages",
    links={"/opt/env/lib64": "/opt/env/lib"},
)


def write(directory: Path, name: str, files: dict[str, str]) -> Path:
    path = directory / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def test_the_same_bytes_at_one_path_are_no_problem(tmp_path: Path) -> None:
    both = {"shared/__init__.py": "", "shared/data.txt": "same"}
    files = {name: write(tmp_path, name, {**both, f"{name}.py": name}) for name in ("one", "two")}
    assert_agreeing(files, PYTHON)


def test_all_others_are_named_at_once_also_through_a_link(tmp_path: Path) -> None:
    one = write(
        tmp_path, "one", {"shared.py": "1", "one-1.0.data/data/lib/x.txt": "1", "one-1.0.data/scripts/tool": "1"}
    )
    two = write(
        tmp_path, "two", {"shared.py": "2", "two-1.0.data/data/lib64/x.txt": "2", "two-1.0.data/scripts/tool": "2"}
    )
    with pytest.raises(InputError) as caught:
        assert_agreeing({"one": one, "two": two}, PYTHON)
    paths = ("/opt/env/lib/python3.11/site-packages/shared.py", "/opt/env/lib/x.txt", "/opt/env/bin/tool")
    assert sorted(caught.value.problems) == sorted(
        f"two and one both hold {path}, with other content" for path in paths
    )
    assert "builder lock" in str(caught.value.hint)


def test_scripts_of_entry_points_and_files_below_files_are_seen(tmp_path: Path) -> None:
    one = write(
        tmp_path, "one", {"one-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = one:main\n", "data": "1"}
    )
    two = write(
        tmp_path, "two", {"two-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = two:main\n", "data/x": "2"}
    )
    with pytest.raises(InputError) as caught:
        assert_agreeing({"one": one, "two": two}, PYTHON)
    at = PYTHON.site_packages
    assert list(caught.value.problems) == [
        "two and one both hold /opt/env/bin/tool, with other content",
        f"two holds {at}/data/x, below {at}/data, which is a file of one",
    ]

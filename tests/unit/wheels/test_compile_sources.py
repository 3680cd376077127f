"""What a container answers is foreign: byte code is taken from the tar that our program writes, and from no other."""

import io
import tarfile
from pathlib import Path

import pytest

from builder.host.cache import SHAPE
from builder.wheels.compile_sources import ByteCode, is_source, places_in
from builder.wheels.interpreter import Interpreter

PYTHON = Interpreter(python="3.11.2", site_packages="/opt/env/lib/python3.11/site-packages", tag="cpython-311")
CODE = "opt/env/lib/__pycache__/a.cpython-311.pyc"


def tar_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def answer(directory: Path, files: dict[str, bytes]) -> Path:
    path = directory / "answer.tar"
    path.write_bytes(tar_of(files))
    return path


def test_each_layer_gets_its_own_byte_code(tmp_path: Path) -> None:
    file = answer(tmp_path, {"code.tar": tar_of({f"0/{CODE}": b"first", f"1/{CODE}": b"second"})})
    found = [ByteCode(file=file, places=places, interpreter=PYTHON) for places in places_in(file, 2)]
    assert [one.of("/opt/env/lib/a.py") for one in found] == [b"first", b"second"]
    assert found[0].of("/opt/env/lib/b.py") is None


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"other.tar": b""},
        {"code.tar": b"no tar"},
        {"code.tar": tar_of({f"2/{CODE}": b"x"})},
        {"code.tar": tar_of({f"x/{CODE}": b"x"})},
        {"code.tar": tar_of({"x": b"x"})},
    ],
)
def test_another_answer_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises((*SHAPE, tarfile.TarError)):
        places_in(answer(tmp_path, files), 2)


def test_a_link_in_the_place_of_the_answer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.tar"
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("code.tar")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises((*SHAPE, tarfile.TarError)):
        places_in(path, 1)


def test_only_the_libraries_of_the_environment_are_compiled() -> None:
    assert is_source("/opt/env/lib/python3.11/site-packages/a.py")
    assert not is_source("/opt/env/bin/tool.py")
    assert not is_source("/opt/env/lib/../../etc/a.py")

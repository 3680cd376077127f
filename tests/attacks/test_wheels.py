"""A wheel that somebody else made is refused in few lines, before it fills a disk or leaves its place."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from builder.derive.assemble import Parts, layer
from builder.derive.request import Contents
from builder.errors import InputError
from tests.support.corpus import cases
from tests.support.promises import promised

INFO = "toy-1.0.dist-info"
IMAGE = Contents(
    digest=f"sha256:{'1' * 64}",
    promise=promised(),
    python="3.11.2",
    glibc="2.36",
    distributions={},
    site_packages="/opt/env/lib/python3.11/site-packages",
)


def written(case: Any, path: Path) -> Path:
    """The wheel of a case."""
    metadata = f"Metadata-Version: 2.1\nName: {case.get('name', 'toy')}\nVersion: 1.0\n{case.get('metadata', '')}\n"
    wheel = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {"toy/__init__.py": "", f"{INFO}/METADATA": metadata, f"{INFO}/WHEEL": case.get("wheel", wheel)}
    files |= {**case.get("files", {}), **{f"toy/{number}": "" for number in range(case.get("many", 0))}}
    files[f"{INFO}/RECORD"] = case.get("record", "".join(f"{name},,\n" for name in (*files, f"{INFO}/RECORD")))
    files.pop(case.get("without"), None)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings(action="ignore"):
        for name, text in files.items():
            archive.writestr(name, text)
        if "twice" in case:
            archive.writestr(case["twice"], "other")
        if "zeros" in case:
            name, size = case["zeros"]
            archive.writestr(name, bytes(size))
    if "content" in case:
        path.write_text(case["content"])
    content = path.read_bytes()
    if "half" in case:
        path.write_bytes(content[: len(content) // 2])
    if "damaged" in case:
        path.write_bytes(content[:120] + bytes(20) + content[140:])
    return path


def test_the_good_wheel_is_taken(tmp_path: Path) -> None:
    wheel = written({}, tmp_path / "toy-1.0-py3-none-any.whl")
    assert layer(Parts(wheels={"toy": wheel}), IMAGE, tmp_path).size


@pytest.mark.parametrize("case", cases("wheels"))
def test_it_is_refused(case: Any, tmp_path: Path) -> None:
    wheel = written(case, tmp_path / "toy-1.0-py3-none-any.whl")
    with pytest.raises(InputError) as caught:
        layer(Parts(wheels={"toy": wheel}), IMAGE, tmp_path)
    assert case["says"] in caught.value.message
    assert all(one.isprintable() and one.strip() and not one.endswith(": ") for one in caught.value.problems)
    assert len(caught.value.problems) <= 10

"""Wheels that need no index."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

INFO = "toy-1.0.dist-info"


def write_wheel(
    directory: Path,
    name: str,
    version: str,
    requires: str = "",
    files: tuple[str, ...] = ("__init__.py",),
    more: str = "",
) -> Path:
    """Write a wheel of one package, whose modules hold its version and `more`."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    every = {f"{name}/{file}": f"version = '{version}'\n{more}" for file in files}
    every[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + (
        f"Requires-Dist: {requires}\n" if requires else ""
    )
    every[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{file},,\n" for file in (*every, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**every, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(file), text)
    return path


def write_toy(case: Any, path: Path) -> Path:
    """Write the wheel of `toy` 1.0 that a case of the corpus describes."""
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

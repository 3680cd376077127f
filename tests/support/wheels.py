"""Wheels that need no index."""

import zipfile
from pathlib import Path


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

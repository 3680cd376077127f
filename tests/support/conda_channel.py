"""A channel of conda in a directory, with packages that were made here."""

import hashlib
import io
import json
import tarfile
from pathlib import Path


def write_channel(directory: Path) -> str:
    """A channel of conda: a program that needs a library, and a package that needs conda's Python."""
    packages = {
        "hello": write_package(
            directory, "hello", {"bin/hello": "#!/bin/sh\necho hello from @PREFIX@\n"}, ["libhello >=1"]
        ),
        "libhello": write_package(directory, "libhello", {"lib/libhello.txt": "x"}, ["__glibc >=2.17"]),
        "pyhello": write_package(directory, "pyhello", {"x": "y"}, ["python"]),
        "python": write_package(directory, "python", {"bin/python": "no"}, []),
    }
    for subdir in ("linux-64", "noarch"):
        found = {f"{name}-1.0-0.tar.bz2": entry for name, entry in packages.items()} if subdir == "noarch" else {}
        text = json.dumps({"info": {"subdir": subdir}, "packages": found, "packages.conda": {}, "repodata_version": 1})
        (directory / subdir).mkdir(parents=True, exist_ok=True)
        (directory / subdir / "repodata.json").write_text(text, "utf-8")
    return directory.as_uri()


def write_package(directory: Path, name: str, files: dict[str, str], depends: list[str]) -> dict[str, object]:
    prefix = "/opt/placeholder_" + "p" * 60
    index = {
        "name": name,
        "version": "1.0",
        "build": "0",
        "build_number": 0,
        "depends": depends,
        "subdir": "noarch",
        "noarch": "generic",
    }
    paths, content = [], io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:bz2") as tar:
        for file, text in files.items():
            data = text.replace("@PREFIX@", prefix).encode()
            entry = {
                "_path": file,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(data).hexdigest(),
                "size_in_bytes": len(data),
            }
            paths.append(
                {**entry, **({"prefix_placeholder": prefix, "file_mode": "text"} if prefix in data.decode() else {})}
            )
            add(tar, file, data, 0o755 if file.startswith("bin/") else 0o644)
        add(tar, "info/index.json", json.dumps(index).encode())
        add(tar, "info/paths.json", json.dumps({"paths": paths, "paths_version": 1}).encode())
    data = content.getvalue()
    (directory / "noarch").mkdir(parents=True, exist_ok=True)
    (directory / "noarch" / f"{name}-1.0-0.tar.bz2").write_bytes(data)
    return {
        **index,
        "md5": hashlib.md5(data).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }


def add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))

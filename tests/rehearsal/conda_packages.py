"""Stand-ins for conda: its packages under their real names, a Python of our own in them, and an installer in Miniconda's form."""

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from builder.matrix.spec import CondaPackage

CHANNEL = "main/linux-64"
LIBRARIES = {
    "libffi": "libffi.so.6",
    "ncurses": "libncurses.so.5 libpanel.so.5 libtinfo.so.5",
    "openssl": "libcrypto.so.1.0.0 libssl.so.1.0.0",
    "readline": "libreadline.so.6",
    "sqlite": "libsqlite3.so.0",
    "xz": "liblzma.so.5",
    "zlib": "libz.so.1",
}
"""The libraries that the compiled Python needs, by the package of conda that has them in the original."""
Files = Mapping[str, bytes | Path]
INSTALLER = Path(__file__).with_name("miniconda.sh")


def pack(name: str, files: Files, prefix: str, directory: Path) -> None:
    """Write NAME-VERSION-BUILD.tar.bz2 with these files; what holds the prefix is to be given the real one."""
    short, version, build = name.rsplit("-", 2)
    index = {"name": short, "version": version, "build": build, "build_number": 0, "depends": [], "subdir": "linux-64"}
    paths, content = [], io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for path, file in sorted(files.items()):
            paths.append(added(tar, path, file, prefix))
        for path, text in {
            "info/index.json": json.dumps({**index, "arch": "x86_64", "platform": "linux"}),
            "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}),
            "info/files": "".join(f"{path}\n" for path in sorted(files)),
        }.items():
            added(tar, path, text.encode(), prefix)
    (directory / f"{name}.tar.bz2").write_bytes(bz2.compress(content.getvalue(), 1))


def packed(file: Path) -> CondaPackage:
    """A package of the channel as the lock holds it."""
    data = file.read_bytes()
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return CondaPackage(path=f"{CHANNEL}/{file.name}", md5=md5, sha256=hashlib.sha256(data).hexdigest())


def added(tar: tarfile.TarFile, path: str, file: bytes | Path, prefix: str) -> dict[str, object]:
    """Add a file or a link, without a clock; returns its entry in paths.json."""
    member = tarfile.TarInfo(path)
    member.mode = 0o755 if path.startswith("bin/") else 0o644
    if isinstance(file, Path) and file.is_symlink():
        member.type, member.linkname = tarfile.SYMTYPE, str(file.readlink())
        tar.addfile(member)
        return {"_path": path, "path_type": "softlink", "sha256": hashlib.sha256().hexdigest(), "size_in_bytes": 0}
    data = file.read_bytes() if isinstance(file, Path) else file
    member.size = len(data)
    member.mode = file.stat().st_mode & 0o755 | 0o644 if isinstance(file, Path) else member.mode
    tar.addfile(member, io.BytesIO(data))
    entry = {"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest()}
    mode = {"prefix_placeholder": prefix, "file_mode": "binary" if b"\0" in data else "text"}
    return {**entry, "size_in_bytes": len(data), **(mode if prefix.encode() in data else {})}


def tree(directory: Path) -> dict[str, bytes | Path]:
    """The files and links below a directory, by relative path."""
    return {
        path.relative_to(directory).as_posix(): path
        for path in sorted(directory.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def wheel(file: Path) -> dict[str, bytes | Path]:
    """The files of a wheel, where a Python of conda has them."""
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        return {f"lib/python3.6/site-packages/{name}": archive.read(name) for name in names}


def script(prefix: str, module: str) -> bytes:
    """A program that runs the module's `main`."""
    return f"#!{prefix}/bin/python\nimport sys\nfrom {module} import main\nsys.exit(main())\n".encode()


def environment(names: Iterable[str], python: Path, version: str, wheels: Mapping[str, Path], directory: Path) -> None:
    """Write the packages of the environment under the names of the originals, but for Python's version."""
    prefix = (python / "prefix").read_text("utf-8").strip()
    everything = tree(python / prefix.lstrip("/"))
    libraries = {f"lib/{file}" for text in LIBRARIES.values() for file in text.split()}
    for original in names:
        name = original.rsplit("-", 2)[0]
        files: Files = {f"share/rehearsal/{name}": f"A stand-in for {original}, made for a rehearsal.\n".encode()}
        if name == "python":
            original = f"python-{version}-rehearsal_0"  # noqa: PLW2901 (its own version)
            files = {path: file for path, file in everything.items() if path not in libraries}
        elif name in LIBRARIES:
            wanted = [f"lib/{file}" for file in LIBRARIES[name].split()]
            files = {**files, **{path: everything[path] for path in wanted}}
        elif name in wheels:
            files = {**wheel(wheels[name]), **({"bin/pip": script(prefix, "pip._internal")} if name == "pip" else {})}
        pack(original, files, prefix, directory)


def installer(packages: Iterable[Path], target: Path) -> None:
    """A script in Miniconda's form, which fills PREFIX/pkgs and links from there."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for file in sorted(packages):
            member = tarfile.TarInfo(file.name)
            member.size = file.stat().st_size
            with file.open("rb") as stream:
                tar.addfile(member, stream)
    target.write_bytes(INSTALLER.read_bytes() + content.getvalue())

"""The merged files of an image, as a container of it has them, to compare two images."""

import csv
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import docker

from builder.build import site_inputs
from builder.build.engine_export import Stream
from builder.host.site_discovery import load_site
from tests.support.command_line import builder

OF_THE_ENGINE = ("proc/", "sys/", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab", ".dockerenv")
"""What an engine puts into every container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePath:
    """One path: all that people and programs see of it."""

    kind: str
    mode: str
    owner: str
    mtime: int
    link: str
    content: str


def image_tree(client: docker.DockerClient, image: str) -> dict[str, TreePath]:
    """Every path of an image, without what an engine puts into a container."""
    container = client.containers.create(image)
    try:
        stream = io.BufferedReader(Stream(cast("Iterable[bytes]", container.export())))
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            return {one.name: path_of(one, tar) for one in tar if not is_of_the_engine(one.name)}
    finally:
        container.remove(force=True)


def is_of_the_engine(path: str) -> bool:
    return path.startswith(OF_THE_ENGINE) or path in ("dev", "etc") or path.startswith("dev/")


def path_of(entry: tarfile.TarInfo, tar: tarfile.TarFile) -> TreePath:
    stream = tar.extractfile(entry) if entry.isreg() else None
    content = hashed(entry.name, stream.read()) if stream else ""
    return TreePath(
        kind=entry.type.decode(),
        mode=oct(entry.mode),
        owner=f"{entry.uid}:{entry.gid}",
        mtime=int(entry.mtime),
        link=entry.linkname,
        content=content,
    )


def hashed(path: str, content: bytes) -> str:
    """The hash of a file; that of a RECORD, whose order nothing prescribes, is of its sorted rows.

    pip 21 states what a script was before it got its first line, and we what it is; the scripts are compared themselves.
    """
    if path.endswith(".dist-info/RECORD"):
        rows = csv.reader(content.decode().splitlines())
        content = repr(sorted(row[:1] if "/bin/" in row[0] else row for row in rows)).encode()
    return hashlib.sha256(content).hexdigest()


def tree_differences(first: dict[str, TreePath], second: dict[str, TreePath]) -> Iterator[str]:
    """A line for each path that is not the same in both."""
    for path in sorted(first.keys() | second.keys()):
        one, other = first.get(path), second.get(path)
        if one != other:
            yield f"{path}: {one} / {other}"


def baked(cell: str, tag: str, *, root: Path, site: Path, scratch: Path) -> None:
    """Has `docker buildx bake` build a cell's Dockerfile, whole, on this site, and give the image a tag."""
    done = builder("render", "--bake", f"--only={cell}", f"--site={site}", cwd=root, scratch=scratch)
    assert done.code == 0, done.err
    file = scratch / "bake.json"
    file.write_text(done.out, "utf-8")
    with site_inputs.secrets(load_site(site)) as files:
        secrets = [f"--set=*.secrets=id={name},src={path}" for name, path in files.items()]
        to = ("--set=*.output=type=image", f"--set=*.tags={tag}")
        name = next(iter(json.loads(done.out)["target"]))
        command = ["docker", "buildx", "bake", f"--file={file}", *to, *secrets, name]
        ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]

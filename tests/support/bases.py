"""A platform that can be bootstrapped, and a base of it that needs no bootstrap."""

import tarfile
from pathlib import Path

from builder.build import oci_layout
from builder.matrix.spec import Bootstrap, Platform

HASH = "0" * 64
PLATFORM = Platform(
    name="debian12",
    os_id="debian",
    os_version="12",
    glibc="2.36",
    base_image="debian:12",
    base_digest=f"sha256:{HASH}",
    toolchain_digest=f"sha256:{HASH}",
    bootstrap=Bootstrap(suite="bookworm", variant="minbase", include=("ca-certificates",)),
)


def write_layout(directory: Path, content: bytes = b"hello") -> str:
    """Write a base with one file, at `directory`; returns its digest."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    file = directory.parent / "file"
    file.write_bytes(content)
    tar = directory.parent / "root.tar"
    with tarfile.open(tar, "w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        with file.open("rb") as source:
            archive.addfile(entry, source)
    oci_layout.add_directory(tar, "./dev", 7)
    return oci_layout.write(tar, directory)

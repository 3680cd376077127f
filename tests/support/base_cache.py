"""A cache with a base in it, and a base that moves."""

import json
import re
import secrets
import shutil
from pathlib import Path

import zstandard

from builder.build import oci_layout
from builder.build.bases import ensure_base
from builder.host.cache import cache_directory
from builder.host.site_discovery import load_site
from builder.matrix.load import load
from tests.support.project import Project


def own_cache(project: Project) -> tuple[Path, dict[str, str]]:
    """A cache with the base of this host alone, and the environment that names it."""
    return cache_of(project.root, project.root / "matrix.yaml", project.site)


def cache_of(directory: Path, matrix: Path, site: Path) -> tuple[Path, dict[str, str]]:
    """The same for a matrix of one platform; the cache is below the directory."""
    cache = directory / "cache" / "framework-images"
    base = ensure_base(load(matrix).cells[0].platform, load_site(site), cache_directory())
    assert base.path
    shutil.copytree(base.path, cache / "bases" / base.path.name)
    return cache, {"XDG_CACHE_HOME": str(cache.parent)}


def move_base(cache: Path, scratch: Path) -> None:
    """As if the mirror had moved since: another base is the current one, and what was is an earlier one."""
    (current,) = (cache / "bases").glob("*-*")
    earlier = current.with_name(f"{current.name.partition('-')[0]}-{'0' * 16}")
    current.rename(earlier)
    (record,) = (cache / "toolchains").iterdir()
    record.write_text(record.read_text().replace(current.name, earlier.name))
    layout = json.loads((earlier / "index.json").read_text())["manifests"][0]["digest"]
    (layer,) = json.loads(oci_layout.blob(earlier, layout))["layers"]
    tar = scratch / "root.tar"
    tar.write_bytes(zstandard.decompress(oci_layout.blob(earlier, layer["digest"]), max_output_size=1 << 30))
    oci_layout.add_directory(tar, f"./srv/{secrets.token_hex(4)}", 7)
    oci_layout.write(tar, current)
    tar.unlink()


def stages_that_ran(project: Project) -> set[str]:
    """The stages of which the last build ran an instruction."""
    log = (project.root / "logs" / (project.cell.replace("/", "-") + ".log")).read_text()
    return set(re.findall(r"^ *[\d.]+ DONE \[(\S+) \d+/\d+\] (?:RUN|COPY)", log, re.MULTILINE))

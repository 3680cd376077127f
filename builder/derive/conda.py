"""Solves and links conda packages with rattler, on the host; neither the host nor the image needs conda.

An image whose environment is conda's gets the packages there, and every package it has is locked. Any other image gets
them in a prefix of their own, last on PATH. Programs and libraries work there; Python packages could not be imported.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.derive.lockfile import CondaPackage, anew
from builder.derive.request import Asked, Contents, ParsedRequest
from builder.errors import InputError
from builder.host.site import Site, redact, rewrite
from builder.host.temporary import scratch
from builder.matrix.probes import CONDA_BESIDE

if TYPE_CHECKING:
    import rattler

DEFAULT_CHANNELS = ("conda-forge",)


def prefix(held: Contents) -> str:
    """The directory in the image for conda packages."""
    return CONDA_BESIDE if held.conda is None else "/opt/env"


def solve(wanted: ParsedRequest, held: Contents, site: Site) -> tuple["rattler.RepoDataRecord", ...]:
    """The packages to add.

    Raises InputError when there is no solution, or a package of the image would get another version or build. It also
    does when a package needs conda's Python and the image has another.
    """
    if not wanted.conda:
        return ()
    specs = [one.text for one in wanted.conda]
    records = solved(specs, channels(wanted, site), held, [one.place for one in wanted.conda])
    here = {str(one["name"]): one for one in installed(held)}
    moved = [one for one in records if (old := here.get(one.name.normalized)) and not is_same(one, old)]
    if moved:
        raise InputError([moving(one, here[one.name.normalized], held) for one in moved])
    new = tuple(one for one in records if one.name.normalized not in here)
    if held.conda is None and any(one.name.normalized == "python" for one in new):
        raise InputError(
            f"{', '.join(specs)}: needs conda's own Python, and the Python of this image is not conda's:"
            " it could not import what conda installs",
            hint="--pip-package NAME, when the package index has it",
        )
    return new


def moving(one: "rattler.RepoDataRecord", old: dict[str, Any], held: Contents) -> str:
    new, before = f"{one.version} {one.build}", f"{old['version']} {old['build']}"
    return f"conda: {one.name.normalized}: {held.promise.cell} holds {before}, and the request would make it {new}"


def is_same(one: "rattler.RepoDataRecord", old: dict[str, Any]) -> bool:
    return (str(one.version), str(one.build)) == (str(old["version"]), str(old["build"]))


def installed(held: Contents) -> list[dict[str, Any]]:
    """The records of the packages in the image's conda environment; empty when it has none."""
    return [dict(json.loads(text)) for text in held.conda or ()]


def channels(wanted: ParsedRequest, site: Site) -> list["rattler.Channel"]:
    """The channels of the request, else conda-forge, with their URLs as the site rewrites them."""
    from rattler import Channel

    names = wanted.channels or DEFAULT_CHANNELS
    extra = [one.text.partition("::")[0] for one in wanted.conda if "::" in one.text]
    return [Channel(rewrite(Channel(name).base_url, site)) for name in dict.fromkeys([*names, *extra])]


def solved(
    specs: list[str], sources: list["rattler.Channel"], held: Contents, places: Sequence[str]
) -> list["rattler.RepoDataRecord"]:
    """Every package of the solution; raises InputError with rattler's explanation when there is none."""
    import rattler
    from rattler.exceptions import FetchRepoDataError, GatewayError, InvalidMatchSpecError, SolverError

    virtual = [
        rattler.GenericVirtualPackage(rattler.PackageName(name), rattler.Version(version), rattler.BuildString("0"))
        for name, version in (("__glibc", held.glibc), ("__linux", "4"), ("__unix", "0"), ("__archspec", "1"))
    ]
    with scratch() as directory:
        locked = prefix_records(directory, held)
        try:
            return asyncio.run(
                rattler.solve(
                    sources,
                    specs,
                    platforms=["linux-64", "noarch"],
                    locked_packages=list(locked),
                    virtual_packages=virtual,
                    constraints=[f"{one['name']}=={one['version']}" for one in installed(held)],
                    channel_priority=rattler.ChannelPriority.Strict,
                )
            )
        except (SolverError, GatewayError, FetchRepoDataError, InvalidMatchSpecError, OSError) as error:
            where = ", ".join(redact(str(one.base_url)) for one in sources)
            text = f"{', '.join(dict.fromkeys(places))}: conda finds no packages in {where}: {redact(str(error))}"
            raise InputError(text, hint="--channel URL, or a mirror of conda in site.yaml, under downloads") from None


def prefix_records(directory: Path, held: Contents) -> list["rattler.PrefixRecord"]:
    """The packages of the image's conda environment as rattler's records; writes them below `directory` first."""
    import rattler

    meta = directory / "conda-meta"
    meta.mkdir(exist_ok=True)
    found = []
    for one, text in zip(installed(held), held.conda or (), strict=True):
        file = meta / f"{one['name']}-{one['version']}-{one['build']}.json"
        file.write_text(text, "utf-8")
        found.append(rattler.PrefixRecord.from_path(file))
    return found


def packages(records: Sequence["rattler.RepoDataRecord"]) -> tuple[CondaPackage, ...]:
    """The packages as the lock writes them, sorted by name."""
    found = (
        CondaPackage(
            name=one.name.normalized,
            version=str(one.version),
            build=str(one.build),
            url=str(one.url),
            sha256=(one.sha256 or b"").hex(),
        )
        for one in records
    )
    return tuple(sorted(found, key=lambda one: one.name))


def linked(records: Sequence["rattler.RepoDataRecord"], held: Contents, directory: Path) -> Path:
    """A directory below `directory` with the packages linked for the image's prefix; no script of theirs is run."""
    import rattler

    root = directory / "conda"
    asyncio.run(
        rattler.install(
            list(records),
            root,
            installed_packages=prefix_records(directory, held) or None,
            execute_link_scripts=False,
            show_progress=False,
            alternative_target_prefix=prefix(held),
        )
    )
    return root


def files(root: Path) -> list[Path]:
    """Every file and link for the image, sorted, without the two files that record what this host did."""
    every = (Path(at) / name for at, directories, names in os.walk(root) for name in (*directories, *names))
    left_out = {root / "CACHEDIR.TAG", root / "conda-meta/history"}
    return sorted(one for one in every if (one.is_symlink() or one.is_file()) and one not in left_out)


def record(text: bytes) -> bytes:
    """A record of conda-meta without the paths where this host keeps the package."""
    found = json.loads(text)
    for name in ("link", "extracted_package_dir", "package_tarball_full_path"):
        found.pop(name, None)
    return json.dumps(found, indent=2, sort_keys=True).encode() + b"\n"


def relocked(
    locked: Sequence[CondaPackage], wanted: ParsedRequest, held: Contents, site: Site, lock: Path
) -> tuple["rattler.RepoDataRecord", ...]:
    """The records of the packages in the lock; raises InputError when the channels no longer have these files."""
    if not locked:
        return ()
    exact = tuple(
        Asked(text=f'{one.name}[version="=={one.version}",build="{one.build}"]', place=str(lock)) for one in locked
    )
    records = solve(replace(wanted, conda=exact), held, site)
    if packages(records) != tuple(locked):
        raise InputError(
            f"{lock}: conda's channels no longer have the files that this lock names",
            hint=anew(lock),
        )
    return records

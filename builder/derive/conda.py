"""conda's packages without conda: solved by rattler, and linked on the host for the prefix that the image has.

Where the environment is conda's own, what it holds is locked and packages join it. In any other image they get a
prefix of their own, last on PATH: programs and libraries work there, Python packages would not be importable.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.derive.lockfile import CondaPackage
from builder.derive.request import Asked, ImageContents, ParsedRequest
from builder.errors import InputError
from builder.host.site import Site, redact, rewrite
from builder.host.temporary import scratch
from builder.matrix.probes import CONDA_BESIDE

if TYPE_CHECKING:
    import rattler

DEFAULT_CHANNELS = ("conda-forge",)


def prefix(held: ImageContents) -> str:
    """Where conda's packages go in the image."""
    return CONDA_BESIDE if held.conda is None else "/opt/env"


def solve(wanted: ParsedRequest, held: ImageContents, site: Site) -> tuple["rattler.RepoDataRecord", ...]:
    """The packages to add; raises InputError when there is no solution, or it would move what the image holds."""
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
        raise InputError(not_importable(specs), hint="--pip-package NAME, where the package index has it")
    return new


def not_importable(specs: Sequence[str]) -> str:
    return (
        f"--conda-package {', '.join(specs)}: this needs conda's own Python, and the image has another:"
        " what is installed for the one cannot be imported by the other"
    )


def moving(one: "rattler.RepoDataRecord", old: dict[str, Any], held: ImageContents) -> str:
    new, before = f"{one.version} {one.build}", f"{old['version']} {old['build']}"
    return f"conda: {one.name.normalized} would become {new}, and the image {held.promise.cell} holds {before}"


def is_same(one: "rattler.RepoDataRecord", old: dict[str, Any]) -> bool:
    return (str(one.version), str(one.build)) == (str(old["version"]), str(old["build"]))


def installed(held: ImageContents) -> list[dict[str, Any]]:
    """The records of the image's own conda environment."""
    return [dict(json.loads(text)) for text in held.conda or ()]


def channels(wanted: ParsedRequest, site: Site) -> list["rattler.Channel"]:
    """The channels of the request, else the default ones, where the site has them."""
    from rattler import Channel

    names = wanted.channels or DEFAULT_CHANNELS
    extra = [one.text.partition("::")[0] for one in wanted.conda if "::" in one.text]
    return [Channel(rewrite(Channel(name).base_url, site)) for name in dict.fromkeys([*names, *extra])]


def solved(
    specs: list[str], sources: list["rattler.Channel"], held: ImageContents, places: Sequence[str]
) -> list["rattler.RepoDataRecord"]:
    """What rattler answers; raises InputError with its explanation."""
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
            raise InputError(text, hint="--channel, or downloads in site.yaml for a mirror of conda's") from None


def prefix_records(directory: Path, held: ImageContents) -> list["rattler.PrefixRecord"]:
    """What the image's environment holds, as rattler reads it."""
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
    """The records as the lock has them, by name."""
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


def linked(records: Sequence["rattler.RepoDataRecord"], held: ImageContents, directory: Path) -> Path:
    """A directory that holds the packages as they are to be in the image; no script of theirs is run."""
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
    """Every file and link to be in the image, in one order everywhere; not what tells the history of this host."""
    every = (Path(at) / name for at, directories, names in os.walk(root) for name in (*directories, *names))
    left_out = {root / "CACHEDIR.TAG", root / "conda-meta/history"}
    return sorted(one for one in every if (one.is_symlink() or one.is_file()) and one not in left_out)


def record(text: bytes) -> bytes:
    """A record of conda-meta without the places where this host keeps the package."""
    found = json.loads(text)
    for name in ("link", "extracted_package_dir", "package_tarball_full_path"):
        found.pop(name, None)
    return json.dumps(found, indent=2, sort_keys=True).encode() + b"\n"


def relocked(
    locked: Sequence[CondaPackage], wanted: ParsedRequest, held: ImageContents, site: Site
) -> tuple["rattler.RepoDataRecord", ...]:
    """The records of locked packages; raises InputError when a channel has other files under these names."""
    if not locked:
        return ()
    exact = tuple(
        Asked(text=f'{one.name}[version="=={one.version}",build="{one.build}"]', place="the lock") for one in locked
    )
    records = solve(replace(wanted, conda=exact), held, site)
    if packages(records) != tuple(locked):
        raise InputError("the lock: conda's channels no longer have these very files", hint="remove the lock")
    return records

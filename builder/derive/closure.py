"""Asks uv which wheels a request adds to an image. The distributions of the image are constraints; nothing is built.

uv finds each distribution of the image as a wheel with metadata only. So it needs no index for a version that only this
image has, such as a torch compiled here, and builds no source distribution to learn its requirements.
"""

import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import canonicalize_name

from builder.dependencies.resolve import TIMEOUT_SECONDS, compile_command, file_name, fitting
from builder.dependencies.wheel_tags import ranks
from builder.derive.contradictions import freed, name_of
from builder.derive.request import Asked, Contents, Held, ParsedRequest
from builder.errors import InputError
from builder.host.command import Command
from builder.host.process import run
from builder.host.site import Site, redact
from builder.host.temporary import scratch
from builder.matrix.spec import Distribution

EPOCH = (1980, 1, 1, 0, 0, 0)
WHEEL = "Wheel-Version: 1.0\nGenerator: framework-images\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def closure(wanted: ParsedRequest, held: Contents, site: Site) -> tuple[Distribution, ...]:
    """The wheels to add, sorted by name, without those that the image has.

    Raises InputError with uv's explanation when no set of versions satisfies the request.
    """
    free = freed(held, wanted.overrides)
    kept = {name: what for name, what in held.distributions.items() if name not in free}
    with scratch() as directory:
        for name, what in kept.items():
            stub(directory, name, what)
        question(directory, wanted, held, free, kept)
        result = run(command(directory, wanted, held, site), timeout=TIMEOUT_SECONDS)
        if result.exit_code:
            raise InputError(
                f"no versions satisfy the request and what {held.promise.cell} holds; uv says:\n"
                f"{indented(result.stderr, directory)}",
                hint=hint(wanted),
            )
        locked = tomllib.loads((directory / "pylock.toml").read_text("utf-8"))
    return tuple(sorted(added(locked, wanted, held, kept), key=lambda one: one.name))


def hint(wanted: ParsedRequest) -> str:
    more = "another " if wanted.overrides else ""
    return f"the same command with other versions, or with {more}--override NAME: the image's NAME may then be replaced"


def indented(said: str, directory: Path) -> str:
    """The resolver's words, without credentials and without the path of our temporary directory."""
    text = redact(said.strip()).replace(f"{directory}/", "")
    return "\n".join(f"  {line}" for line in text.splitlines())


def stub(directory: Path, name: str, what: Held) -> None:
    """Writes the wheel of a distribution that the image has: its metadata only, with nothing to install."""
    stem = f"{name.replace('-', '_')}-{what.version}"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {what.version}"]
    lines += [f"Requires-Python: {what.python}"] if what.python else []
    lines += [f"Requires-Dist: {text}" for text in what.requires]
    with zipfile.ZipFile(directory / f"{stem}-py3-none-any.whl", "w") as wheel:
        for file, text in (("METADATA", "\n".join(lines) + "\n"), ("WHEEL", WHEEL), ("RECORD", "")):
            wheel.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{file}", EPOCH), text)


def question(
    directory: Path, wanted: ParsedRequest, held: Contents, free: frozenset[str], kept: Mapping[str, Held]
) -> None:
    """Writes `requirements.in`, what is asked for, and `constraints.txt`, what must stay.

    Distributions that an override frees are asked for by name alone, so that uv picks a version for each.
    """
    again = sorted((free & held.distributions.keys()) - {name_of(one) for one in wanted.requirements})
    lines = [one.text for one in wanted.requirements] + again
    (directory / "requirements.in").write_text("\n".join(lines) + "\n", "utf-8")
    # `===`, because `==1.6.0` would also admit another build, such as 1.6.0+cpu.
    limits = [one.text for one in wanted.constraints] + [f"{name}==={what.version}" for name, what in kept.items()]
    (directory / "constraints.txt").write_text("\n".join(limits) + "\n", "utf-8")


def command(directory: Path, wanted: ParsedRequest, held: Contents, site: Site) -> Command:
    """The `uv pip compile` of a request; with `--no-build`, no package's code runs on this host."""
    wishes = ["--no-build", "--constraints", str(directory / "constraints.txt"), f"--find-links={directory}"]
    # Unasked, uv would take a pre-release of what has no release to install.
    wishes += ["--prerelease", "allow" if wanted.prereleases else "explicit"]
    question, answer = directory / "requirements.in", directory / "pylock.toml"
    return compile_command(held.python, held.glibc, site, question, answer, wishes)


def added(
    locked: Mapping[str, Any], wanted: ParsedRequest, held: Contents, kept: Mapping[str, Held]
) -> Iterator[Distribution]:
    """The wheel of each distribution that the image lacks, or has in another version."""
    accepted = ranks(held.python, held.glibc)
    for package in locked.get("packages", ()):
        name, version = str(package["name"]), str(package.get("version", ""))
        here = held.distributions.get(name)
        if name in kept or (here and here.version == version):
            continue
        yield file_of(name, version, package, wanted, accepted)


def file_of(
    name: str, version: str, package: Mapping[str, Any], wanted: ParsedRequest, accepted: Mapping[Tag, int]
) -> Distribution:
    """The wheel that fits the image best, of those whose hash the request admits; raises InputError when none does."""
    asked = [one for one in wanted.requirements if name_of(one) == name]
    if "archive" in package:
        return direct(name, package["archive"], asked)
    admitted = frozenset[str]().union(*(one.sha256 for one in asked))
    fits = fitting(package.get("wheels", ()), accepted)
    found = [one for one in fits if not wanted.hashed or one["hashes"]["sha256"] in admitted]
    if not found:
        raise no_wheel(name, version, asked, fits=bool(fits))
    return Distribution(name=name, version=version, file=file_name(found[0]), sha256=found[0]["hashes"]["sha256"])


def no_wheel(name: str, version: str, asked: Sequence[Asked], *, fits: bool) -> InputError:
    """The error for a distribution without a wheel to install; `fits` says that only its hashes are wrong."""
    what = f"{asked[0].place if asked else 'the request'}: {name} {version}"
    if not fits:
        text = f"{what}: none of its wheels is for the Python and glibc of the image"
        return InputError(text, hint=f"the same command with another version of {name}")
    why = "has none of the hashes listed for it" if asked else "is required too, and the request has no hash for it"
    return InputError(f"{what}: {why}", hint="list the hash of every file, dependencies included, or no hash")


def direct(name: str, archive: Mapping[str, Any], asked: Iterable[Asked]) -> Distribution:
    """The wheel that the request names by URL; its name and version are in the name of the file."""
    url = next(str(found.url) for one in asked if (found := Requirement(one.text)).url)
    file = file_name({"url": url.partition("#")[0]})
    version = file.split("-")[1]
    return Distribution(
        name=canonicalize_name(name), version=version, file=file, sha256=archive["hashes"]["sha256"], url=url
    )

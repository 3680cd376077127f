"""Asks uv which files a request adds to an image, with what the image holds as constraints; builds nothing.

What is there already is offered to uv as wheels that hold nothing but their metadata: so it neither asks an index
for a version that only this image has, nor builds a source distribution to learn what it requires.
"""

import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import canonicalize_name

from builder.dependencies.resolve import TIMEOUT_SECONDS, environment, file_name, ranked, uv_platform
from builder.dependencies.wheel_tags import tags
from builder.derive.contradictions import freed, name_of
from builder.derive.request import Added, Asked, Held, ImageContents, ParsedRequest
from builder.errors import InputError
from builder.host.command import Command
from builder.host.process import run
from builder.host.site import Site, redact
from builder.host.temporary import scratch

EPOCH = (1980, 1, 1, 0, 0, 0)
WHEEL = "Wheel-Version: 1.0\nGenerator: framework-images\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def closure(wanted: ParsedRequest, held: ImageContents, site: Site) -> tuple[Added, ...]:
    """What has to be added, by name: nothing that the image has. Raises InputError with the resolver's explanation."""
    free = freed(held, wanted.overrides)
    kept = {name: what for name, what in held.distributions.items() if name not in free}
    with scratch() as directory:
        for name, what in kept.items():
            stub(directory, name, what)
        question(directory, wanted, held, free, kept)
        result = run(compile_command(directory, wanted, held, site), timeout=TIMEOUT_SECONDS)
        if result.exit_code:
            raise InputError(f"nothing satisfies the request:\n{indented(result.stderr, directory)}", hint=hint(wanted))
        locked = tomllib.loads((directory / "pylock.toml").read_text("utf-8"))
    return tuple(sorted(added(locked, wanted, held, kept), key=lambda one: one.name))


def hint(wanted: ParsedRequest) -> str:
    word = "the clash is between overridden distributions and what stays" if wanted.overrides else "--override NAME"
    return f"ask for other versions; {word}: what the image holds is kept otherwise"


def indented(said: str, directory: Path) -> str:
    """The resolver's words, without credentials and without our own temporary names."""
    text = redact(said.strip()).replace(f"{directory}/", "")
    return "\n".join(f"  {line}" for line in text.splitlines())


def stub(directory: Path, name: str, what: Held) -> None:
    """A wheel of a distribution that the image has: its metadata, and nothing to install."""
    stem = f"{name.replace('-', '_')}-{what.version}"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {what.version}"]
    lines += [f"Requires-Python: {what.python}"] if what.python else []
    lines += [f"Requires-Dist: {text}" for text in what.requires]
    with zipfile.ZipFile(directory / f"{stem}-py3-none-any.whl", "w") as wheel:
        for file, text in (("METADATA", "\n".join(lines) + "\n"), ("WHEEL", WHEEL), ("RECORD", "")):
            wheel.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{file}", EPOCH), text)


def question(
    directory: Path, wanted: ParsedRequest, held: ImageContents, free: frozenset[str], kept: Mapping[str, Held]
) -> None:
    """Write what is asked, and what must not move. Companions that were freed are asked for by their bare name."""
    again = sorted((free & held.distributions.keys()) - {name_of(one) for one in wanted.requirements})
    lines = [one.text for one in wanted.requirements] + again
    (directory / "requirements.in").write_text("\n".join(lines) + "\n", "utf-8")
    # `===`, as a wheel with another local version, such as +cpu, is another build.
    limits = [one.text for one in wanted.constraints] + [f"{name}==={what.version}" for name, what in kept.items()]
    (directory / "constraints.txt").write_text("\n".join(limits) + "\n", "utf-8")


def compile_command(directory: Path, wanted: ParsedRequest, held: ImageContents, site: Site) -> Command:
    """The `uv pip compile` of a request; nothing is built, so no package's code runs here."""
    options = ["--python-version", held.python, "--python-platform", uv_platform(held.glibc), "--no-build"]
    options += ["--constraints", str(directory / "constraints.txt"), "--format", "pylock.toml"]
    options += ["--no-header", "--no-annotate", "--quiet", "--output-file", str(directory / "pylock.toml")]
    options += ["--prerelease", "allow"] if wanted.prereleases else []
    options += [f"--find-links={one}" for one in (directory, *site.find_links)]
    argv = (sys.executable, "-m", "uv", "pip", "compile", *options, str(directory / "requirements.in"))
    return Command(argv=argv, environment=environment(site))


def added(
    locked: Mapping[str, Any], wanted: ParsedRequest, held: ImageContents, kept: Mapping[str, Held]
) -> Iterator[Added]:
    """The file of each distribution that the image lacks."""
    ranks = {tag: rank for rank, tag in enumerate(tags(held.python, held.glibc))}
    for package in locked.get("packages", ()):
        name, version = str(package["name"]), str(package.get("version", ""))
        here = held.distributions.get(name)
        if name in kept or (here and here.version == version):
            continue
        yield file_of(name, version, package, wanted, ranks)


def file_of(
    name: str, version: str, package: Mapping[str, Any], wanted: ParsedRequest, ranks: Mapping[Tag, int]
) -> Added:
    """The best wheel for the image out of those the request admits; raises InputError."""
    asked = [one for one in wanted.requirements if name_of(one) == name]
    if "archive" in package:
        return direct(name, package["archive"], asked)
    admitted = frozenset[str]().union(*(one.sha256 for one in asked))
    fitting = sorted(ranked(package.get("wheels", ()), ranks), key=lambda pair: pair[0])
    found = [one for _, one in fitting if not wanted.hashed or one["hashes"]["sha256"] in admitted]
    if not found:
        place = asked[0].place if asked else "the request"
        why = "has none of the hashes it lists" if asked else "lists hashes, and none for this one, which it needs"
        what = f"{name} {version}: no wheel of it is for this image" if not fitting else f"{name} {version} {why}"
        raise InputError(f"{place}: {what}", hint="list the hash of every file, dependencies included, or no hash")
    return Added(name=name, version=version, file=file_name(found[0]), sha256=found[0]["hashes"]["sha256"])


def direct(name: str, archive: Mapping[str, Any], asked: Iterable[Asked]) -> Added:
    """The wheel behind a URL of the request."""
    url = next(str(found.url) for one in asked if (found := Requirement(one.text)).url)
    file = file_name({"url": url.partition("#")[0]})
    version = file.split("-")[1]
    return Added(name=canonicalize_name(name), version=version, file=file, sha256=archive["hashes"]["sha256"], url=url)

"""Asks the package index, through uv, for the closure of a row's Python and platform; builds nothing."""

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from builder.command import Command
from builder.errors import BuilderError
from builder.lockfile import Closure, asked, requirements
from builder.names import cell
from builder.process import run
from builder.scratch import scratch
from builder.site import Site
from builder.spec import Distribution, ImageSpec
from builder.version import order

TIMEOUT_SECONDS = 900.0
OLDEST_MANYLINUX = 5
UV_NEWEST = (2, 40)
UV_SPARSE = ((2, 17), (2, 28))
"""Below 2.31, uv knows only these: https://docs.astral.sh/uv/reference/cli/#uv-pip-compile--python-platform."""
ABI_FLAG_UNTIL = (3, 8)
LEGACY = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}


def resolve(spec: ImageSpec, site: Site) -> Closure:
    """The closure of one cell; raises BuilderError with the resolver's own explanation when there is none."""
    with scratch() as directory:
        question, answer = directory / "requirements.in", directory / "pylock.toml"
        question.write_text("\n".join(exact(found) for found in requirements(spec)) + "\n", "utf-8")
        command = compile_command(spec, site, question, answer)
        result = run(command, timeout=TIMEOUT_SECONDS)
        if result.exit_code:
            raise BuilderError(f"{cell(spec)}: no set of packages satisfies the row:\n{result.stderr.strip()}")
        locked = tomllib.loads(answer.read_text("utf-8"))
    return Closure(asked=asked(spec), distributions=tuple(sorted(chosen(spec, locked), key=lambda found: found.name)))


def compile_command(spec: ImageSpec, site: Site, question: Path, answer: Path) -> Command:
    """The `uv pip compile` of a cell: its Python, its glibc, and the site's index and directories."""
    options = ["--python-version", spec.value("python"), "--python-platform", uv_platform(spec)]
    options += ["--format", "pylock.toml", "--no-header", "--no-annotate", "--quiet", "--output-file", str(answer)]
    for directory in site.find_links:
        options += ["--find-links", str(directory)]
    # Indexes may carry credentials, and anyone on the machine can read a command line.
    environment = [("UV_INDEX_URL", site.pip_index_url)] if site.pip_index_url else []
    if site.pip_extra_index_urls:
        environment.append(("UV_EXTRA_INDEX_URL", " ".join(site.pip_extra_index_urls)))
    if site.ca_bundle:
        environment.append(("SSL_CERT_FILE", str(site.ca_bundle)))
    return Command(
        argv=(sys.executable, "-m", "uv", "pip", "compile", *options, str(question)), environment=tuple(environment)
    )


def exact(requirement: str) -> str:
    """The requirement without leave for a local version: a `+cpu` wheel in a directory must not answer a GPU row."""
    return requirement.replace("==", "===")


def uv_platform(spec: ImageSpec) -> str:
    """The newest platform uv knows that is not newer than the image's glibc."""
    glibc = order(spec.platform.glibc)[:2]
    if glibc < (2, 31):
        glibc = max(known for known in UV_SPARSE if known <= glibc)
    major, minor = min(glibc, UV_NEWEST)
    return f"x86_64-manylinux_{major}_{minor}"


def chosen(spec: ImageSpec, locked: Mapping[str, Any]) -> Iterator[Distribution]:
    """For each package the file that pip will take: the best wheel for the image, else the sdist."""
    ranks = {tag: rank for rank, tag in enumerate(tags(spec))}
    for package in locked["packages"]:
        wheels = sorted(ranked(package.get("wheels", ()), ranks), key=lambda pair: pair[0])
        found = wheels[0][1] if wheels else package.get("sdist")
        if found is None:
            raise BuilderError(f"{cell(spec)}: {package['name']} {package['version']} has no file for this platform")
        yield Distribution(
            name=package["name"], version=package["version"], file=file_name(found), sha256=found["hashes"]["sha256"]
        )


def file_name(found: Mapping[str, Any]) -> str:
    return unquote(str(found.get("url") or found["path"]).rsplit("/", 1)[-1])


def ranked(wheels: Iterable[Mapping[str, Any]], ranks: Mapping[Tag, int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The wheels that fit, each with the rank of its best tag; 0 fits best."""
    for wheel in wheels:
        fits = [ranks[tag] for tag in parse_wheel_filename(file_name(wheel))[3] if tag in ranks]
        if fits:
            yield min(fits), wheel


def tags(spec: ImageSpec) -> Iterator[Tag]:
    """The wheel tags the image's interpreter accepts, best first (PEP 425, PEP 600)."""
    python = order(spec.value("python"))[:2]
    interpreter = "cp" + "".join(map(str, python))
    abi = interpreter + ("m" if python < ABI_FLAG_UNTIL else "")
    platforms = list(manylinux(spec.platform.glibc))
    yield from cpython_tags(python, [abi], platforms)
    yield from compatible_tags(python, interpreter, platforms)


def manylinux(glibc: str) -> Iterator[str]:
    for minor in range(order(glibc)[1], OLDEST_MANYLINUX - 1, -1):
        yield f"manylinux_2_{minor}_x86_64"
        if minor in LEGACY:
            yield LEGACY[minor]
    yield "linux_x86_64"


def resolve_all(specs: Iterable[ImageSpec], site: Site) -> Iterator[tuple[ImageSpec, Closure]]:
    """Every cell with its closure; cells that ask the same question are asked once."""
    answers: dict[str, Closure] = {}
    for spec in specs:
        key = asked(spec)
        if key not in answers:
            answers[key] = resolve(spec, site)
        yield spec, answers[key]

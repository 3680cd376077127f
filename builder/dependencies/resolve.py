"""Asks the package index, through uv, for the closure of a cell's Python and platform. It builds nothing."""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from builder.dependencies.debian_packages import KEYWORDS
from builder.dependencies.lockfile import Closure, asked, name_of, requirements
from builder.dependencies.wheel_tags import ranks
from builder.errors import BuilderError, EngineError
from builder.host.command import Command
from builder.host.process import run
from builder.host.site import Site, redact
from builder.host.temporary import scratch
from builder.matrix.names import cell, closure
from builder.matrix.spec import Distribution, ImageSpec
from builder.matrix.version import order

TIMEOUT_SECONDS = 900.0
PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
NO_SOLUTION = "No solution found"
"""The first words of uv when the index answered and no version fits."""
UV_NEWEST = (2, 40)
UV_SPARSE = ((2, 17), (2, 28))
"""Below 2.31, uv knows only these: https://docs.astral.sh/uv/reference/cli/#uv-pip-compile--python-platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What may move: rows by glob, packages by name, or a keyword. Releases after `before` do not count."""

    upgrade: tuple[str, ...] = ()
    until: str | None = None

    def options(self, spec: ImageSpec) -> list[str]:
        """The flags of uv that say this for one cell."""
        flags = [f"--exclude-newer={self.until}"] if self.until else []
        for wish in self.upgrade:
            if wish in KEYWORDS:
                continue
            if PACKAGE.fullmatch(wish):
                flags.append(f"--upgrade-package={wish}")
            elif fnmatch(cell(spec), wish) or fnmatch(cell(spec).partition("/")[2], wish):
                flags.append("--upgrade")
        return flags


def resolve(spec: ImageSpec, site: Site, before: Closure | None, wishes: Wishes) -> Closure:
    """The closure of one cell, with the versions it had `before` where they still fit.

    Raises BuilderError with the resolver's own explanation when there is none.
    """
    with scratch() as directory:
        question, answer = directory / "requirements.in", directory / "pylock.toml"
        question.write_text("\n".join(exact(found) for found in requirements(spec)) + "\n", "utf-8")
        if before:
            answer.write_text(preferences(before), "utf-8")
        python, glibc = spec.value("python"), spec.platform.glibc
        indexes = site if spec.cpu_wheels else replace(site, pip_cpu_index_url=None)
        command = compile_command(python, glibc, indexes, question, answer, wishes.options(spec))
        try:
            result = run(command, timeout=TIMEOUT_SECONDS)
        except EngineError:
            raise silent(spec, site) from None
        if result.exit_code:
            raise refused(spec, redact(result.stderr.strip()))
        locked = tomllib.loads(answer.read_text("utf-8"))
    return Closure(asked=asked(spec), distributions=tuple(sorted(chosen(spec, locked), key=lambda found: found.name)))


def silent(spec: ImageSpec, site: Site) -> BuilderError:
    """The error of an index that keeps the resolver waiting. uv limits silence, but not slowness."""
    indexes = " and ".join(site.pip_indexes) or "the package index"
    what = f"{cell(spec)}: no answer within {TIMEOUT_SECONDS:.0f} s from {redact(indexes)}"
    return BuilderError(what, hint=f"python -m builder doctor; {name_of(spec)} is as it was")


def refused(spec: ImageSpec, said: str) -> BuilderError:
    """The error of a resolver without a result: no version fits, or the index gave no proper answer."""
    if NO_SOLUTION in said:
        hint = "the row and this site's index do not fit: change the pin, or name another index in site.yaml"
        return BuilderError(f"{cell(spec)}: no set of packages satisfies the row:\n{said}", hint=hint)
    hint = f"python -m builder doctor; {name_of(spec)} is as it was"
    return BuilderError(f"{cell(spec)}: the package index gave no usable answer:\n{said}", hint=hint)


def preferences(before: Closure) -> str:
    """A pylock.toml of the versions to keep: uv prefers what its output file already holds (PEP 751)."""
    entries = (f'[[packages]]\nname = "{d.name}"\nversion = "{d.version}"\n' for d in before.distributions)
    return 'lock-version = "1.0"\ncreated-by = "framework-images"\n' + "".join(entries)


def compile_command(
    python: str, glibc: str, site: Site, question: Path, answer: Path, wishes: Iterable[str]
) -> Command:
    """The `uv pip compile` for a Python and a glibc, with the site's index and directories; `wishes` are more flags."""
    options = ["--python-version", python, "--python-platform", uv_platform(glibc), *wishes]
    options += ["--format", "pylock.toml", "--no-header", "--no-annotate", "--quiet", "--output-file", str(answer)]
    options += [f"--find-links={directory}" for directory in site.find_links]
    argv = (sys.executable, "-m", "uv", "pip", "compile", *options, str(question))
    return Command(argv=argv, environment=environment(site))


def environment(site: Site) -> tuple[tuple[str, str], ...]:
    """The variables that tell uv the indexes and the CA bundle of a site."""
    # Indexes may carry credentials, and anyone on the machine can read a command line.
    found = [("UV_INDEX_URL", site.pip_index_url)] if site.pip_index_url else []
    if site.pip_further_index_urls:
        found.append(("UV_EXTRA_INDEX_URL", " ".join(site.pip_further_index_urls)))
    if site.pip_cpu_index_url:
        # It may list a few releases of much else, and would be the only index asked for these.
        found.append(("UV_INDEX_STRATEGY", "unsafe-best-match"))
    if site.ca_bundle:
        found.append(("SSL_CERT_FILE", str(site.ca_bundle)))
    return tuple(found)


def exact(requirement: str) -> str:
    """The requirement without local versions: a `+cpu` wheel in a directory must not answer a GPU row."""
    return requirement.replace("==", "===")


def uv_platform(glibc: str) -> str:
    """The newest platform of uv that runs on this glibc."""
    found = order(glibc).release[:2]
    if found < (2, 31):
        found = max(known for known in UV_SPARSE if known <= found)
    major, minor = min(found, UV_NEWEST)
    return f"x86_64-manylinux_{major}_{minor}"


def chosen(spec: ImageSpec, locked: Mapping[str, Any]) -> Iterator[Distribution]:
    """For each package the file that pip chooses: the best wheel for the image, else the sdist."""
    accepted = ranks(spec.value("python"), spec.platform.glibc)
    for package in locked["packages"]:
        found = next(iter(fitting(package.get("wheels", ()), accepted)), package.get("sdist"))
        if found is None:
            raise BuilderError(f"{cell(spec)}: {package['name']} {package['version']} has no file for this platform")
        yield Distribution(
            name=package["name"], version=package["version"], file=file_name(found), sha256=found["hashes"]["sha256"]
        )


def file_name(found: Mapping[str, Any]) -> str:
    return unquote(str(found.get("url") or found["path"]).rsplit("/", 1)[-1])


def fitting(wheels: Iterable[Mapping[str, Any]], accepted: Mapping[Tag, int]) -> list[Mapping[str, Any]]:
    """The wheels that fit, the best first; a wheel ranks as its best tag does."""

    def rank(wheel: Mapping[str, Any]) -> int:
        own = parse_wheel_filename(file_name(wheel))[3]
        return min((accepted[tag] for tag in own if tag in accepted), default=len(accepted))

    return sorted((wheel for wheel in wheels if rank(wheel) < len(accepted)), key=rank)


def resolve_all(
    specs: Iterable[ImageSpec], site: Site, before: Mapping[str, Closure], wishes: Wishes
) -> Iterator[tuple[ImageSpec, Closure]]:
    """Every cell with its closure; cells that ask the same question are asked once."""
    answers: dict[object, Closure] = {}
    for spec in specs:
        question = (asked(spec), tuple(wishes.options(spec)), before.get(closure(spec)))
        if question not in answers:
            answers[question] = resolve(spec, site, before.get(closure(spec)), wishes)
        yield spec, answers[question]

"""A pinned cell as the files of its build context: pure, sandboxed, and the same bytes for the same input."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from fnmatch import fnmatch
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from builder.build.contexts import Files, existing, quoted
from builder.errors import InputError, StaleError
from builder.matrix.names import cell, context
from builder.matrix.promise import promise_of
from builder.matrix.spec import CONDA, EPOCH, CondaPackage, Distribution, ImageSpec, PinnedImage, Source
from builder.matrix.version import matches
from builder.wheels import PROGRAM

UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")
REPOSITORY_TOOLS = ("apt-transport-https", "ca-certificates", "gnupg")
"""What xenial's apt needs to read an https repository and to check the key that signs it."""
INSTALLER = ("pip", "setuptools", "wheel")
SOURCE = "source"
"""The layer of what is compiled, and is no component of its own."""
BYTE_CODE = "byte_code.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A pinned cell and the files of its build context, by relative path."""

    pinned: PinnedImage
    files: Files


def environment(templates: Path) -> ImmutableSandboxedEnvironment:
    """The sandbox that renders `templates`: an undefined name is an error, and no template can reach Python."""
    jinja = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    jinja.filters["quoted"] = quoted
    jinja.tests["version"] = lambda value, wanted: matches(wanted, value)
    return jinja


def current(root: Path, images: Iterable[PinnedImage]) -> list[Rendered]:
    """Each image with its rendered files; raises StaleError when `images/` below `root` holds others."""
    jinja = environment(root / "templates")
    rendered = [Rendered(pinned=image, files=render(image, jinja)) for image in images]
    if stale := [cell(one.pinned.spec) for one in rendered if existing(root / context(one.pinned.spec)) != one.files]:
        raise StaleError(
            f"images/ is not what the matrix gives for {', '.join(stale)}", hint="python -m builder render"
        )
    return rendered


def render(pinned: PinnedImage, jinja: ImmutableSandboxedEnvironment) -> Files:
    """The files of the cell's context, by relative path; raises InputError when its template is missing or wrong."""
    spec = pinned.spec
    refuse_unsafe(pinned)
    split = layers(pinned)
    filled = [name for name in order(spec) if split.get(name)]
    try:
        template = jinja.get_template(f"{spec.framework}.j2")
        dockerfile = template.render(
            spec=spec,
            row=promise_of(spec).to_label(),
            source=source_of(spec),
            layers=filled,
            compiled=[name for name in filled if name in (SOURCE, *spec.compiled)],
            epoch=EPOCH,
            conda=CONDA,
        )
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"templates/{getattr(error, 'name', None) or spec.framework + '.j2'}{f':{line}' if line else ''}"
        raise InputError(f"{where}: {error} (while rendering {cell(spec)})") from None
    except (ArithmeticError, ValueError, TypeError, RecursionError, MemoryError) as error:
        where = f"templates/{spec.framework}.j2"
        raise InputError(f"{where}: {type(error).__name__}: {error} (while rendering {cell(spec)})") from None
    recorded = lines(f"{name}={version}" for name, version in pinned.packages.items())
    return {
        "Dockerfile": dockerfile,
        BYTE_CODE: PROGRAM.read_text("utf-8"),
        "packages/recorded.txt": recorded,
        **lists(spec, split),
        **conda(pinned.conda),
    }


def refuse_unsafe(pinned: PinnedImage) -> None:
    """Refuse any value that could end or continue a line; the matrix' own types never let one through."""
    for value in texts((pinned.spec, pinned.distributions, pinned.packages, pinned.conda)):
        if UNSAFE.search(value):
            raise InputError(f"{cell(pinned.spec)!a}: a value cannot stand in a Dockerfile: {value[:60]!a}")


def texts(value: object) -> Iterator[str]:
    """Every text inside nested dataclasses, dictionaries and sequences."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from texts([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)
    elif is_dataclass(value):
        for one in fields(value):
            yield from texts(getattr(value, one.name))


def source_of(spec: ImageSpec) -> Callable[[str], Source | None]:
    """What templates call: the download of a component, or None where the platform's own is used."""
    found = {source.name.rsplit("-", 1)[0]: source for source in spec.sources}
    return found.get


def lists(spec: ImageSpec, split: Mapping[str, Iterable[Distribution]]) -> Files:
    """The values that RUN lines read from mounted files; `split` is the closure by layer."""
    files = {
        "packages/build.txt": lines(spec.packages.build),
        "packages/runtime.txt": lines(spec.packages.runtime),
    }
    for name, found in split.items():
        files[f"requirements/{name}.txt"] = lines(f"{d.name}=={d.version} --hash=sha256:{d.sha256}" for d in found)
    if spec.repositories:
        files["repositories/fingerprints.txt"] = lines(sorted(one.fingerprint for one in spec.repositories))
        files["repositories/packages.txt"] = lines(REPOSITORY_TOOLS)
        files["repositories/sources.list"] = lines(f"deb {one.url} /" for one in spec.repositories)
    return files


def conda(packages: Iterable[CondaPackage]) -> Files:
    """The packages of conda's environment, and the public name of where they come from; empty without any."""
    explicit = [f"{one.path}#{one.md5}" for one in packages]
    return {"conda/channel.txt": lines([CONDA]), "conda/explicit.txt": lines(explicit)} if explicit else {}


def lines(values: Iterable[str]) -> str:
    return "".join(f"{value}\n" for value in values)


def layers(pinned: PinnedImage) -> dict[str, list[Distribution]]:
    """The closure by layer; what is compiled apart has its own only where the row asks for it."""
    found: dict[str, list[Distribution]] = {"installer": [], "framework": [], "rest": []}
    for distribution in pinned.distributions:
        found.setdefault(layer(distribution, pinned.spec), []).append(distribution)
    return found


def order(spec: ImageSpec) -> tuple[str, ...]:
    """The names of the layers, from what changes least to what changes most."""
    return (*dict(spec.layers), "framework", "installer", SOURCE, *spec.compiled, "rest")


def layer(distribution: Distribution, spec: ImageSpec) -> str:
    name = distribution.name
    if name in INSTALLER:
        return "installer"
    if name in spec.compiled:
        return name
    if not distribution.is_wheel:
        return SOURCE
    wanted = (*spec.layers, ("framework", spec.core))
    return next((layer for layer, globs in wanted if any(fnmatch(name, glob) for glob in globs)), "rest")


def write(files: Mapping[str, str], directory: Path) -> None:
    """Make `directory` hold exactly these files."""
    for stale in sorted(existing(directory).keys() - files.keys()):
        (directory / stale).unlink()
    for name, text in files.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text("utf-8") != text:
            target.write_text(text, "utf-8")


def difference(files: Mapping[str, str], directory: Path, spec: ImageSpec) -> Iterator[str]:
    """A unified diff from what is in `directory` to what it should hold; empty when they are equal."""
    found = existing(directory)
    for name in sorted(found.keys() | files.keys()):
        if found.get(name) != files.get(name):
            where = f"{context(spec)}/{name}"
            old, new = (side.get(name, "").splitlines(keepends=True) for side in (found, files))
            yield from difflib.unified_diff(old, new, f"a/{where}", f"b/{where}")

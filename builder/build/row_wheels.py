"""The wheels of a row: fetched from its index, or compiled by its Dockerfile, in the groups that become its layers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from builder.build.render import layers, order
from builder.errors import BuildError
from builder.host.site import Site
from builder.matrix.names import cell
from builder.matrix.spec import Distribution, PinnedImage
from builder.wheels import Compression, downloads
from builder.wheels.agreement import assert_agreeing
from builder.wheels.interpreter import ENVIRONMENT, Interpreter
from builder.wheels.layering import Group, Wheel, layering
from builder.wheels.layers import Wanted
from builder.wheels.scripts import USUAL, template

EXECUTABLE = 0o111


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWheels:
    """The files of a row's wheels by the name of the distribution; `from_source` names what has to be compiled."""

    pinned: PinnedImage
    fetched: Mapping[str, Path]

    @property
    def from_source(self) -> frozenset[str]:
        return frozenset(one.name for one in self.pinned.distributions if not one.is_wheel)

    def wanted(self, compiled: Mapping[str, Path], compression: Compression) -> Wanted:
        """The layers of the row with these compiled wheels; raises InputError when two wheels contradict each other."""
        files = {**self.fetched, **compiled}
        assert_agreeing(files, expected_interpreter(self.pinned))
        layerings = layering(groups(self.pinned, files))
        script = template(files["pip"]) if "pip" in files else USUAL
        return Wanted(layerings=layerings, files=files, compression=compression, script=script)


def row_wheels(pinned: PinnedImage, site: Site) -> RowWheels:
    """The wheels of a row that exist already, downloaded where this host lacks them. Raises BuilderError."""
    locked = [one for one in pinned.distributions if one.is_wheel]
    return RowWheels(pinned=pinned, fetched=downloads.wheels(locked, site))


def expected_interpreter(pinned: PinnedImage) -> Interpreter:
    """The Python of the row as far as it is known before the image is there."""
    python = pinned.spec.value("python")
    short = ".".join(python.split(".")[:2])
    links = {f"{ENVIRONMENT}/lib64": f"{ENVIRONMENT}/lib"}  # as venv makes it
    return Interpreter(python=python, site_packages=f"{ENVIRONMENT}/lib/python{short}/site-packages", links=links)


def groups(pinned: PinnedImage, files: Mapping[str, Path]) -> list[Group]:
    """The wheels of each layer of the Dockerfile, in their order there."""
    split = layers(pinned)
    wanted = [(name, split[name]) for name in order(pinned.spec) if split.get(name)]
    return [
        Group(title=name, wheels=tuple(wheel(one, files[one.name]) for one in sorted(found, key=lambda one: one.name)))
        for name, found in wanted
    ]


def wheel(distribution: Distribution, file: Path) -> Wheel:
    key = distribution.sha256 if distribution.is_wheel else content_key(file)
    return Wheel(name=distribution.name, version=distribution.version, key=key, size=file.stat().st_size)


def content_key(file: Path) -> str:
    """A hash over what a wheel holds. The file of one that was compiled has times in it, and is another each time."""
    with ZipFile(file) as archive:
        held = [
            (one.filename, bool(one.external_attr >> 16 & EXECUTABLE), hashlib.sha256(archive.read(one)).hexdigest())
            for one in archive.infolist()
        ]
    return hashlib.sha256(json.dumps(sorted(held)).encode()).hexdigest()


def compiled(pinned: PinnedImage, directory: Path) -> dict[str, Path]:
    """The wheels in a directory that the Dockerfile's stage filled; raises BuildError when one is missing."""
    wanted = {one.name: one for one in pinned.distributions if not one.is_wheel}
    found = {name_of(file): file for file in sorted(directory.glob("*.whl"))}
    if missing := sorted(wanted.keys() - found.keys()):
        hint = "a stage that the site replaces, as `horovod`, has to hold the wheel itself; see components in site.yaml"
        raise BuildError(f"{cell(pinned.spec)}: its stage `compiled` gives no wheel of {', '.join(missing)}", hint=hint)
    return {name: found[name] for name in wanted}


def name_of(file: Path) -> str:
    """The name of a wheel's distribution; raises BuildError for a file that is no wheel."""
    try:
        with ZipFile(file):
            return str(parse_wheel_filename(file.name)[0])
    except (BadZipFile, InvalidWheelFilename) as error:
        raise BuildError(f"{file.name}: it was compiled, and is no wheel: {error}") from None

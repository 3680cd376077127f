"""builder.lock: the complete Python closure of every cell, by file and sha256. Only `builder lock` writes it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import InputError, StaleError
from builder.names import cell, closure
from builder.spec import Distribution, ImageSpec, PinnedImage

SCHEMA = 1
LOCK = "python -m builder lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """What a cell asked for, as a hash, and the distributions that answer it."""

    asked: str
    distributions: tuple[Distribution, ...]


def requirements(spec: ImageSpec) -> tuple[str, ...]:
    """The Python requirements of a cell: one exact version for each pin that pip installs."""
    return tuple(f"{pin.name}=={pin.value}" for pin in spec.pins if pin.probe == "python-distribution")


def asked(spec: ImageSpec) -> str:
    """A hash of everything the closure depends on: requirements, Python and glibc."""
    question = [spec.value("python"), spec.platform.glibc, *requirements(spec)]
    return hashlib.sha256("\n".join(question).encode()).hexdigest()[:16]


def load(file: Path) -> dict[str, Closure]:
    """The closures in `file`; raises InputError when it is missing, truncated or of another schema."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise StaleError(f"{file}: missing, so nothing is pinned", hint=LOCK) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: not a lock file: {error}", hint=f"git checkout {file}, or: {LOCK}") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else None
        raise InputError(f"{file}: schema {found!r}, this program reads {SCHEMA}", hint=LOCK)
    try:
        return {name: closure_from(entry) for name, entry in content["closures"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{file}: edited by hand or damaged: {error!r}", hint=LOCK) from None


def closure_from(entry: Mapping[str, Any]) -> Closure:
    return Closure(
        asked=entry["asked"],
        distributions=tuple(distribution(name, line) for name, line in sorted(entry["distributions"].items())),
    )


def distribution(name: str, line: str) -> Distribution:
    version, file, sha256 = line.split(" ")
    if not sha256.startswith("sha256:"):
        raise ValueError(line)
    return Distribution(name=name, version=version, file=file, sha256=sha256.removeprefix("sha256:"))


def dump(closures: Mapping[str, Closure]) -> str:
    """The file's text: sorted, one line a distribution, so that a diff can be read."""
    content = {
        "schema": SCHEMA,
        "generated": f"by `{LOCK}`: do not edit",
        "closures": {
            name: {
                "asked": found.asked,
                "distributions": {d.name: f"{d.version} {d.file} sha256:{d.sha256}" for d in found.distributions},
            }
            for name, found in sorted(closures.items())
        },
    }
    return json.dumps(content, indent=1) + "\n"


def pin(spec: ImageSpec, closures: Mapping[str, Closure]) -> PinnedImage:
    """The cell with its closure; raises StaleError when the lock answers another question than the row asks."""
    found = closures.get(closure(spec))
    if found is None or found.asked != asked(spec):
        what = "is not in" if found is None else "has changed since"
        raise StaleError(f"{cell(spec)} {what} builder.lock", hint=LOCK)
    return PinnedImage(spec=spec, distributions=found.distributions)


def pin_all(specs: Iterable[ImageSpec], closures: Mapping[str, Closure]) -> tuple[PinnedImage, ...]:
    """Every cell with its closure; raises one StaleError that names all the stale ones."""
    pinned, stale = [], []
    for spec in specs:
        try:
            pinned.append(pin(spec, closures))
        except StaleError as error:
            stale.append(error.message)
    if stale:
        raise StaleError("\n".join(stale), hint=LOCK)
    return tuple(pinned)

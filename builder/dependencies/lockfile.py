"""builder.lock: how indexes and mirrors answered the matrix. Only `builder lock` writes it.

It has the Python closure of every cell by file and sha256, what each distribution requires, conda's packages by path
and checksum, and the Debian packages of each platform. matrix.yaml itself pins pulled bases and source archives by
digest or sha256. They are not repeated here: a second copy could only disagree.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from builder.dependencies import conda_packages, debian_packages, metadata
from builder.dependencies.debian_packages import Recorded
from builder.errors import InputError, StaleError
from builder.matrix.names import CPU_WHEELS, cell, closure
from builder.matrix.spec import Distribution, ImageSpec, Metadata, PinnedImage

SCHEMA = 1
LOCK = "python -m builder lock"
NAME = "builder.lock"
NAME_OF_CPU_WHEELS = "builder.cpu.lock"
"""The lock of a site's index of CPU wheels; it lies beside the other, and is not committed."""
KEYS = frozenset({"schema", "generated", "closures", "requirements", "conda", "apt"})
LONG_LINE = 300
DISTRIBUTION = re.compile(r"(?P<version>\S+) (?P<file>[A-Za-z0-9_][A-Za-z0-9._+!-]*) sha256:(?P<sha256>[0-9a-f]{64})")
NAME_AND_VERSION = re.compile(r"[a-z0-9][a-z0-9-]*==[a-z0-9][a-z0-9.+!]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A hash of what a cell asked for, and the distributions that answer it."""

    asked: str
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Closures by cell, requirements by `NAME==VERSION`, conda's packages by Python, Debian's by platform."""

    closures: Mapping[str, Closure]
    requirements: Mapping[str, Metadata] = field(default_factory=dict)
    conda: conda_packages.Recorded = field(default_factory=dict)
    apt: Mapping[str, Recorded] = field(default_factory=dict)
    sha256: str = field(default="", compare=False)
    """The sha256 of the file that it was read from."""
    cpu_sha256: str = field(default="", compare=False)
    """The sha256 of the file with the closures of CPU wheels."""


def key(name: str, version: str) -> str:
    """How the lock names a distribution whose requirements it holds."""
    return f"{name}=={version}"


def requirements(spec: ImageSpec) -> tuple[str, ...]:
    """The Python requirements of a cell: one exact version for each pin that pip installs."""
    return tuple(f"{pin.name}=={pin.value}" for pin in spec.pins if pin.probe == "python-distribution")


def asked(spec: ImageSpec) -> str:
    """A hash of everything the closure depends on: requirements, Python and glibc."""
    question = [spec.value("python"), spec.platform.glibc, *requirements(spec)]
    return hashlib.sha256("\n".join(question).encode()).hexdigest()[:16]


def load_from(root: Path) -> Lock:
    """The lock beside the matrix, with that of the site's CPU wheels where there is one; raises as `load` does."""
    ours, file = load(root / NAME), root / NAME_OF_CPU_WHEELS
    return joined(ours, load(file)) if file.exists() else ours


def joined(ours: Lock, theirs: Lock) -> Lock:
    """The lock with the closures of CPU wheels, and what their distributions require."""
    return replace(
        ours,
        closures={**theirs.closures, **ours.closures},
        requirements={**theirs.requirements, **ours.requirements},
        cpu_sha256=theirs.sha256,
    )


def parted(lock: Lock) -> tuple[Lock, Lock]:
    """The lock that is committed, and that of CPU wheels: what `joined` joins."""
    theirs = {name: found for name, found in lock.closures.items() if name.endswith(CPU_WHEELS)}
    ours = {name: found for name, found in lock.closures.items() if name not in theirs}
    apart = keys(theirs.values()) - keys(ours.values())
    return (
        replace(lock, closures=ours, requirements={k: v for k, v in lock.requirements.items() if k not in apart}),
        Lock(closures=theirs, requirements={k: v for k, v in lock.requirements.items() if k in apart}),
    )


def name_of(spec: ImageSpec) -> str:
    """The file that holds the cell's closure."""
    return NAME_OF_CPU_WHEELS if spec.cpu_wheels else NAME


def keys(closures: Iterable[Closure]) -> set[str]:
    return {key(one.name, one.version) for found in closures for one in found.distributions}


def load(file: Path) -> Lock:
    """The lock in `file`; raises InputError when it is missing, truncated, edited by hand or of another schema."""
    try:
        text = file.read_text("utf-8")
        content = json.loads(text)
    except FileNotFoundError:
        raise StaleError(f"{file}: missing, so nothing is pinned", hint=LOCK) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: not a lock file: {error}", hint=f"git checkout {file}, or: {LOCK}") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else None
        newer = ": a newer program wrote it" if isinstance(found, int) and found > SCHEMA else ""
        raise InputError(f"{file}: schema {found!r}, this program reads {SCHEMA}{newer}", hint=LOCK)
    try:
        return replace(lock_from(content), sha256=hashlib.sha256(text.encode()).hexdigest())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        hint = f"git checkout {file}, or: {LOCK}"
        raise InputError(f"{file}{line_of(text, error)}: edited by hand or damaged: {error!r}", hint=hint) from None


def line_of(text: str, error: Exception) -> str:
    """`:LINE` of the key that an error names; empty when the text does not have it."""
    said = str(error.args[0] if error.args else "")
    words = [*re.findall("'([^']+)'", said), said]
    shown = [json.dumps(word)[1:-1] for word in words if word]
    return next((f":{number}" for number, one in enumerate(text.splitlines(), 1) if any(w in one for w in shown)), "")


def lock_from(content: Mapping[str, Any]) -> Lock:
    """The lock in a parsed file; raises an error of the shape when it is not what `dump` writes."""
    if unknown := content.keys() - KEYS:
        raise ValueError(f"unknown key {min(unknown)!r}")
    return Lock(
        closures={name: closure_from(entry) for name, entry in content["closures"].items()},
        requirements={name: metadata_from(name, line) for name, line in content.get("requirements", {}).items()},
        conda=conda_packages.read(content.get("conda", {})),
        apt=debian_packages.read(content.get("apt", {})),
    )


def closure_from(entry: Mapping[str, Any]) -> Closure:
    if unknown := entry.keys() - {"asked", "distributions"}:
        raise ValueError(f"unknown key {min(unknown)!r}")
    return Closure(
        asked=entry["asked"],
        distributions=tuple(distribution(name, line) for name, line in sorted(entry["distributions"].items())),
    )


def metadata_from(name: str, line: str | list[str]) -> Metadata:
    if not NAME_AND_VERSION.fullmatch(name):
        raise ValueError(name)
    return metadata.from_line(line if isinstance(line, str) else metadata.BETWEEN.join(line))


def readable(line: str) -> str | list[str]:
    """A line of metadata; a list of requirements where one line would be too long to review."""
    return line if len(line) < LONG_LINE else line.split(metadata.BETWEEN)


def distribution(name: str, line: str) -> Distribution:
    found = DISTRIBUTION.fullmatch(line)
    if found is None:
        raise ValueError(line)
    return Distribution(name=name, version=found["version"], file=found["file"], sha256=found["sha256"])


def dump(lock: Lock) -> str:
    """The file's text: sorted, one line a distribution, so that a diff can be read."""
    content = {
        "schema": SCHEMA,
        "generated": f"by `{LOCK}`: do not edit",
        "closures": {
            name: {
                "asked": found.asked,
                "distributions": {d.name: f"{d.version} {d.file} sha256:{d.sha256}" for d in found.distributions},
            }
            for name, found in sorted(lock.closures.items())
        },
        "requirements": {name: readable(metadata.line(found)) for name, found in sorted(lock.requirements.items())},
        "conda": conda_packages.document(lock.conda),
        "apt": debian_packages.document(lock.apt),
    }
    return json.dumps(content, indent=1) + "\n"


def pin(spec: ImageSpec, lock: Lock) -> PinnedImage:
    """The cell with its closure; raises StaleError when the row has changed since it was locked."""
    conda = conda_packages.of(spec, lock.conda)
    if conda_packages.question(spec) and not conda:
        what = f"{cell(spec)}: builder.lock has no packages of conda for python {spec.value('python')}"
        raise StaleError(what, hint=f"{conda_packages.EXPLICIT}, where that Python is; then {LOCK} --conda-list FILE")
    found = lock.closures.get(closure(spec))
    if found is None or found.asked != asked(spec):
        what = "is not in" if found is None else "has changed since"
        raise StaleError(f"{cell(spec)} {what} {name_of(spec)}", hint=LOCK)
    return PinnedImage(
        spec=spec,
        distributions=found.distributions,
        packages=debian_packages.runtime(spec, lock.apt),
        base_packages=debian_packages.base(spec.platform, lock.apt),
        lock_sha256=lock.cpu_sha256 if spec.cpu_wheels else lock.sha256,
        conda=conda,
    )


def pin_all(specs: Iterable[ImageSpec], lock: Lock) -> tuple[PinnedImage, ...]:
    """Every cell with its closure; raises one StaleError with all stale cells."""
    pinned, stale = [], list[StaleError]()
    for spec in specs:
        try:
            pinned.append(pin(spec, lock))
        except StaleError as error:
            stale.append(error)
    if stale:
        raise StaleError("\n".join(error.message for error in stale), hint=stale[0].hint)
    return tuple(pinned)

"""The rules between the parts of a row, one function for each kind of rule. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from builder.dependencies.known_breaks import RELEASE_NOTES, Break, Rules, Severity
from builder.dependencies.pep508 import Requirements, extras
from builder.dependencies.wheel_tags import tags
from builder.matrix.spec import ImageSpec
from builder.matrix.version import components, order, short

OF_CUDA = ("nvidia-", "cuda-")
"""How the names of CUDA's packages on the package index begin."""
MATRIX, LOCK, WHEEL = "matrix.yaml", "builder.lock", "wheel metadata"
LAST_RELEASE = 30
TORCH = ("torch", "torchvision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One distribution of a row; `file` is None when the lock has no file of that version."""

    version: str
    file: str | None
    pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A cell and the distributions it would hold, by name."""

    spec: ImageSpec
    distributions: Mapping[str, Found]

    @property
    def python(self) -> str:
        return self.spec.value("python")

    def using(self, name: str, version: str) -> "Row":
        """The row with another version of one distribution."""
        instead = Found(version=version, file=None, pinned=True)
        return replace(self, distributions={**self.distributions, name: instead})

    def says(self, name: str) -> tuple[str, str]:
        """The row's own rule for a distribution, and where it stands."""
        found = self.distributions[name]
        return (f"the row pins {name} {found.version}", MATRIX) if found.pinned else (
            f"the row's closure has {name} {found.version}", LOCK
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """One conflict: both rules, the source of each, and the distributions that could change."""

    what: str
    rules: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    movable: tuple[str, ...] = ()
    works: tuple[tuple[str, str], ...] = ()
    severity: Severity = "error"


def clashes(row: Row, requirements: Requirements, rules: Rules) -> Iterator[Clash]:
    """Every conflict in the row."""
    yield from required(row, requirements)
    yield from pythons(row, requirements)
    yield from files(row)
    yield from flavours(row)
    yield from cuda_for_cpu(row)
    yield from stacks(row)
    yield from drivers(row, rules)
    yield from apt_pins(row, rules)
    for rule in rules.breaks:
        yield from broken(row, rule, rules)


def apt_pins(row: Row, rules: Rules) -> Iterator[Clash]:
    """Pinned Debian packages that need another in their very version, which the same list does not pin."""
    for names in (row.spec.packages.build, row.spec.packages.runtime):
        pinned = dict(name.split("=", 1) for name in names if "=" in name)
        for rule in rules.apt:
            version = pinned.get(rule.package)
            if version and pinned.get(rule.needs) != version:
                other = f"{rule.needs}={pinned[rule.needs]}" if rule.needs in pinned else f"no {rule.needs}"
                needs = f"{rule.package} needs {rule.needs} in the same version, and apt takes the newest otherwise"
                yield Clash(
                    what=f"apt cannot install {rule.package}={version} beside another {rule.needs}",
                    rules=((needs, rule.source), (f"the list with it pins {other}", MATRIX)),
                    names=(rule.package, rule.needs),
                    works=((rule.needs, version),),
                )


def required(row: Row, requirements: Requirements) -> Iterator[Clash]:
    """Requires-Dist of each distribution against the versions of the others: PEP 508, PEP 440."""
    versions = {name: found.version for name, found in row.distributions.items()}
    asked = extras(versions, requirements)
    for name, version in versions.items():
        for one in requirements.applying(name, version, row.python, asked.get(name, frozenset())):
            other = canonicalize_name(one.name)
            if other in versions and not one.specifier.contains(versions[other], prereleases=True):
                rule = f"{name} {version} requires {other}{one.specifier}"
                yield Clash(
                    what=f"{name} {version} and {other} {versions[other]} cannot be installed together",
                    rules=((rule, WHEEL), row.says(other)),
                    names=(name, other),
                    movable=movable(row, name, other),
                )


def movable(row: Row, *names: str) -> tuple[str, ...]:
    """The distributions that could change, pins first; never the framework itself."""
    free = [name for name in names if row.distributions[name].version != row.spec.version]
    return tuple(sorted(free, key=lambda name: not row.distributions[name].pinned))


def pythons(row: Row, requirements: Requirements) -> Iterator[Clash]:
    """Requires-Python of each distribution against the row's Python."""
    pinned = (f"the row pins python {row.python}", MATRIX)
    for name, found in row.distributions.items():
        limit = requirements.python(name, found.version)
        if not any(limit.contains(one, prereleases=True) for one in releases(row.python)):
            yield Clash(
                what=f"{name} {found.version} does not support Python {row.python}",
                rules=((f"{name} {found.version} requires Python {limit}", WHEEL), pinned),
                names=(name,),
                movable=(name,),
            )


def releases(python: str) -> Iterator[str]:
    """The Python releases that a pin allows: `3.11` allows any 3.11, `3.6.15` only itself."""
    whole = len(components(python)) > 2  # noqa: PLR2004 (major and minor)
    return iter([python]) if whole else (f"{python}.{patch}" for patch in range(LAST_RELEASE))


def files(row: Row) -> Iterator[Clash]:
    """The tags of each wheel against the interpreter and glibc of the image: PEP 425, PEP 600."""
    fitting = frozenset(tags(row.python, row.spec.platform.glibc))
    for name, found in row.distributions.items():
        if found.file and found.file.endswith(".whl"):
            own = parse_wheel_filename(found.file)[3]
            if not own & fitting:
                rule = f"{found.file} is for {', '.join(sorted(map(str, own)))}"
                glibc = row.spec.platform.glibc
                yield Clash(
                    what=f"the wheel of {name} {found.version} does not fit Python {row.python} and glibc {glibc}",
                    rules=((rule, "wheel tags"), (f"{row.spec.platform.name} has glibc {glibc}", MATRIX)),
                    names=(name,),
                    movable=(name,),
                )


def flavours(row: Row) -> Iterator[Clash]:
    """Whether torch and torchvision are built for one CUDA. From 0.5 on, torchvision compares when it is imported."""
    if not all(name in row.distributions for name in TORCH):
        return
    versions = [row.distributions[name].version for name in TORCH]
    if Version(versions[0]).local != Version(versions[1]).local:
        yield Clash(
            what=f"torch {versions[0]} and torchvision {versions[1]} are not built for the same CUDA",
            rules=tuple(row.says(name) for name in TORCH),
            names=TORCH,
            movable=("torchvision",),
        )


def cuda_for_cpu(row: Row) -> Iterator[Clash]:
    """The packages of CUDA that a torch for GPU brings into a cell for CPU; only a note when its pin says why."""
    held = [name for name in row.distributions if name.startswith(OF_CUDA)]
    if row.spec.device != "cpu" or not held:
        return
    torch = row.spec.pin("torch")
    reason = torch.reason if torch else None
    asks = row.says("torch") if "torch" in row.distributions else ("the row asks for them", LOCK)
    yield Clash(
        what=f"a cell for CPU holds {len(held)} packages of CUDA, such as {held[0]}",
        rules=(asks, (reason or "the row does not say why", MATRIX)),
        names=("torch", *held),
        movable=("torch",),
        severity="note" if reason else "error",
    )


def stacks(row: Row) -> Iterator[Clash]:
    """The CUDA of the torch wheel against the CUDA of the image; only a note when the row says why they differ."""
    wheel, system = row.spec.pin("torch-cuda"), row.spec.pin("cuda")
    if wheel and system and short(wheel.value, 2) != short(system.value, 2):
        reason = f": {wheel.reason}" if wheel.reason else ""
        yield Clash(
            what=f"the torch wheel bundles CUDA {wheel.value}, the image has CUDA {system.value}",
            rules=((f"torch-cuda {wheel.value}{reason}", MATRIX), (f"cuda {system.value}", MATRIX)),
            names=("torch-cuda", "cuda"),
            severity="note" if wheel.reason else "error",
        )


def drivers(row: Row, rules: Rules) -> Iterator[Clash]:
    """The oldest driver on which a container starts, against the oldest driver that torch's CUDA needs."""
    cuda = row.spec.pin("torch-cuda") or row.spec.pin("cuda")
    admits = re.search(r"\bcuda>=([0-9.]+)", dict(row.spec.environment).get("NVIDIA_REQUIRE_CUDA", ""))
    if not cuda or not admits:
        return
    needed, admitted = rules.driver(cuda.value), rules.driver(admits[1])
    if needed and admitted and order(admitted) < order(needed):
        rule = f"CUDA {short(cuda.value, 2)} needs driver {needed}, CUDA {admits[1]} needs {admitted}"
        yield Clash(
            what=f"a container starts on driver {admitted}, on which torch's CUDA {cuda.value} does not run",
            rules=((rule, RELEASE_NOTES), (f"NVIDIA_REQUIRE_CUDA asks for cuda>={admits[1]}", MATRIX)),
            names=(cuda.name,),
            severity="note",
        )


def broken(row: Row, rule: Break, rules: Rules) -> Iterator[Clash]:
    """The known breaks whose conditions all hold."""
    facts = {name: found.version for name, found in row.distributions.items()}
    facts |= {pin.name: pin.value for pin in row.spec.pins if pin.name not in facts} | dict(row.spec.environment)
    compiler = rules.compilers.get(f"{row.spec.platform.os_id} {row.spec.platform.os_version}")
    facts |= {"gcc": compiler} if compiler else {}
    if not all(name in facts and holds(limit, facts[name]) for name, limit in rule.when.items()):
        return
    names = tuple(name for name in rule.when if name in row.distributions)
    yield Clash(
        what=" and ".join(f"{name} {facts[name]}" for name in rule.when) + " do not work together",
        rules=((rule.what, rule.source), *(said(row, name, facts) for name in rule.when)),
        names=names,
        movable=movable(row, *(name for name in rule.works if name in names)),
        works=tuple(rule.works.items()),
        severity=rule.severity,
    )


def said(row: Row, name: str, facts: Mapping[str, str]) -> tuple[str, str]:
    return row.says(name) if name in row.distributions else (f"the row has {name} {facts[name]}", MATRIX)


def holds(limit: SpecifierSet | str, value: str) -> bool:
    """Whether a value is in a condition's range, or equals its word."""
    return limit == value if isinstance(limit, str) else limit.contains(value, prereleases=True)

"""Judges what is going to be installed by the request, wherever it came from: somebody may have edited the lock. Pure.

uv resolves once. So nothing here resolves: every version is compared with the request, its limits, and the image.
"""

from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.dependencies.pep508 import holds
from builder.derive.conda import installed
from builder.derive.contradictions import freed, name_of
from builder.derive.lockfile import Answer
from builder.derive.request import Contents, ParsedRequest
from builder.matrix.derived_label import DISTRIBUTION
from builder.matrix.spec import Distribution


def problems(answer: Answer, wanted: ParsedRequest, held: Contents) -> list[str]:
    """One text for each package of the answer that the request does not admit, or that would replace the image's."""
    free = freed(held, wanted.overrides)
    return [
        *(text for one in answer.distributions for text in of_distribution(one, wanted, held, free)),
        *unsatisfied(answer, wanted, held),
        *of_conda(answer, wanted, held),
    ]


def of_distribution(one: Distribution, wanted: ParsedRequest, held: Contents, free: frozenset[str]) -> Iterator[str]:
    """What is wrong with one wheel: its name, what it replaces, where it is from, and its hash."""
    asked = [found for found in wanted.requirements if name_of(found) == one.name]
    what = f"{one.name} {one.version}"
    if not DISTRIBUTION.fullmatch(one.name) or canonicalize_name(one.name) != one.name:
        yield f"{one.name!a:.100} is not the name of a distribution"
    if one.name in held.distributions and one.name not in free:
        yield f"{what}: the image holds {held.distributions[one.name].version}: --override {one.name} would replace it"
    urls = {str(url) for found in asked if (url := Requirement(found.text).url)}
    if one.url not in (urls or {""}):
        yield f"{what}: the request does not name {one.url or 'a file of the index'}"
    elif "#sha256=" in one.url and one.sha256 != one.url.rpartition("#sha256=")[2]:
        yield f"{what}: the request names another hash"
    if wanted.hashed and not one.url and one.sha256 not in frozenset[str]().union(*(found.sha256 for found in asked)):
        yield f"{what}: the request lists other hashes"


def unsatisfied(answer: Answer, wanted: ParsedRequest, held: Contents) -> Iterator[str]:
    """The requirements and constraints that the image and the answer together do not keep to."""
    versions = {name: one.version for name, one in held.distributions.items()}
    versions |= {one.name: one.version for one in answer.distributions}
    for one in (*wanted.requirements, *wanted.constraints):
        found, version = Requirement(one.text), versions.get(name_of(one), "")
        if not holds(found, held.python) or (not version and one in wanted.constraints):
            continue
        if not version or not found.specifier.contains(version, prereleases=True):
            yield f"{one.place}: {one.text}: it would be {version or 'left out'}"


def of_conda(answer: Answer, wanted: ParsedRequest, held: Contents) -> Iterator[str]:
    """The conda packages that the image has already, or that nobody asked for."""
    here = {str(one["name"]): str(one["version"]) for one in installed(held)}
    for one in answer.conda:
        if not wanted.conda:
            yield f"conda: {one.name} {one.version}: the request asks conda for nothing"
        elif one.name in here:
            yield f"conda: {one.name} {one.version}: the image holds {here[one.name]}"

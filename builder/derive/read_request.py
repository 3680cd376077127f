"""Parses a request: its flags and every file it names. All problems are reported in one error."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.derive import conda_file, requirements_file
from builder.derive.request import ParsedRequest, Reading, Request, Sited
from builder.errors import InputError
from builder.matrix.yaml_positions import show

REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")


def wanted(request: Request, site: Sited) -> ParsedRequest:
    """The parsed request; raises one InputError with every problem."""
    reading = Reading()
    for text in request.pip_packages:
        if found := requirements_file.asked(text, "--pip-package", reading):
            reading.requirements.append(found)
    for text in request.conda_packages:
        if found := conda_file.package(text, "--conda-package", reading.problems):
            reading.conda.append(found)
    reading.channels += request.channels
    if request.pip_requirements_file:
        requirements_file.read_file(request.pip_requirements_file, request.source_directory, site, reading)
    if request.conda_dependencies_file:
        conda_file.read_file(request.conda_dependencies_file, request.channels, reading)
    finish(request, reading)
    if reading.problems:
        raise InputError(tuple(dict.fromkeys(reading.problems)))
    return ParsedRequest(
        requirements=tuple(dict.fromkeys(reading.requirements)),
        constraints=tuple(dict.fromkeys(reading.constraints)),
        conda=tuple(dict.fromkeys(reading.conda)),
        channels=tuple(dict.fromkeys(reading.channels)),
        overrides=frozenset(canonicalize_name(one) for one in request.overrides),
        prereleases=reading.prereleases,
    )


def finish(request: Request, reading: Reading) -> None:
    """Adds the problems that only the request as a whole has, such as a hash for some packages and not for others."""
    if not (reading.requirements or reading.conda or reading.problems):
        reading.problems.append(
            "nothing is asked for: pass --pip-package, --conda-package, --pip-requirements-file"
            " or --conda-dependencies-file"
        )
    if request.name is not None and not REPOSITORY.fullmatch(request.name):
        reading.problems.append(
            f"--name {show(request.name)}: not the name of a repository: expected lower case, digits and . _ - /"
        )
    if reading.require_hashes or any(one.sha256 for one in reading.requirements):
        reading.problems += [
            f"{one.place}: {Requirement(one.text).name}: has no --hash, and others have one: as for pip, all or none"
            for one in reading.requirements
            if not one.sha256 and not Requirement(one.text).url
        ]

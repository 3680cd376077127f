"""Judges whether what is compiled for torch comes in the flavour of the image's torch, such as `+cpu`. Pure.

A torchvision for CUDA installs beside a torch without it, as its metadata allows, and cannot be imported.
"""

from packaging.version import Version

from builder.derive.lockfile import Answer
from builder.derive.request import Contents

COMPANIONS = ("torchaudio", "torchvision")
"""Compiled for one torch and one CUDA: https://github.com/pytorch/vision#installation."""
HINT = (
    "name an index, or a directory of wheels, that has it: pip.extra-index-urls or pip.find-links of site.yaml; "
    "or derive from an image of the other device"
)


def other_flavours(answer: Answer, held: Contents) -> list[str]:
    """One text for each companion of torch that is of another flavour than the image's torch."""
    versions = {name: one.version for name, one in held.distributions.items()} | answer.versions
    if "torch" not in versions:
        return []
    wanted = flavour(versions["torch"])
    return [
        f"{one.name} {one.version} is {words(flavour(one.version))}, and the image holds torch {versions['torch']}: "
        f"wanted is {one.name} {Version(one.version).public}{wanted}"
        for one in answer.distributions
        if one.name in COMPANIONS and flavour(one.version) != wanted
    ]


def flavour(version: str) -> str:
    """The local version with its plus; empty for the builds of the package index."""
    local = Version(version).local
    return f"+{local}" if local else ""


def words(flavour_: str) -> str:
    return f"the build {flavour_}" if flavour_ else "the package index's own build, for CUDA"

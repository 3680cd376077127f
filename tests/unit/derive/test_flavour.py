"""A companion of torch is refused where it is of another flavour, before anything is downloaded."""

import pytest

from builder.derive.flavour import other_flavours
from builder.derive.lockfile import Answer
from builder.derive.request import Contents, Held
from builder.matrix.spec import Distribution
from tests.support.promises import promised


def holding(**versions: str) -> Contents:
    return Contents(
        digest=f"sha256:{'1' * 64}",
        promise=promised(),
        python="3.11.2",
        glibc="2.36",
        distributions={name: Held(version=version) for name, version in versions.items()},
        site_packages="/opt/env/lib/python3.11/site-packages",
    )


def adding(**versions: str) -> Answer:
    found = (
        Distribution(name=name, version=version, file="x.whl", sha256="a" * 64) for name, version in versions.items()
    )
    return Answer(distributions=tuple(found))


@pytest.mark.parametrize(
    ("torch", "name", "version", "refused"),
    [
        ("2.13.0+cpu", "torchvision", "0.28.0", "wanted is torchvision 0.28.0+cpu"),
        ("2.13.0+cpu", "torchaudio", "2.11.0+cu130", "is the build +cu130, and the image holds torch 2.13.0+cpu"),
        ("2.13.0", "torchvision", "0.28.0+cpu", "wanted is torchvision 0.28.0"),
        ("2.13.0+cpu", "torchvision", "0.28.0+cpu", ""),
        ("2.13.0", "torchvision", "0.28.0", ""),
        ("2.13.0+cpu", "six", "1.17.0", ""),
    ],
)
def test_it_has_the_flavour_of_the_image(torch: str, name: str, version: str, refused: str) -> None:
    found = other_flavours(adding(**{name: version}), holding(torch=torch))
    assert bool(found) == bool(refused)
    assert not refused or refused in found[0]


def test_a_torch_that_is_replaced_counts_as_the_new_one() -> None:
    assert other_flavours(adding(torch="2.14.1", torchvision="0.29.1"), holding(torch="2.13.0+cpu")) == []
    assert other_flavours(adding(torchvision="0.29.1"), holding(six="1.17.0")) == []

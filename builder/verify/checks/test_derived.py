"""What somebody's own environment adds is there, in the version that its label says."""

import json

import pytest

from builder.matrix.probes import LIST_CONDA_EVERYWHERE, LIST_DISTRIBUTIONS, normalised
from builder.verify.checks.plugin import Ask, Subject


@pytest.mark.applies(when=lambda subject: bool(subject.derived and subject.derived.distributions))
def test_is_installed(subject: Subject, ask: Ask, distribution: str) -> None:
    listed = json.loads(ask(LIST_DISTRIBUTIONS).stdout.splitlines()[-1])
    found = {normalised(name): versions for name, versions in listed.items()}.get(distribution, [])
    assert subject.derived is not None
    wanted = subject.derived.distributions[distribution]
    assert found == [wanted], (
        f"{distribution}: the label says {wanted}, the image holds {' and '.join(found) or 'none'}"
    )


@pytest.mark.applies(when=lambda subject: bool(subject.derived and subject.derived.conda))
def test_is_installed_by_conda(subject: Subject, ask: Ask, conda_package: str) -> None:
    assert subject.derived is not None
    wanted = f"{conda_package}-{subject.derived.conda[conda_package]}-"
    found = [line for line in ask(LIST_CONDA_EVERYWHERE).stdout.splitlines() if line.startswith(wanted)]
    assert found, f"{conda_package}: no record of {wanted.rstrip('-')} is in the image"

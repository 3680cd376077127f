"""Replacing what only a registry has: the error says how to get it."""

from typing import TYPE_CHECKING, cast

import pytest

from builder.build.oci_layout import ImageDocuments
from builder.derive.assemble import hidden
from builder.derive.bases import BaseImage
from builder.derive.lockfile import Answer
from builder.derive.request import Contents, Held
from builder.errors import InputError
from builder.matrix.spec import Distribution
from tests.support.promises import promised

if TYPE_CHECKING:
    import docker

IMAGE = Contents(
    digest="sha256:" + "1" * 64,
    promise=promised(),
    python="3.11.2",
    glibc="2.36",
    distributions={"six": Held(version="1.17.0")},
    site_packages="/opt/env/lib/python3.11/site-packages",
)
REFERENCE = f"registry.example/pytorch@sha256:{'1' * 64}"


def test_the_base_to_pull_is_named() -> None:
    base = BaseImage(
        image={}, held=IMAGE, documents=lambda: ImageDocuments(manifest=b"", config=b""), reference=REFERENCE
    )
    six = Answer(distributions=(Distribution(name="six", version="99.0", file="six", sha256="a" * 64),))
    with pytest.raises(InputError, match="--override six") as caught:
        hidden(cast("docker.DockerClient", None), base, six)
    assert caught.value.hint == f"docker pull {REFERENCE}, then the same command with --from {REFERENCE}"

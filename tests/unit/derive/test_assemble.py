"""Replacing what only a registry has: the error says how to get it."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from builder.build.oci_layout import ImageDocuments
from builder.derive.assemble import Parts, compression_of, hidden, image, removals
from builder.derive.bases import BaseImage
from builder.derive.lockfile import Answer
from builder.derive.request import Contents, Held
from builder.errors import InputError
from builder.host.layer_cache import PackedLayer
from builder.matrix.spec import Distribution
from tests.support.base_files import BASE
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


def test_an_image_of_more_layers_than_an_engine_mounts_is_refused() -> None:
    base = ImageDocuments(manifest=b"{}", config=json.dumps({"rootfs": {"diff_ids": ["sha256:0"] * 99}}).encode())
    one = PackedLayer(digest="sha256:1", size=1, diff="sha256:2")
    assert json.loads(image(base, IMAGE, [one], {}, has_conda=False).config)["rootfs"]["diff_ids"][99:] == ["sha256:2"]
    with pytest.raises(InputError, match="would have 101 layers") as caught:
        image(base, IMAGE, [one, one], {}, has_conda=False)
    assert "all packages in one request" in str(caught.value.hint)


def test_the_base_to_pull_is_named() -> None:
    base = BaseImage(
        image={}, held=IMAGE, documents=lambda: ImageDocuments(manifest=b"", config=b""), reference=REFERENCE
    )
    six = Answer(distributions=(Distribution(name="six", version="99.0", file="six", sha256="a" * 64),))
    with pytest.raises(InputError, match="--override six") as caught:
        hidden(cast("docker.DockerClient", None), base, six)
    assert caught.value.hint == f"docker pull {REFERENCE}, then the same command with --from {REFERENCE}"


def test_what_replaced_distributions_leave_is_hidden_with_byte_code_and_whole_directories() -> None:
    at = IMAGE.site_packages
    old = {
        f"{at}/joblib/__init__.py": "joblib",
        f"{at}/joblib/old/gone.py": "joblib",
        f"{at}/joblib-1.0.dist-info/licenses/LICENSE": "joblib",
    }
    code = (f"{at}/joblib/__pycache__/__init__.cpython-311.pyc", f"{at}/joblib/old/__pycache__/gone.cpython-311.pyc")
    base = replace(BASE, files=frozenset({*old, *code, f"{at}/six.py"}), owners={**old, f"{at}/six.py": "six"})
    parts = Parts(wheels={}, hidden=[*old], replaced=frozenset({"joblib"}))
    assert removals(parts, base, [f"{at}/joblib/__init__.py", f"{at}/joblib-2.0.dist-info/METADATA"]) == [
        f"{at}/joblib-1.0.dist-info",
        f"{at}/joblib/__pycache__",
        f"{at}/joblib/old",
    ]


def test_what_stands_on_gzip_is_gzip() -> None:
    def of(*kinds: str) -> str:
        layers = [{"mediaType": f"application/vnd.oci.image.layer.v1.tar+{kind}"} for kind in kinds]
        return compression_of(ImageDocuments(manifest=json.dumps({"layers": layers}).encode(), config=b""))

    assert [of("gzip", "gzip"), of("zstd"), of("gzip", "zstd"), of()] == ["gzip", "zstd", "zstd", "zstd"]

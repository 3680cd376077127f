"""A base from a registry, whose documents somebody else wrote: it is refused, or gets its layer."""

import json

import pytest

from builder.build.manifest import Addition, appended
from builder.build.oci_layout import ImageDocuments
from builder.derive.in_registry import described, documents
from builder.errors import RegistryError
from builder.host.layer_cache import PackedLayer
from builder.matrix.reference import parse
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST, digest_of
from tests.support.scripted_registry import Answer, scripted

LAYER = PackedLayer(digest=f"sha256:{'1' * 64}", size=7, diff=f"sha256:{'2' * 64}")
BELOW = {"digest": f"sha256:{'3' * 64}", "size": 7}
OTHER = (5, "x", [1], ["X"], None)


@pytest.mark.parametrize("other", OTHER, ids=str)
def test_settings_of_another_shape(other: object) -> None:
    manifest = json.dumps({"layers": [{**BELOW, "mediaType": other}], "config": {}}).encode()
    for config in ({"config": other}, {"config": {"Env": other, "Labels": other}}, {"history": other, "rootfs": other}):
        base = ImageDocuments(manifest=manifest, config=json.dumps(config).encode())
        assert described(base)["Config"]["Labels"] == {}
        made = appended(base, Addition(layers=[LAYER], labels={"a": "b"}, environment={"PATH": "/x"}, made_by="x"))
        assert json.loads(made.config)["config"] == {"Labels": {"a": "b"}, "Env": ["PATH=/x"]}
        assert json.loads(made.config)["rootfs"]["diff_ids"] == [LAYER.diff]
        assert len(json.loads(made.manifest)["layers"]) == 2


@pytest.mark.parametrize("rootfs", [None, 5, {}, {"diff_ids": 5}, {"diff_ids": []}, {"diff_ids": ["a", "b"]}], ids=str)
def test_a_configuration_of_other_layers_is_refused(rootfs: object) -> None:
    config = json.dumps({"rootfs": rootfs}).encode()
    content = json.dumps({"config": {"digest": digest_of(config), "size": len(config)}, "layers": [BELOW]}).encode()

    def script(_method: str, path: str, _headers: object) -> Answer:
        return (200, {"Content-Type": OCI_MANIFEST}, content) if "/manifests/" in path else (200, {}, config)

    with (
        scripted(script) as host,
        connected(host, pauses=()) as connection,
        pytest.raises(RegistryError, match="its configuration lists other layers than its manifest"),
    ):
        documents(connection, parse(f"{host}/a:1.0"))

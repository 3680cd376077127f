"""Adds a layer to an image's manifest and configuration, without reading the layers below. Pure, and deterministic.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

import json
from collections.abc import Mapping
from typing import Any

from builder.build.oci_layout import CONFIG, MANIFEST, ImageDocuments, descriptor, dumped
from builder.derive.blob import Blob
from builder.registry.descriptors import list_in, mapping, text
from builder.registry.manifests import digest_of

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip": GZIP,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
}
"""The OCI name of each Docker media type: the result is an OCI manifest, as Docker's format has no zstd."""
CREATED_BY = "framework-images derive"


def appended(
    base: ImageDocuments, layer: Blob, labels: Mapping[str, str], environment: Mapping[str, str]
) -> ImageDocuments:
    """The documents of `base` with one more layer, with `labels` in place of its own, and with more variables."""
    config = json.loads(base.config)
    inner, root = mapping(config.get("config")), mapping(config.get("rootfs"))
    more = {"Env": [f"{name}={value}" for name, value in (variables_of(inner) | dict(environment)).items()]}
    config["config"] = {**inner, "Labels": dict(labels), **(more if environment else {})}
    config["rootfs"] = {"type": "layers", **root, "diff_ids": [*list_in(root, "diff_ids"), layer.diff]}
    config["history"] = [*list_in(config, "history"), {"created": config.get("created"), "created_by": CREATED_BY}]
    content = dumped(config)
    manifest = json.loads(base.manifest)
    layers = [{**one, "mediaType": oci_kind(text(one.get("mediaType")))} for one in list_in(manifest, "layers")]
    layers.append({"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size})
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers}
    body["config"] = descriptor(CONFIG, digest_of(content).removeprefix("sha256:"), len(content))
    return ImageDocuments(manifest=dumped(body), config=content)


def oci_kind(said: str) -> str:
    return DOCKER.get(said, said or GZIP)


def variables_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """The environment in an image's settings, from its lines `NAME=VALUE`; other lines are left out."""
    return dict(one.split("=", 1) for one in list_in(settings, "Env") if isinstance(one, str) and "=" in one)

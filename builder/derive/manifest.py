"""Adds a layer to an image's manifest and configuration, without reading the layers below. Pure, and deterministic.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.build.oci_layout import CONFIG, MANIFEST, descriptor
from builder.derive.blob import Blob

DOCKER = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
}
"""The OCI name of each Docker media type: the result is an OCI manifest, as Docker's format has no zstd."""
CREATED_BY = "framework-images derive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDocuments:
    """The manifest and the configuration of an image; together they name its layers by digest."""

    manifest: bytes
    config: bytes

    @property
    def digest(self) -> str:
        return sha256(self.manifest)


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def appended(
    base: ImageDocuments, layer: Blob, labels: Mapping[str, str], environment: Mapping[str, str]
) -> ImageDocuments:
    """The documents of `base` with one more layer, with `labels` in place of its own, and with more variables."""
    config = json.loads(base.config)
    inner = {**config.get("config", {}), "Labels": dict(labels)}
    if environment:
        inner["Env"] = merged(inner.get("Env") or [], environment)
    config["config"] = inner
    config["rootfs"] = {**config["rootfs"], "diff_ids": [*config["rootfs"]["diff_ids"], layer.diff]}
    config["history"] = [*config.get("history", []), {"created": config.get("created"), "created_by": CREATED_BY}]
    content = dumped(config)
    manifest = json.loads(base.manifest)
    layers = [{**one, "mediaType": DOCKER.get(one["mediaType"], one["mediaType"])} for one in manifest["layers"]]
    layers.append({"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size})
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers}
    body["config"] = descriptor(CONFIG, sha256(content).removeprefix("sha256:"), len(content))
    return ImageDocuments(manifest=dumped(body), config=content)


def merged(before: list[str], more: Mapping[str, str]) -> list[str]:
    """The `NAME=VALUE` lines of an image with other variables set."""
    found = dict(one.split("=", 1) for one in before) | dict(more)
    return [f"{name}={value}" for name, value in found.items()]


def dumped(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()

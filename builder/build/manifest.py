"""Adds layers to an image's manifest and configuration, without reading the layers below. Pure, and deterministic.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.build.oci_layout import CONFIG, MANIFEST, ImageDocuments, descriptor, dumped
from builder.host.layer_cache import PackedLayer
from builder.registry.descriptors import list_in, mapping, text
from builder.registry.manifests import digest_of

LAYER = "application/vnd.oci.image.layer.v1.tar"
GZIP = f"{LAYER}+gzip"
DOCKER = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip": GZIP,
    "application/vnd.docker.image.rootfs.diff.tar": LAYER,
}
"""The OCI name of each Docker media type: the result is an OCI manifest, as Docker's format has no zstd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What an image becomes beyond its base: more layers, labels in place of its own, and more variables."""

    layers: Sequence[PackedLayer]
    labels: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    made_by: str
    """What the history of the image says of each layer, before its title."""


def appended(base: ImageDocuments, added: Addition) -> ImageDocuments:
    """The documents of `base` with the addition."""
    content = configuration(base.config, added)
    manifest = json.loads(base.manifest)
    layers = [{**one, "mediaType": oci_kind(text(one.get("mediaType")))} for one in list_in(manifest, "layers")]
    layers += [
        {"mediaType": f"{LAYER}+{one.compression}", "digest": one.digest, "size": one.size} for one in added.layers
    ]
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers}
    body["config"] = descriptor(CONFIG, digest_of(content).removeprefix("sha256:"), len(content))
    return ImageDocuments(manifest=dumped(body), config=content)


def configuration(base: bytes, added: Addition) -> bytes:
    """The configuration of the image."""
    config = json.loads(base)
    inner, root = mapping(config.get("config")), mapping(config.get("rootfs"))
    variables = {**variables_of(inner), **added.environment}
    more = {"Env": [f"{name}={value}" for name, value in variables.items()]} if added.environment else {}
    config["config"] = {**inner, "Labels": dict(added.labels), **more}
    diffs = [one.diff for one in added.layers]
    config["rootfs"] = {"type": "layers", **root, "diff_ids": [*list_in(root, "diff_ids"), *diffs]}
    steps = [{"created": config.get("created"), "created_by": step(added.made_by, one)} for one in added.layers]
    config["history"] = [*list_in(config, "history"), *steps]
    return dumped(config)


def step(made_by: str, layer: PackedLayer) -> str:
    return f"{made_by}: {layer.title}" if layer.title else made_by


def oci_kind(said: str) -> str:
    return DOCKER.get(said, said or GZIP)


def variables_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """The environment in an image's settings, from its lines `NAME=VALUE`; other lines are left out."""
    return dict(one.split("=", 1) for one in list_in(settings, "Env") if isinstance(one, str) and "=" in one)

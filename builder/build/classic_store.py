"""Builds in an engine whose image store is the classic one, such as overlay2.

Its BuildKit reads no OCI layout, so a base of ours is loaded into the engine, under a tag. It writes the time of the
build into the configuration, where SOURCE_DATE_EPOCH is meant, so a configuration of ours takes its place.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.build import load_into_engine, oci_layout
from builder.build.buildx_command import BuildInputs
from builder.build.oci_layout import dumped
from builder.build.site_inputs import LAYOUT
from builder.host import engine
from builder.matrix.spec import EPOCH
from builder.registry.descriptors import list_in
from builder.registry.manifests import parsed

if TYPE_CHECKING:
    import docker

REPOSITORY = "framework-images-base"
MADE = datetime.fromtimestamp(EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def with_loaded_bases(client: "docker.DockerClient", inputs: BuildInputs) -> BuildInputs:
    """The inputs with images of the engine in place of OCI layouts; raises EngineError."""
    stages = {
        name: loaded(client, source) if source.startswith(LAYOUT) else source for name, source in inputs.stages.items()
    }
    return replace(inputs, stages=stages)


def loaded(client: "docker.DockerClient", source: str) -> str:
    """The buildx context of the image in an OCI layout, which is loaded where the engine lacks it."""
    layout = Path(source.removeprefix(LAYOUT).rpartition("@")[0])
    image = oci_layout.documents(layout)
    tag = image.config_digest.removeprefix("sha256:")[:16]
    if engine.digest(client, f"{REPOSITORY}:{tag}") != image.config_digest:
        layers = [str(one["digest"]) for one in json.loads(image.manifest)["layers"]]
        files = {digest: layout / load_into_engine.place(digest) for digest in layers}
        client.api.tag(load_into_engine.load(client, image, files), REPOSITORY, tag)
    return f"docker-image://{REPOSITORY}:{tag}"


def without_clock(config: bytes, digest: str) -> bytes:
    """The configuration as BuildKit writes it with SOURCE_DATE_EPOCH: its time is that, and no step is later."""
    found: dict[str, Any] = parsed(config, digest)
    steps = list_in(found, "history")
    for step in steps:
        step["created"] = min(str(step.get("created") or MADE), MADE)
    return dumped({**found, "created": MADE, "history": steps})

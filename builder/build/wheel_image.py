"""Puts the layers of wheels on what BuildKit made of a row, in the engine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build import classic_store, engine_export, engine_manifest, load_into_engine
from builder.build.manifest import Addition, appended, configuration
from builder.host import engine, layer_cache
from builder.host.layer_cache import PackedLayer
from builder.host.temporary import passing

if TYPE_CHECKING:
    import docker

MADE_BY = "python -m builder"


def assembled(
    client: "docker.DockerClient", system: str, layers: Sequence[PackedLayer], labels: Mapping[str, str]
) -> str:
    """Loads the image; returns the engine's name of it. Raises EngineError.

    Of the system's own labels, those stay that the row does not give.
    """
    load = loaded if engine.has_containerd_store(client.info()) else loaded_into_classic
    own = engine.labels(client, system)
    return load(client, system, Addition(layers=layers, labels={**own, **labels}, made_by=MADE_BY))


def reproducible(client: "docker.DockerClient", digest: str) -> str:
    """The image without the time of its build, which a classic store's BuildKit writes; returns its name.

    Raises EngineError.
    """
    if engine.has_containerd_store(client.info()):
        return digest
    with engine_manifest.tagged(client, digest, passing(0)):
        config = classic_store.without_clock(engine_export.configuration(client, digest), digest)
        return load_into_engine.load_configuration(client, config)


def loaded(client: "docker.DockerClient", system: str, added: Addition) -> str:
    """Loads the image into a store that keeps manifests."""
    image = appended(engine_manifest.image_of(client, system), added)
    return load_into_engine.load_layers(client, image, system, added.layers)


def loaded_into_classic(client: "docker.DockerClient", system: str, added: Addition) -> str:
    """The same for a store that keeps unpacked layers and no manifest."""
    before = classic_store.without_clock(engine_export.configuration(client, system), system)
    files: dict[str, Path] = {one.diff: layer_cache.blob(one.digest) for one in added.layers}
    return load_into_engine.load_configuration(client, configuration(before, added), files)

"""The images of the engine that were built from a matrix, with what this host remembers of them."""

from typing import TYPE_CHECKING, Any

from builder.build import history
from builder.build.fingerprint import fingerprint_in
from builder.build.plan import Existing
from builder.host import engine
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS
from builder.matrix.promise import cell_in, platform_in
from builder.matrix.spec import EPOCH
from builder.verify import passed

if TYPE_CHECKING:
    import docker


def existing(client: "docker.DockerClient") -> list[Existing]:
    """Every image of the engine that has a fingerprint."""
    return [read(image) for image in engine.images_with_label(client, LABEL_FINGERPRINT)]


def read(image: dict[str, Any]) -> Existing:
    """One entry of the engine's list. Images carry no time of their build, so this host's memory gives it."""
    labels = image.get("Labels") or {}
    cell = cell_in(labels)
    created = int(image.get("Created") or 0)
    made = history.past(cell).made.get(str(image["Id"])) if cell else None
    return Existing(
        digest=str(image["Id"]),
        cell=cell,
        fingerprint=fingerprint_in(labels),
        label=labels.get(LABEL_INPUTS),
        references=tuple(name for name in image.get("RepoTags") or () if "<none>" not in name),
        size=int(image.get("Size") or 0),
        created=made or created,
        platform=platform_in(labels),
        at_epoch=created == EPOCH,
        verified=frozenset(passed.passed(str(image["Id"]))),
    )

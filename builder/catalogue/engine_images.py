"""Finds the image of each cell on this engine, with its layers, tags and last verification. Changes nothing."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from builder.build import history
from builder.build.fingerprint import FINGERPRINT, Inputs, fingerprint_in, parse
from builder.catalogue.image_info import BASE, Image, ImageLocation, LastVerification, Layer
from builder.host import engine
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_INPUTS, LABEL_ROW, cell
from builder.matrix.promise import cell_in, promise_of
from builder.matrix.reference import repository_and_tag
from builder.matrix.rehearsal import is_rehearsal
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import immutable_tag, repository_of
from builder.verify import passed

if TYPE_CHECKING:
    import docker

PADDED = re.compile(r"\[[^\]]*[0-9]+/[0-9]+\] ")
"""A step such as `[image 5/5] WORKDIR /home`: BuildKit adds one for each layer of a base that has no history."""
LABEL_BASE = "org.opencontainers.image.base.digest"
Say = Callable[[str], None]


def on_engine(
    client: "docker.DockerClient", cells: Sequence[ImageSpec], *, name: str | None = None, layers: bool = True
) -> dict[str, Image]:
    """The verified image of each cell that this engine has, by the cell's name: the tagged one, else the newest.

    With `name`, the repository as `--repository` gives it, only images with a tag there count. With `layers`, the
    engine measures each layer, which takes seconds for each image.
    """
    listed = [entry for entry in engine.images_with_label(client, LABEL_FINGERPRINT) if is_readable(entry)]
    found, is_packed = {}, engine.has_containerd_store(client.info())
    for spec in cells:
        wanted = [restricted(entry, repository_of(spec.framework, name) if name else None) for entry in listed]
        mine = [entry for entry in wanted if entry and cell_in(entry["Labels"]) == cell(spec)]
        if entry := max((one for one in mine if is_passed(spec, one)), key=lambda one: rank(spec, one), default=None):
            found[cell(spec)] = image(client, spec, entry, layers=layers, is_packed=is_packed)
    return found


def restricted(entry: dict[str, Any], repository: str | None) -> dict[str, Any] | None:
    """The entry with only its tags in that repository; None when it has none there."""
    if repository is None:
        return entry
    tags = [name for name in references(entry) if repository_and_tag(name)[0] == repository]
    return {**entry, "RepoTags": tags} if tags else None


def is_readable(entry: Mapping[str, Any]) -> bool:
    """Whether the labels have the form that a build gives them; anybody may have written other ones.

    A rehearsal is no image of its cell.
    """
    labels = entry.get("Labels") or {}
    base = str(labels.get(LABEL_BASE) or "").removeprefix("sha256:")
    return not is_rehearsal(labels) and bool(fingerprint_in(labels) and FINGERPRINT.fullmatch(base))


def is_passed(spec: ImageSpec, entry: Mapping[str, Any]) -> bool:
    """Whether the image passed its checks: this host recorded it, or the image has the immutable tag of a pass."""
    return bool(passed.passed(entry["Id"])) or immutable(spec, entry) in tags_of(entry)


def immutable(spec: ImageSpec, entry: Mapping[str, Any]) -> str:
    return immutable_tag(spec, entry["Labels"][LABEL_FINGERPRINT])


def rank(spec: ImageSpec, entry: Mapping[str, Any]) -> tuple[object, ...]:
    """The key that orders images of one cell: how many rolling tags, when it was made here, then the digest.

    The date inside the image is no help, as every image has the same.
    """
    rolling = len(set(spec.rolling_tags) & set(tags_of(entry)))
    made = history.past(cell(spec)).made.get(str(entry["Id"]), 0)
    return (rolling, made, str(entry["Id"]))


def tags_of(entry: Mapping[str, Any]) -> list[str]:
    return [repository_and_tag(name)[1] for name in references(entry)]


def references(entry: Mapping[str, Any]) -> list[str]:
    return [name for name in entry.get("RepoTags") or () if "<none>" not in name]


def image(
    client: "docker.DockerClient", spec: ImageSpec, entry: Mapping[str, Any], *, layers: bool, is_packed: bool
) -> Image:
    """What the engine and this host's records say about an image; `is_packed`: the engine keeps it compressed."""
    digest = str(entry["Id"])
    described = engine.inspect(client, digest) or {}
    history = client.api.history(digest) if layers else []  # type: ignore[no-untyped-call]
    diffs = list((described.get("RootFS") or {}).get("Layers") or ())
    found = layers_of(diffs, history)
    sizes = [one.unpacked for one in found if one.unpacked is not None]
    return Image(
        digest=digest,
        fingerprint=entry["Labels"][LABEL_FINGERPRINT],
        base=entry["Labels"][LABEL_BASE],
        architecture=str(described.get("Architecture") or "unknown"),
        is_current=entry["Labels"].get(LABEL_ROW) == promise_of(spec).to_label(),
        compressed=(int(described.get("Size") or 0) or None) if is_packed else None,
        unpacked=sum(sizes) if found and len(sizes) == len(found) else None,
        layers=found,
        places=places(references(entry), is_registry=False),
        verification=verification(digest),
        sbom=None,
        inputs=inputs_in(entry["Labels"].get(LABEL_INPUTS)),
    )


def layers_of(diffs: Sequence[str], history: Sequence[Mapping[str, Any]]) -> tuple[Layer, ...]:
    """The layers, the base first; without `made_by` and bytes when history and layers differ in number."""
    steps = [(str(step.get("CreatedBy") or ""), int(step.get("Size") or 0)) for step in reversed(history)]
    filled = [(text, size) for text, size in steps if size]
    if len(filled) != len(diffs):
        return tuple(Layer(digest=digest, made_by="") for digest in diffs)
    made_by = shifted([text for text, _ in filled])
    return tuple(
        Layer(digest=digest, made_by=text, unpacked=size)
        for digest, text, (_, size) in zip(diffs, made_by, filled, strict=True)
    )


def shifted(texts: Sequence[str]) -> list[str]:
    """The instruction of each layer, in the layers' order.

    The steps that BuildKit adds for the base come last in the history, and the layers they stand for come first.
    """
    real = [text for text in texts if not PADDED.match(text)]
    return [BASE] * (len(texts) - len(real)) + real


def places(names: Iterable[str], *, is_registry: bool) -> tuple[ImageLocation, ...]:
    """The repositories in the references `REPOSITORY:TAG`, each with its tags."""
    by_repository: dict[str, list[str]] = {}
    for name in sorted(names):
        repository, tag = repository_and_tag(name)
        by_repository.setdefault(repository, []).append(tag)
    return tuple(
        ImageLocation(repository=repository, is_registry=is_registry, tags=tuple(tags))
        for repository, tags in by_repository.items()
    )


def verification(digest: str) -> LastVerification | None:
    """The last verification of a digest that this host recorded, or None."""
    remembered = [(one.get("when", ""), checks, one) for checks, one in passed.passed(digest).items()]
    if not remembered:
        return None
    when, checks, one = max(remembered, key=lambda entry: entry[:2])
    return LastVerification(when=when, summary=one.get("summary", ""), checks=checks)


def inputs_in(label: str | None) -> Inputs | None:
    """The inputs in an image's label; None when it has none that can be parsed."""
    try:
        return parse(label or "")
    except ValueError:
        return None

"""`diff`: compares two images, or an image and its cell: pins, packages, bytes by layer."""

from typing import TYPE_CHECKING

from builder.catalogue import engine_images
from builder.catalogue.comparison import Side, differences, side_of_row, versions
from builder.catalogue.layer_chart import human, titles
from builder.commands.common.inputs import matrix_of, pinned
from builder.commands.common.output import counted, document, say
from builder.commands.flags.view import DiffOptions
from builder.host import engine
from builder.matrix.names import cell
from builder.verify.container import promise
from builder.verify.inventory import inventory

if TYPE_CHECKING:
    import docker


def run(options: DiffOptions) -> int:
    """Print what changed from the first to the second; returns 0 also when they differ."""
    rows = {cell(spec): spec for spec in matrix_of(options).cells}
    with engine.connected() as client:
        sides = [
            side_of_row(pinned(options, (rows[name],))[0]) if name in rows else side_of_image(client, name)
            for name in (options.old, options.new)
        ]
    entries = list(differences(*sides))
    if options.format == "table":
        for entry in entries:
            if entry["kind"] == "layer":
                entry.update(before=human(entry["before"]), after=human(entry["after"]))
    print(document(entries, "differences", options.format))
    said = counted(entry["change"] for entry in entries) or "no difference"
    say(f"{sides[0].name} → {sides[1].name}: {said}")
    return 0


def side_of_image(client: "docker.DockerClient", reference: str) -> Side:
    """What an image of this engine holds, read in one container; raises EngineError or InputError."""
    image = engine.described(client, reference)
    digest = str(image["Id"])
    promised = promise(image)
    contents = inventory(client, digest)
    history = client.api.history(digest)  # type: ignore[no-untyped-call]
    layers = engine_images.layers_of(list((image.get("RootFS") or {}).get("Layers") or ()), history)
    sizes = [one.unpacked for one in layers]
    names = numbered(titles(layers))
    return Side(
        name=f"{reference} {digest[:19]}",
        pins=promised.values(),
        packages=versions(contents.packages),
        layers={name: size for name, size in zip(names, sizes, strict=True) if size is not None},
    )


def numbered(names: list[str]) -> list[str]:
    """The names, made unique: the second `a` becomes `a 2`."""
    return [f"{name} {names[:n].count(name) + 1}" if name in names[:n] else name for n, name in enumerate(names)]

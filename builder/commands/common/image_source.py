"""Reads what is known of the selected images: from image-info.json, a registry, or this engine."""

from collections.abc import Sequence

from builder.build.recorded import recorded
from builder.catalogue import engine_images, image_info_file
from builder.catalogue.image_info import Image, Info, info_of
from builder.catalogue.registry_images import in_registry, with_unpacked
from builder.commands.common.inputs import root, site_of
from builder.commands.common.output import say
from builder.commands.common.trust import known_trust
from builder.commands.flags.view import ViewOptions
from builder.errors import EngineError, InputError
from builder.host import engine
from builder.matrix.names import cell
from builder.matrix.reference import parse_registry
from builder.matrix.spec import ImageSpec


def infos(options: ViewOptions, cells: Sequence[ImageSpec], *, layers: bool = True) -> tuple[Info, ...]:
    """The cells, each with its image where there is one. Without `layers` the layers are not measured."""
    if options.image_info:
        return from_file(options, cells)
    found = from_registry(options, cells, layers=layers) if options.registry else from_engine(options, cells, layers)
    records = recorded(root(options), cells)
    return tuple(info_of(spec, found.get(cell(spec)), records.get(cell(spec))) for spec in cells)


def from_engine(options: ViewOptions, cells: Sequence[ImageSpec], layers: bool) -> dict[str, Image]:
    """The images of this engine; raises EngineError when none answers."""
    with engine.connected() as client:
        return engine_images.on_engine(client, cells, name=options.repository, layers=layers)


def from_registry(options: ViewOptions, cells: Sequence[ImageSpec], *, layers: bool) -> dict[str, Image]:
    """The images of the registry of `--registry`. With `layers` the engine adds their unpacked sizes."""
    where = parse_registry(str(options.registry))
    site = site_of(options)
    believed = known_trust(options, site) if layers else None
    if layers and not believed:
        say(f"{where}: nobody says whose reports of the checks count, so none does: --key, or `trust` in the site file")
    found = in_registry(where, cells, name=options.repository, site=site, say=say, trust=believed)
    if not layers or not found:
        return found
    try:
        with engine.connected() as client:
            local = engine_images.on_engine(client, [spec for spec in cells if cell(spec) in found])
    except EngineError as error:
        say(f"{error.message} The unpacked sizes are not known.")
        return found
    return {name: with_unpacked(image, local.get(name)) for name, image in found.items()}


def from_file(options: ViewOptions, cells: Sequence[ImageSpec]) -> tuple[Info, ...]:
    """The entries of the selected cells; raises InputError when the file lacks one."""
    by_name = {info.name: info for info in image_info_file.load(options.image_info)} if options.image_info else {}
    missing = [f"{options.image_info}: it has no {cell(spec)}" for spec in cells if cell(spec) not in by_name]
    if missing:
        raise InputError(missing, hint=f"python -m builder image-info --output {options.image_info}")
    return tuple(by_name[cell(spec)] for spec in cells)

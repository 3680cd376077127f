"""`record`: writes into images/records.yaml what a passed verification of the selected cells left on this host."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.build.new_records import newest
from builder.build.recorded import today_of
from builder.build.records import FILE, Record, Records, dump, load
from builder.commands.common.inputs import matrix_and_cells, root
from builder.commands.common.output import document, say
from builder.commands.common.prepare import current
from builder.commands.options import Options
from builder.errors import InputError
from builder.host import engine
from builder.host.files import write_whole
from builder.matrix.names import LABEL_ROW, cell, first_and_more
from builder.matrix.spec import ImageSpec

Found = Mapping[str, Record | None]


def run(options: Options) -> int:
    """Renew the records of the selected cells, and keep the others; returns 1 when a cell has nothing to record."""
    matrix, cells = matrix_and_cells(options)
    if theirs := [cell(spec) for spec in cells if spec.cpu_wheels]:
        hint = "--gpu, or --site with a file that names no cpu-index-url"
        raise InputError(f"{first_and_more(theirs)}: records are of what is committed, not of CPU wheels", hint=hint)
    current(options, cells)
    file, names = root(options) / FILE, set(map(cell, matrix.cells))
    before = load(file)
    found = found_here(options, cells)
    after = {name: one for name, one in before.items() if name in names}
    after |= {name: one for name, one in found.items() if one and replaces(one, before.get(name))}
    if write(file, dump(after)):
        say(f"{file}: written; then: python -m builder docs --readme")
    print(document([row(options, name, found, before, after) for name in found], "images", options.format))
    missing = [name for name, one in found.items() if one is None]
    for name in missing:
        say(f"{name}: no image here passed today's checks with today's inputs: python -m builder build --only={name}")
    return int(bool(missing))


def write(file: Path, text: str) -> bool:
    """Whether the file had another text, and has this one now; no file is as good as one without records."""
    if text == (file.read_text("utf-8") if file.exists() else dump({})):
        return False
    write_whole(file, text)
    return True


def found_here(options: Options, cells: Sequence[ImageSpec]) -> Found:
    """The record of each cell by what this engine and this host have; raises EngineError."""
    today = today_of(root(options))
    with engine.connected() as client:
        images = engine.images_with_label(client, LABEL_ROW)
    return {cell(spec): newest(spec, today(spec), images) for spec in cells}


def replaces(new: Record, old: Record | None) -> bool:
    """Whether the new record takes the place of the old one. A rehearsal never takes that of the real thing."""
    return old is None or old.status == "rehearsed" or new.status == "verified"


def row(options: Options, name: str, found: Found, before: Records, after: Records) -> dict[str, object]:
    """One line of the table, or one entry of the document: the record that the cell has now."""
    old, new = before.get(name), after.get(name)
    digest = new.digest if new else None
    return {
        "name": name,
        "outcome": outcome(found[name], old, new),
        "status": new.status if new else None,
        "day": new.day if new else None,
        "digest": digest[:19] if digest and options.format == "table" else digest,
    }


def outcome(found: Record | None, old: Record | None, new: Record | None) -> str:
    """What became of a cell; a record is kept where there is nothing here that may take its place."""
    if old != new:
        return "recorded"
    if new is None:
        return "nothing to record"
    return "unchanged" if found == new else "kept"

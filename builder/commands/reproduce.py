"""`reproduce`: builds a cell twice from scratch, as images that nobody keeps, and names every file that differs.

The second time another process renders the context. Its directory, locale, time zone, local day, umask and file times
differ. The builder, its base and SOURCE_DATE_EPOCH are the same. The clock is the engine's and true in both builds. A
step that writes seconds writes others the second time. A step that writes the day writes the same, except at midnight.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.build import buildx_builders, buildx_command, engine_layout, engine_manifest, layer_diff, row_wheels
from builder.build import buildx_run as building
from builder.build.contexts import existing
from builder.build.job import Job
from builder.build.progress import Display, Watch
from builder.commands.common.ensured_base import ensured_base
from builder.commands.common.inputs import matrix_of, root
from builder.commands.common.output import document
from builder.commands.common.prepare import current, prepare
from builder.commands.options import Options
from builder.errors import BuildError, InputError
from builder.host import engine, process
from builder.host.command import Command
from builder.host.process import Running
from builder.host.site import Site
from builder.host.site_discovery import load_site
from builder.host.temporary import passing, scratch
from builder.matrix.names import cell, context
from builder.matrix.spec import ImageSpec
from builder.matrix.yaml_positions import near

if TYPE_CHECKING:
    import docker

SHOWN = 40
UMASK = 0o077
ZONES = {14: "XXX-14", -12: "XXX+12"}
"""The zones farthest east and west, as POSIX writes them. In one of them it is another day than here."""
LOCALES = ("LC_ALL", "LC_CTYPE", "LANG")
SECONDS = 120
DAY = 86_400
Row = dict[str, Any]


def run(options: Options) -> int:
    """Print a line for each cell, and each difference. Returns 0 when every cell gave the same bytes twice, else 1."""
    known = matrix_of(options).cells
    cells = [meant(name, known) for name in dict.fromkeys(options.cells)]
    site = load_site(options.site)
    buildx_builders.assert_buildx()
    options.log_dir.mkdir(parents=True, exist_ok=True)
    with engine.connected() as client, Display(live=not options.verbose) as display:
        engine.assert_builds(client)
        jobs = prepare(options, current(options, cells), site, ensured_base(site, display.say))
        rows = [compared(client, options, job, site, display) for job in jobs]
    shown = rows if options.format != "table" else [{**row, "differences": len(row["differences"])} for row in rows]
    print(document(shown, "images", options.format))
    if options.format == "table":
        for name, line in ((row["name"], line) for row in rows for line in cut(row["differences"])):
            print(f"{name}: {line}")
    return int(any(row["differences"] for row in rows))


def meant(name: str, known: Sequence[ImageSpec]) -> ImageSpec:
    """The cell of that name; raises InputError."""
    found = {cell(spec): spec for spec in known}
    if name not in found:
        raise InputError(f"{name}: no such cell{near(name, found)}", hint="python -m builder list")
    return found[name]


def compared(client: "docker.DockerClient", options: Options, job: Job, site: Site, display: Display) -> Row:
    """Build a cell twice, and return its line. One build follows the other, because BuildKit joins equal steps."""
    with scratch() as directory:
        layouts = directory / "first", directory / "second"
        first = built(client, options, job, job.context, site, layouts[0], display)
        with elsewhere():
            context = rendered_elsewhere(options, job.spec, directory / "another place")
            second = built(client, options, job, context, site, layouts[1], display)
        found = [*contexts(job.context, context), *(named(*layouts) if first != second else ())]
        lost = list(layer_diff.losses(layer_diff.read(layouts[0])))
    hidden = sum(one.bytes for one in lost) / 1e6
    display.say(f"{cell(job.spec)}: {len(lost)} files, {hidden:.1f} MB, are hidden by higher layers")
    return {
        "name": cell(job.spec),
        "outcome": "different" if found else "equal",
        "digest": first if options.format != "table" else first[:19],
        "hidden": [f"/{one.path}" for one in lost] if options.format != "table" else len(lost),
        "differences": found,
    }


def contexts(first: Path, second: Path) -> Iterator[str]:
    """A line for each file that differs between two contexts."""
    one, other = existing(first), existing(second)
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield f"context: {name} is rendered differently"


def built(
    client: "docker.DockerClient", options: Options, job: Job, context: Path, site: Site, layout: Path, display: Display
) -> str:
    """Build without any cache, and return the digest. The image goes to `layout`, and does not stay in the engine."""
    name = f"{cell(job.spec)} ({layout.name})"
    replay = str(Command(argv=("python", "-m", "builder", "reproduce", cell(job.spec))))
    log = options.log_dir / f"reproduce-{cell(job.spec).replace('/', '-')}-{layout.name}.log"
    echo = sys.stderr if options.verbose else None
    with log.open("w", encoding="utf-8") as stream, job.inputs(site) as inputs:
        watch = Watch(name=name, log=stream, echo=echo, replay=replay)
        display.add(watch)
        run = building.Run(
            client=client,
            job=job,
            inputs=inputs,
            watch=watch,
            running=Running(),
            on_step=display.step,
            context=context,
        )
        with building.removed(watch, display):
            wheels = row_wheels.row_wheels(job.pinned, site)
            made = building.image(run, wheels, buildx_command.OWN, lambda _: ("--no-cache",), anew=True)
            with engine_manifest.tagged(client, made, passing(0)):
                digest = engine_layout.write(client, made, layout)
    display.say(f"{name}: {digest[:19]} in {watch.elapsed:.0f} s")
    return digest


def named(first: Path, second: Path) -> Iterator[str]:
    """A line for each difference between two layouts. Only the blobs that differ are read."""
    nothing: frozenset[str] = frozenset()
    before, after = ({layer.digest for layer in layer_diff.read(layout, only=nothing)} for layout in (first, second))
    only = frozenset(before ^ after)
    found = list(layer_diff.differences(layer_diff.read(first, only=only), layer_diff.read(second, only=only)))
    one, other = layer_diff.config(first), layer_diff.config(second)
    own = [key for key in sorted(one.keys() | other.keys()) if key != "rootfs" and one.get(key) != other.get(key)]
    yield from found
    yield from (f"configuration: {key} differs" for key in own)
    if not found and not own:
        yield "the manifest alone differs"


def cut(lines: Sequence[str]) -> list[str]:
    """The first lines, and how many more there are."""
    more = [f"{len(lines) - SHOWN} more: --format json names all"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]


def variables() -> dict[str, str]:
    """A locale of another encoding, a time zone on another day, and a fixed seed of Python's hashes."""
    now = next((os.environ[name] for name in LOCALES if os.environ.get(name)), "")
    hours = next(one for one in ZONES if (datetime.now(UTC) + timedelta(hours=one)).date() != today())
    locale = "C" if "utf" in now.lower() else "C.UTF-8"
    # Python takes C for C.UTF-8 unless it is told not to.
    python = {"PYTHONHASHSEED": "1", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    return {"LC_ALL": locale, "LANG": locale, "TZ": ZONES[hours], **python}


def today() -> date:
    return datetime.now().astimezone().date()


@contextmanager
def elsewhere() -> Iterator[None]:
    """Give these surroundings to this process and its children while the block lasts."""
    others = variables()
    before = {name: os.environ.get(name) for name in others}
    mask = os.umask(UMASK)
    os.environ.update(others)
    time.tzset()
    try:
        yield
    finally:
        os.umask(mask)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        time.tzset()


def rendered_elsewhere(options: Options, spec: ImageSpec, target: Path) -> Path:
    """Render the cell's context in `target` by another process, with files a year old. Raises BuildError."""
    target.mkdir()
    shutil.copytree(root(options) / "templates", target / "templates", copy_function=shutil.copyfile)
    for file in (options.matrix, root(options) / "builder.lock"):
        shutil.copyfile(file, target / file.name)
    site = (f"--site={options.site}",) if options.site else ()
    words = ("render", f"--matrix={target / options.matrix.name}", f"--only={cell(spec)}", *site)
    done = process.run(Command(argv=(sys.executable, "-m", "builder", *words)), timeout=SECONDS)
    if done.exit_code:
        raise BuildError(f"{cell(spec)}: it cannot be rendered elsewhere: {done.stderr.strip()}")
    found = target / context(spec)
    then = time.time() - 365 * DAY
    for path in (found, *found.rglob("*")):
        os.utime(path, (then, then))
    return found

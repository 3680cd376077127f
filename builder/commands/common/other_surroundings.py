"""Where `reproduce` builds the second time: what must not count is another there, as far as a process can have it.

The clock is the engine's, in both builds the true one: a step that writes seconds writes others the second time, one
that writes the day alone does not, unless midnight is between the two.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from builder.commands.common.inputs import root
from builder.commands.options import Options
from builder.errors import BuildError
from builder.host import process
from builder.host.command import Command
from builder.matrix.names import cell, context
from builder.matrix.spec import ImageSpec

UMASK = 0o077
ZONES = {14: "XXX-14", -12: "XXX+12"}
"""The zones farthest east and west, as POSIX writes them: their days never both are the day here."""
LOCALES = ("LC_ALL", "LC_CTYPE", "LANG")
SECONDS = 120
DAY = 86_400


def variables() -> dict[str, str]:
    """A locale of another encoding, a time zone in which it is another day, and a known seed of Python's hashes."""
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
    """Give these surroundings to this process, and to those it starts, for as long as the block lasts."""
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


def rendered(options: Options, spec: ImageSpec, target: Path) -> Path:
    """The cell's context as another process renders it in `target`, its files a year old; raises BuildError."""
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

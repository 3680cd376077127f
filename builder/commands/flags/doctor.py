"""The flags of `doctor`."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from builder.commands.flags.kinds import switch, value
from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions(Options):
    """What `doctor` reads."""

    write_site: Path | None = None
    sources: bool = False


def doctor(sub: ArgumentParser) -> None:
    text = "ask every source of the selected images, without building; exit 1 when one that is needed here is gone"
    switch(sub, "--sources", text)
    value(sub, "--write-site", "FILE", "write a site file that suits this machine, unless it exists", Path)

"""The flags of `doctor`."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from builder.commands.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions(Options):
    """What `doctor` reads."""

    write_site: Path | None = None


def doctor(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--write-site", type=Path, metavar="FILE", help="write a site file that suits this machine, unless it exists"
    )

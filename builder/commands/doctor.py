"""`doctor`: finds what is missing on this machine, and names the command that mends it."""

import sys
from dataclasses import asdict, replace
from pathlib import Path

from builder.commands.common.inputs import selection
from builder.commands.common.output import document
from builder.commands.flags.doctor import DoctorOptions
from builder.errors import InputError
from builder.host import site_proposal
from builder.host.doctor import Examination, examine
from builder.host.site import preferred
from builder.host.site_discovery import load_site
from builder.matrix.load import load
from builder.matrix.spec import EVERY_PLATFORM, ImageSpec


def run(options: DoctorOptions) -> int:
    """Print every check, or with `--sources` what is gone; returns 0 when builds can run."""
    if options.sources:
        from builder.commands.common.source_table import print_sources

        return print_sources(options)
    if options.platform != EVERY_PLATFORM or options.exclude or not selection(options).is_empty:
        raise InputError(
            "doctor: images are selected for --sources alone", hint="python -m builder doctor --sources ..."
        )
    result = look(options)
    if options.write_site and write(options, result, options.write_site):
        options = replace(options, site=options.site or options.write_site)
        result = look(options)
    rows = [asdict(check) for check in result.checks if options.verbose or check.found]
    print(document([{"state": row.pop("state"), **row} for row in rows], "checks", options.format))
    missing = sum(check.state == "missing" for check in result.checks)
    print("builds can run here" if result.can_build else f"{missing} missing: builds cannot run here", file=sys.stderr)
    return 0 if result.can_build else 1


def look(options: DoctorOptions) -> Examination:
    """Examine this machine for the cells of the matrix, as its site sees them."""
    site = load_site(options.site)
    matrix = load(options.matrix, preferred(options.site))
    wanted = tuple(spec for spec in matrix.cells if spec.framework == matrix.default_framework and is_default(spec))
    return examine(site, matrix.cells, wanted)


def is_default(spec: ImageSpec) -> bool:
    return spec.is_default_platform and spec.is_default_version


def write(options: DoctorOptions, result: Examination, file: Path) -> bool:
    """Write a site file, unless it exists or is not needed: stderr says so. Returns whether it wrote."""
    if file.exists():
        print(f"{file}: it exists, and is left as it is", file=sys.stderr)
        return False
    text, reasons = site_proposal.propose(load(options.matrix).cells, result.answers)
    if not text:
        print(f"{file}: not needed, every source answers", file=sys.stderr)
        return False
    site_proposal.write(file, text)
    print(f"{file}: written", *reasons, sep="\n  ", file=sys.stderr)
    return True

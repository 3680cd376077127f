"""`scan`: which locked packages advisories are about, before anything is built, and what no database covers."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence

from builder.advisories import accepted, coverage, database, openvex
from builder.advisories.coverage import Coverage, Pending
from builder.advisories.findings import Finding, findings, index, judged
from builder.advisories.severity import SEVERITIES
from builder.commands.common.inputs import lock_if_any, matrix_and_cells, root, site_of
from builder.commands.common.output import counted, document, say
from builder.commands.flags.scan import ScanOptions
from builder.dependencies.lockfile import Lock, pin_all
from builder.dependencies.pep508 import Requirements
from builder.errors import InputError
from builder.host.files import write_whole
from builder.host.site import Site
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec, PinnedImage

NEEDED = "advisories: DIRECTORY, in site.yaml, or --advisories: OSV's all.zip of PyPI, or PyPA's advisory-database"
UPGRADE = "python -m builder lock --upgrade apt"
Updates = Mapping[str, Pending]
"""The pending security updates by platform."""


def run(options: ScanOptions) -> int:
    """Print the findings, the worst first, and what was not audited; returns 1 when anything of it has to be mended."""
    _, cells = matrix_and_cells(options)
    site, lock, today = site_of(options), lock_if_any(options), dt.datetime.now(dt.UTC).date()
    answers = accepted.load(root(options))
    known = database_of(options, site, lock)
    pinned = pin_all(cells, lock)
    found = [judged(one, answers, today) for one in found_in(pinned, known, lock)]
    covered, updates = covered_by(pinned, known, lock, site, today)
    gaps = [coverage.answered_for(one, answers, today) for one in covered]
    if options.vex:
        write_whole(options.vex, json.dumps(openvex.document(found, day=today.isoformat()), indent=2) + "\n")
    beside = {"coverage": list(map(judgement, gaps)), "pending": pending_rows(updates)}
    print(document([row(one, options) for one in found], "findings", options.format, beside))
    return summary(found, gaps, updates, accepted.expired(answers, today), options)


def database_of(options: ScanOptions, site: Site, lock: Lock) -> database.Database:
    """The records of everything locked; raises InputError where no database is named."""
    path = options.advisories or site.advisories
    if path is None:
        raise InputError("this site names no advisories, so nothing can be audited", hint=NEEDED)
    return database.load(path, {one.name for closure in lock.closures.values() for one in closure.distributions})


def found_in(pinned: Sequence[PinnedImage], known: database.Database, lock: Lock) -> list[Finding]:
    """The findings of all cells, the worst first."""
    by_name, requirements = index(known.advisories), Requirements(lock.requirements)
    found = [one for image in pinned for one in findings(image.spec, image.distributions, by_name, requirements)]
    return sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.name, one.ids, one.cell))


def covered_by(
    pinned: Sequence[PinnedImage], known: database.Database, lock: Lock, site: Site, today: dt.date
) -> tuple[list[Coverage], Updates]:
    """What was judged by what, and the pending updates of each platform."""
    cells: list[ImageSpec] = [one.spec for one in pinned]
    oldest = today - dt.timedelta(days=site.advisories_days) if site.advisories_days else None
    found = [coverage.of_pypi(known, [cell(spec) for spec in cells], oldest), *coverage.of_conda(pinned)]
    found += coverage.of_repositories(cells)
    updates: dict[str, Pending] = {}
    for platform in sorted({spec.platform for spec in cells}, key=lambda one: one.name):
        one, updates[platform.name] = coverage.of_debian(platform, cells, lock.apt, site)
        found.append(one)
    return found, updates


def row(one: Finding, options: ScanOptions) -> dict[str, object]:
    """One line of the table, or one entry of the document."""
    owner = one.accepted.owner if one.accepted else None
    ids = ", ".join(one.ids) if options.format == "table" else list(one.ids)
    shown = {"name": one.cell, "severity": one.severity, "distribution": f"{one.name} {one.version}", "ids": ids}
    return {**shown, "mended by": one.remedy, "accepted by": owner}


def judgement(one: Coverage) -> dict[str, object]:
    """An ecosystem in the document."""
    owner = one.accepted.owner if one.accepted else None
    shown = {"ecosystem": one.ecosystem, "audited": one.audited, "said": one.said}
    return {**shown, "accepted by": owner, "images": list(one.cells)}


def pending_rows(updates: Updates) -> list[dict[str, str]]:
    """The pending security updates in the document."""
    return [
        {"platform": platform, "package": name, "locked": here, "pending": there}
        for platform, pending in updates.items()
        for name, (here, there) in sorted(pending.items())
    ]


def summary(
    found: Sequence[Finding],
    gaps: Sequence[Coverage],
    updates: Updates,
    expired: Sequence[str],
    options: ScanOptions,
) -> int:
    """Say what was judged by what; returns 1 for a finding, a gap or an update that nobody answers for."""
    for gap in gaps:
        state = (
            "audited" if gap.audited else f"not audited{f', accepted by {gap.accepted.owner}' if gap.accepted else ''}"
        )
        say(f"{gap.ecosystem}: {state}: {gap.said}; {len(gap.cells)} cells")
    for one in pending_rows(updates):
        told = "{platform}: {package} {locked}: a security update is pending, {pending}".format_map(one)
        say(f"{told}: {UPGRADE}")
    for sentence in expired:
        say(sentence)
    least = SEVERITIES.index(options.fail_on)
    bad = [one for one in found if not one.accepted and SEVERITIES.index(one.severity) >= least]
    open_gaps = [one for one in gaps if not one.audited and not one.accepted]
    say(f"{len(found)} findings: {counted((one.severity for one in found), SEVERITIES[::-1]) or 'none'}")
    return int(bool(bad or open_gaps or any(updates.values())))

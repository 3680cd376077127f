"""`verify`: the checks of each image against what its label promises, as a table or a document."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from builder.commands.common.output import document, workflow_command
from builder.commands.options import Options
from builder.errors import EngineError, InputError, VerifyError, harmless, told
from builder.verify import passed
from builder.verify.container import promised
from builder.verify.report import Report, summary
from builder.verify.run_checks import checks_version, extra_checks_of, verify


def run(options: Options) -> int:
    """Verify every image; returns 1 when a check of one failed."""
    reports = [report for image in options.images for report in verified(image, options)]
    if options.format == "table":
        for report in reports:
            print_report(report, verbose=options.verbose)
    elif options.format == "github":
        print("\n".join(annotation(report) for report in reports))
    else:
        print(document([full(report) for report in reports], "images", options.format))
    complete = len(reports) == len(options.images)
    return 0 if complete and all(report.passed for report in reports) else 1


def verified(image: str, options: Options) -> list[Report]:
    """The report on one image, and this host remembers that it passed.

    None when its checks could not run, which stderr says: the others are still verified.
    """
    print(f"verifying {image}", file=sys.stderr)
    templates = options.matrix.parent / "templates"
    try:
        extra = extra_checks_of(templates, promised(image).framework)
        report = verify(image, extra_checks=extra, log_dir=options.log_dir, seconds=options.verify_seconds)
    except (VerifyError, InputError, EngineError) as error:
        print(told(error, image), file=sys.stderr)
        return []
    if report.passed:
        passed.pass_of(report, checks_version(extra), lambda text: print(text, file=sys.stderr))
    return [report]


def print_report(report: Report, *, verbose: bool) -> None:
    """Print the checks that did not pass, with `verbose` all of them, and the line that sums up."""
    shown = [result for result in report.results if verbose or result.outcome != "passed"]
    print(harmless(f"{report.reference}  {report.digest}"))
    if shown:
        rows = [{"check": one.name, "outcome": one.outcome.replace("-", " "), "message": one.message} for one in shown]
        print(document(rows, "checks", "table"))
    print(harmless(summary(report)))


def annotation(report: Report) -> str:
    """The failures as workflow commands, each on its line, and the summary as a notice."""
    failed = [result for result in report.results if result.outcome == "failed"]
    title = report.reference
    lines = [workflow_command("error", f"{result.name}: {result.message}", title=title) for result in failed]
    return "\n".join([*lines, workflow_command("notice", summary(report), title=title)])


def full(report: Report) -> Mapping[str, Any]:
    """The whole report, for programs."""
    return {
        "reference": report.reference,
        "digest": report.digest,
        "passed": report.passed,
        "seconds": report.seconds,
        "row": report.promise.document(),
        "measured": dict(report.measured),
        "junit": str(report.junit) if report.junit else None,
        "log": str(report.log) if report.log else None,
        "checks": [asdict(one) for one in report.results],
    }

"""`tag`: verify images of the engine, and give those that pass their tags."""

import os
import sys

from builder.build import tags as tagging
from builder.commands.common.inputs import root
from builder.commands.options import Options
from builder.errors import InputError, VerifyError
from builder.host import engine
from builder.host.site import default_platform
from builder.matrix.load import load
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_ROW, cell
from builder.matrix.promise import promise_of
from builder.matrix.spec import ImageSpec
from builder.matrix.tags import repository_of, tags_of
from builder.verify import passed
from builder.verify.report import Verification
from builder.verify.run_checks import checks_version, extra_checks_of, verify


def run(options: Options) -> int:
    """Tag every named image, or say with --dry-run which tags it would get."""
    matrix = load(options.matrix, site_platform=default_platform(options.site, os.environ))
    with engine.connected() as client:
        for image in options.images:
            labels = engine.labels(client, image)
            spec = row_of(image, labels, matrix.cells)
            tags = tags_of(spec, repository_of(spec.framework, options.repository), labels[LABEL_FINGERPRINT])
            if not options.dry_run:
                digest = engine.digest(client, image) or image
                assert_verified(options, spec, digest)
                tagging.apply(client, tags, digest)
            print("\n".join(tags.references))
    return 0


def row_of(image: str, labels: dict[str, str], cells: tuple[ImageSpec, ...]) -> ImageSpec:
    """The row of the matrix that the image's label repeats; raises InputError when there is none, or no fingerprint."""
    found = next((spec for spec in cells if promise_of(spec).to_label() == labels.get(LABEL_ROW)), None)
    if found is None or not labels.get(LABEL_FINGERPRINT):
        what = "its label is no row of the matrix" if LABEL_ROW in labels else f"it has no label {LABEL_ROW}"
        raise InputError(f"{image}: {what}", hint="python -m builder build, which labels, verifies and tags")
    return found


def assert_verified(options: Options, spec: ImageSpec, digest: str) -> None:
    """Raise VerifyError unless the digest passed every check on this host, now or before."""
    extra = extra_checks_of(root(options) / "templates", spec.framework)
    if checks_version(extra) in passed.passed(digest):
        print(f"{cell(spec)}: {digest[:19]} is already verified", file=sys.stderr)
        return
    verified_now(options, spec, digest)


def verified_now(options: Options, spec: ImageSpec, digest: str) -> Verification:
    """Verify the digest against its row, and remember that it passed; raises VerifyError when it does not."""
    extra = extra_checks_of(root(options) / "templates", spec.framework)
    report = verify(digest, expected=promise_of(spec), extra_checks=extra, log_dir=options.log_dir)
    if not report.passed:
        failed = [result.name for result in report.results if result.outcome == "failed"]
        raise VerifyError(
            f"{cell(spec)}: nothing was done, these checks failed: {', '.join(failed)}",
            hint=f"python -m builder verify {digest}",
        )
    tagging.assert_measured(spec, report.measured)
    return passed.pass_of(report, checks_version(extra), lambda line: print(line, file=sys.stderr))

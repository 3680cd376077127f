"""`nightly`: reports what drifted; builds, verifies, publishes and signs what changed; writes the catalogue."""

import sys
from collections.abc import Callable
from functools import partial
from time import monotonic

from builder.commands import build, docs, drift, image_info
from builder.commands.common.output import table
from builder.commands.flags.nightly import DriftOptions, NightlyOptions
from builder.commands.flags.view import DocsOptions, ViewOptions
from builder.commands.options import taken
from builder.errors import BuilderError, CancelledError, InputError, told
from builder.matrix.spec import EVERY_PLATFORM

REPORT, INFO, PREVIOUS, CATALOGUE = "drift.md", "image-info.json", "image-info.previous.json", "catalogue"
STALE = 3
WORDS = {0: "done", STALE: "drifted"}


def run(options: NightlyOptions) -> int:
    """Run every step of the night, also after one failed; returns the code of one that failed. Drift is no failure."""
    if options.attest and not (options.sign_key or options.keyless):
        raise InputError("--attest: who signs?", hint="--sign-key KEY, or --keyless in a CI job")
    rows, codes = [], []
    for name, step in steps(options).items():
        print(f"--- {name}", file=sys.stderr)
        began = monotonic()
        codes.append(attempted(step, debug=options.debug))
        word = WORDS.get(codes[-1], f"failed ({codes[-1]})")
        rows.append({"step": name, "outcome": word, "seconds": round(monotonic() - began)})
    print(table(rows), file=sys.stderr)
    return max((code for code in codes if code not in WORDS), default=0)


def steps(options: NightlyOptions) -> dict[str, Callable[[], int]]:
    """The steps by name. Without `--output` there is only the step of the images."""
    images: dict[str, Callable[[], int]] = {"images": partial(build.run, options)}
    if options.output is None:
        return images
    options.output.mkdir(parents=True, exist_ok=True)
    info, previous = options.output / INFO, options.output / PREVIOUS
    if info.exists():
        info.replace(previous)
    since = (previous,) if previous.exists() else ()
    seen = taken(ViewOptions, options, registry=options.registries[0], output=info)
    pages = taken(DocsOptions, options, image_info=info, output=options.output / CATALOGUE, since=since)
    moved = taken(DriftOptions, options, platform=EVERY_PLATFORM, issue=options.output / REPORT)
    return {
        "drift": partial(drift.run, moved),
        **images,
        "image-info": partial(image_info.run, seen),
        "catalogue": partial(docs.run, pages),
    }


def attempted(step: Callable[[], int], *, debug: bool) -> int:
    """The exit code of a step. An error is printed, and ends this step only."""
    try:
        return step()
    except CancelledError:
        raise
    except BuilderError as error:
        if debug:
            raise
        print(told(error), file=sys.stderr)
        return 1 if error.exit_code == STALE else error.exit_code

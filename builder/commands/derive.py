"""`derive`: an environment of one's own as one thin layer on a framework image."""

import sys
from typing import Any

from builder.commands.common.output import document
from builder.commands.flags.derive import DeriveOptions
from builder.commands.options import taken
from builder.derive import Derived, Request, Surroundings
from builder.derive import derive as derived


def run(options: DeriveOptions) -> int:
    """Print the image; returns 0 when it exists and is verified."""
    request, around = taken(Request, options), taken(Surroundings, options)
    found = derived(request, around, dry_run=options.dry_run)
    print(document([shown(found, short=options.format == "table")], "images", options.format))
    print(explained(found), file=sys.stderr)
    return 0


def shown(found: Derived, *, short: bool) -> dict[str, Any]:
    """The image as a row of the output."""
    return {
        "reference": found.reference,
        "outcome": found.outcome,
        **({"published": found.published} if found.published else {}),
        "digest": found.digest[:19] if short else found.digest,
        "base": found.base[:19] if short else found.base,
        "layer": f"{found.size / 1e6:.1f} MB" if short else found.size,
        "seconds": round(sum(found.seconds.values()), 1) if short else dict(found.seconds),
        "added": len(found.added) if short else dict(found.added),
    }


def explained(found: Derived) -> str:
    """What was added, and where the lock is, in a line each."""
    names = ", ".join(f"{name} {version}" for name, version in found.added.items())
    lines = [f"adds {names}"] if names else ["the image holds everything that is asked for"]
    return "\n".join([*lines, f"lock: {found.lock}"] if found.lock else lines)

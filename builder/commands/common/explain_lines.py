"""The chain of `explain` as lines for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from builder.build.changes import short

Line = tuple[str, str]
NOTHING = "-"


def lines(chain: Mapping[str, Any]) -> Iterator[Line]:
    """A title and a text for each link of the chain."""
    yield from inputs(chain) if "pins" in chain else [("inputs", str(chain["inputs"]))]
    yield "fingerprint", chain["fingerprint"] or "not known before the base is made"
    yield "checks", short(chain["checks"])
    yield from image(chain["image"], chain["checks"])
    yield "decision", f"{chain['decision']['action']}: {'; '.join(chain['decision']['reasons'])}"
    if since := chain["since"]:
        yield "since", f"{since['image'][:19]}: {'; '.join(since['changes']) or 'nothing changed'}"


def inputs(chain: Mapping[str, Any]) -> Iterator[Line]:
    yield "pins", joined(chain["pins"])
    yield "platform", chain["platform"]
    yield "base", chain["base"] or "not made yet"
    yield "toolchain", "the base" if chain["toolchain"] == chain["base"] else chain["toolchain"]
    yield "stages", joined({f"{name} from the site": short(text) for name, text in chain["stages"].items()})
    for name, digest in chain["files"].items():
        held = chain["lists"].get(name)
        yield "file", f"{name} {short(digest)}" + (f" ({len(held)} packages)" if held else "")


def image(found: Mapping[str, Any] | None, checks: str) -> Iterator[Line]:
    """Which image it is, and when it was verified by which checks."""
    if found is None:
        yield "image", "none has this fingerprint"
        return
    yield "image", f"{found['digest']} ({found['size'] / 1e9:.2f} GB)"
    yield "tags", " ".join(found["tags"]) or NOTHING
    for version, one in found["verified"].items():
        which = "these checks" if version == checks else f"other checks, {short(version)}"
        yield "verified", f"{one.get('when')} by {which}: {one.get('summary')}"
    if not found["verified"]:
        yield "verified", "not on this host"


def joined(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in values.items()) or NOTHING

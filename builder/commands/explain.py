"""`explain`: the whole chain of an image, from its cell to its tags, and what changed since it was built."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.build.changes import changes, short
from builder.build.fingerprint import Inputs
from builder.build.job import Job
from builder.build.plan import Decision, Existing, index, newest, plan, recorded
from builder.commands.common.existing_images import on_engine
from builder.commands.common.inputs import matrix_of, site_of
from builder.commands.common.output import document, say
from builder.commands.common.prepare import current, known_base, prepare
from builder.commands.options import Options
from builder.errors import InputError, harmless
from builder.host.site import Site
from builder.matrix.names import cell
from builder.matrix.spec import ImageSpec
from builder.matrix.yaml_positions import near
from builder.verify import passed

Chain = dict[str, Any]
Line = tuple[str, str]
NOTHING = "-"


def run(options: Options) -> int:
    """Explain each cell as the matrix has it now, and each image as it was built."""
    cells = matrix_of(options).cells
    existing, site = on_engine(), site_of(options)
    named = [meant(name, cells, existing or [], site) for name in options.cells]
    specs = list(dict.fromkeys(spec for spec, _ in named))
    jobs = prepare(options, current(options, specs), site, known_base(site, say))
    by_cell = {job.wanted.name: job for job in jobs}
    chains = [explained(by_cell[cell(spec)], image, existing) for spec, image in named]
    if options.format == "table":
        print(harmless("\n\n".join(shown(chain) for chain in chains)))
    else:
        print(document(chains, "images", options.format))
    return 0


def meant(
    name: str, cells: Sequence[ImageSpec], existing: Sequence[Existing], site: Site
) -> tuple[ImageSpec, Existing | None]:
    """The cell of that name; for the name of an image, also that image. Raises InputError when there is neither."""
    found = {cell(spec): spec for spec in cells}
    if name in found:
        return found[name], None
    image = next((image for image in existing if is_called(image, name)), None) or in_registry(name, site)
    if image is None:
        known = [*found, *(reference for image in existing for reference in image.references)]
        what = f"{name}: neither a cell nor an image of ours{near(name, known)}"
        raise InputError(what, hint="python -m builder list")
    if image.cell not in found:
        row = f"{image.cell}, is not in the matrix" if image.cell else "cannot be read from its label"
        raise InputError(f"{name}: its row, {row}", hint=f"docker inspect {image.digest}")
    return found[image.cell], image


def in_registry(name: str, site: Site) -> Existing | None:
    """The image in the registry whose host begins the name, or None; raises RegistryError."""
    from builder.matrix.reference import is_host, parse
    from builder.publish import existing as remote

    return remote.found(parse(name), site) if "/" in name and is_host(name.partition("/")[0]) else None


def is_called(image: Existing, name: str) -> bool:
    """Whether the name is a tag of the image, or seven digits or more of its digest."""
    digits = name.removeprefix("sha256:")
    is_digest = len(digits) > 6 and image.digest.removeprefix("sha256:").startswith(digits)  # noqa: PLR2004 (typed by people)
    return name in image.references or f"{name}:latest" in image.references or is_digest


def explained(job: Job, image: Existing | None, existing: Sequence[Existing] | None) -> Chain:
    """The chain of the image, or of the cell as it would be built, and what changed since the newest image."""
    decision = plan([job.wanted], existing)[0]
    subject = image or newest(job.wanted, index(existing or ()))
    holder = image or next((one for one in existing or () if one.digest == decision.image), None)
    inputs, note = recorded(image) if image else (job.wanted.inputs, "")
    return {
        "name": job.wanted.name,
        **(chain_of(inputs) if inputs else {"inputs": f"not known: {note}"}),
        "fingerprint": (image.fingerprint if image else job.wanted.fingerprint) or None,
        "checks": job.wanted.checks,
        "image": described(holder) if holder else None,
        "decision": {"action": decision.action, "reasons": list(decision.reasons)},
        "since": since(job, subject, decision),
    }


def chain_of(inputs: Inputs) -> Chain:
    """The inputs of an image, in the order of the chain."""
    return {
        "pins": dict(inputs.pins),
        "platform": inputs.platform,
        "base": inputs.base or None,
        "toolchain": inputs.toolchain or None,
        "stages": dict(inputs.stages),
        "files": dict(inputs.files),
        "lists": {name: dict(found) for name, found in inputs.lists.items()},
    }


def described(image: Existing) -> Chain:
    """The digest and tags of the image, and when it passed which checks."""
    return {
        "digest": image.digest,
        "size": image.size,
        "tags": list(image.references),
        "verified": {checks: dict(one) for checks, one in passed.passed(image.digest).items()},
    }


def since(job: Job, image: Existing | None, decision: Decision) -> Chain | None:
    """What changed between that image and the matrix as it is now; None without an image."""
    if image is None:
        return None
    old, note = recorded(image)
    if old is None:
        return {"image": image.digest, "changes": [f"not known: {note}"]}
    is_same = image.digest == decision.image or image.fingerprint == job.wanted.fingerprint
    return {"image": image.digest, "changes": [] if is_same else list(changes(old, job.wanted.inputs))}


def shown(chain: Mapping[str, Any]) -> str:
    """The chain for people: one line for each link, hashes cut short."""
    return "\n".join([str(chain["name"]), *(f"  {title:<12}{text}" for title, text in lines(chain))])


def lines(chain: Mapping[str, Any]) -> Iterator[Line]:
    """A title and a text for each link of the chain."""
    yield from input_lines(chain) if "pins" in chain else [("inputs", str(chain["inputs"]))]
    yield "fingerprint", chain["fingerprint"] or "not known before the base is made"
    yield "checks", short(chain["checks"])
    yield from image_lines(chain["image"], chain["checks"])
    yield "decision", f"{chain['decision']['action']}: {'; '.join(chain['decision']['reasons'])}"
    if since := chain["since"]:
        yield "since", f"{since['image'][:19]}: {'; '.join(since['changes']) or 'nothing changed'}"


def input_lines(chain: Mapping[str, Any]) -> Iterator[Line]:
    yield "pins", joined(chain["pins"])
    yield "platform", chain["platform"]
    yield "base", chain["base"] or "not made yet"
    yield "toolchain", "the base" if chain["toolchain"] == chain["base"] else chain["toolchain"]
    yield "stages", joined({f"{name} from the site": short(text) for name, text in chain["stages"].items()})
    for name, digest in chain["files"].items():
        held = chain["lists"].get(name)
        yield "file", f"{name} {short(digest)}" + (f" ({len(held)} packages)" if held else "")


def image_lines(found: Mapping[str, Any] | None, checks: str) -> Iterator[Line]:
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

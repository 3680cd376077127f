"""Builds one image with buildx: from its context and the site's inputs to a digest, or to an error one can act on."""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder import buildx, process
from builder.bootstrap import Base
from builder.command import Command
from builder.errors import BuildError, EngineError
from builder.names import LABEL_COMPONENTS, LABEL_FINGERPRINT
from builder.progress import Watch, documents
from builder.site import Site, apt_conf, apt_sources, pip_conf, rewrite
from builder.spec import ImageSpec

OnStep = Callable[[Watch], None]
BUILDX_SECONDS = 30.0

CAUSES = (
    (
        r"code = Unavailable|error reading from server|Cannot connect to the Docker daemon|transport is closing",
        "the engine went away: python -m builder doctor, then build again",
    ),
    (r"no space left on device", "the engine's disk is full: docker system df; python -m builder clean --images"),
    (
        r"digest mismatch|checksum mismatch",
        "a download is not the file the matrix pins: compare its sha256 with the publisher's",
    ),
    (r"DO NOT MATCH THE HASHES", "a package is not the file builder.lock pins: python -m builder lock --check"),
    (
        r"No matching distribution found|Could not find a version",
        "the index lacks the pinned file: put it into a find-links directory of the site",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate signed by unknown authority|certificate verify failed",
        "name the CA bundle of this network: ca-bundle in site.yaml",
    ),
    (
        r"failed to resolve source metadata|pull access denied|failed to do request",
        "the base cannot be pulled: bootstrap it, with `base: bootstrap` in site.yaml",
    ),
    (
        (
            r"Temporary failure resolving|Could not (resolve|connect)|no such host|Connection (timed out|failed)"
            r"|Network is unreachable|connection refused|Failed to fetch"
        ),
        "a source does not answer from inside the build: python -m builder doctor",
    ),
    (
        r"has no installation candidate|Version '.*' for '.*' was not found|Unable to locate package",
        "the mirror no longer has a pinned package: apt-cache policy on that release",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The stages a site replaces for one image: the buildx context of each, and a hash of what it holds."""

    contexts: Mapping[str, str]
    hashes: Mapping[str, str]


def replaced_stages(spec: ImageSpec, site: Site) -> Stages:
    """The components of the site that this row pins, for example the directory of `python-3.6.15`."""
    wanted = {f"{pin.name}-{pin.value}": pin.name for pin in spec.pins}
    found = {wanted[name]: path for name, path in site.components if name in wanted}
    return Stages(
        contexts={stage: str(path) for stage, path in found.items()},
        hashes={stage: tree_hash(path) for stage, path in found.items()},
    )


def tree_hash(directory: Path) -> str:
    """A sha256 over names, modes and contents; byte code is left out, as any use of a Python writes it."""
    total = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.suffix == ".pyc" or path.is_dir():
            continue
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        line = f"{path.relative_to(directory)} {path.lstat().st_mode:o} {hashlib.sha256(content).hexdigest()}\n"
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def assert_buildx() -> None:
    """Raise EngineError when the docker command cannot drive BuildKit: before a base is made for nothing."""
    result = process.run(Command(argv=("docker", "buildx", "version")), timeout=BUILDX_SECONDS)
    if result.exit_code:
        raise EngineError(
            "docker has no buildx, and images are built with it",
            hint="apt-get install docker-buildx (in Docker's own repository: docker-buildx-plugin)",
        )


@contextmanager
def secrets(site: Site) -> Iterator[dict[str, Path]]:
    """The site's configuration as files that only this user can read, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="framework-images-") as scratch:
        texts = {"pip_conf": pip_conf(site), "apt_conf": apt_conf(site), "apt_sources": apt_sources(site)}
        found = {}
        for name, text in texts.items():
            if text:
                found[name] = Path(scratch) / name
                found[name].write_text(text, "utf-8")
        if site.ca_bundle:
            found["ca"] = site.ca_bundle
        yield found


def inputs(
    spec: ImageSpec, site: Site, *, base: Base, stages: Stages, secret_files: Mapping[str, Path], fingerprint: str
) -> buildx.Inputs:
    """Everything a build of this row gets on this site."""
    contexts = dict(stages.contexts)
    if base.path:
        contexts["base"] = f"oci-layout://{base.path}@{base.digest}"
    if site.find_links:
        contexts["find-links"] = str(site.find_links[0])
    arguments = {}
    for source in spec.sources:
        if (url := rewrite(source.url, site)) != source.url:
            arguments[f"{source.name.rsplit('-', 1)[0].upper()}_URL"] = url
    labels = {"org.opencontainers.image.base.digest": base.digest, LABEL_FINGERPRINT: fingerprint}
    if stages.hashes:
        labels[LABEL_COMPONENTS] = json.dumps(dict(stages.hashes), sort_keys=True)
    return buildx.Inputs(stages=contexts, secrets=secret_files, arguments=arguments, labels=labels)


def build(
    context: Path,
    wanted: buildx.Inputs,
    watch: Watch,
    running: process.Running,
    *,
    options: tuple[str, ...],
    on_step: OnStep,
) -> str:
    """Build to an untagged image; returns its digest. Raises BuildError with the failing step and what to do."""
    with tempfile.TemporaryDirectory(prefix="framework-images-") as scratch:
        metadata = Path(scratch) / "metadata.json"
        command = buildx.build(context, wanted, metadata=metadata, options=options)
        watch.write(f"+ {buildx.replay(context, wanted, options)}")
        with process.started(command, running=running) as child:
            for document in documents(child.stderr or ()):
                if watch.feed(document):
                    on_step(watch)
            exit_code = child.wait()
        if exit_code:
            raise failure(watch)
        return str(json.loads(metadata.read_text("utf-8"))["containerimage.digest"])


def failure(watch: Watch) -> BuildError:
    """What failed, its last lines, the likely cause, the log and the command to repeat it."""
    said = "\n".join([*watch.tail, *watch.plain])
    lines = "\n".join(f"    {line}" for line in watch.tail)
    cause = next((hint for pattern, hint in CAUSES if re.search(pattern, said, re.IGNORECASE)), None)
    log = getattr(watch.log, "name", "the log")
    what = f"{watch.name}: the build failed after {watch.elapsed:.0f} s at: {watch.failed_step or watch.step}"
    return BuildError(f"{what}\n{lines}\n  log: {log}\n  replay: {watch.replay}", hint=cause or f"read {log}")

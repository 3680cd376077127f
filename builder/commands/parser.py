"""The command line: arguments to `Options`, `Options` to a verb. Verbs are imported when they are asked for."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from builder import __version__
from builder.commands.flags import (
    attest,
    build,
    clean,
    cluster,
    derive,
    fetch,
    graph,
    lock,
    nightly,
    publish,
    shared,
    train,
    view,
)
from builder.commands.options import Options
from builder.commands.view_options import Comparing, Documenting, Referring, Viewing

Flags = Callable[[argparse.ArgumentParser], None]
EPILOG = """example:    python -m builder build --version 1.6 --gpu
exit codes: 0 done, 1 a build or a check failed, 2 wrong input or usage,
            3 a generated file is stale, 130 interrupted"""


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb does in a line, its flags, and what they become."""

    summary: str
    flags: tuple[Flags, ...] = ()
    options: type[Options] = Options
    common: Flags = shared.common


VERBS = {
    "list": Verb("what the matrix holds, and what of it was really built", (shared.selecting,)),
    "validate": Verb(
        "every mistake of matrix.yaml, with its line, and every row that cannot work",
        (shared.selecting, build.validate),
    ),
    "reproduce": Verb(
        "build a cell twice from scratch, and name every file that differs", (shared.log_dir, build.cells)
    ),
    "render": Verb(
        "write images/ from the matrix and the templates; --check compares",
        (shared.selecting, shared.dry_run, shared.check, graph.bake),
        graph.RenderOptions,
    ),
    "lock": Verb(
        "ask the package index for every row's closure, and write builder.lock",
        (shared.selecting, shared.check, lock.lock),
        lock.LockOptions,
    ),
    "fetch": Verb(
        "every locked file into a directory, from which images build without a package index",
        (shared.selecting, fetch.fetch),
        fetch.FetchOptions,
    ),
    "plan": Verb(
        "what `build` would do with the selected images, and why",
        (shared.selecting, shared.repository, publish.known_registries),
        publish.PublishOptions,
    ),
    "build": Verb(
        "build, verify and tag the selected images",
        (
            *(shared.selecting, shared.dry_run, shared.repository, shared.log_dir),
            *(build.build, fetch.wheelhouse, graph.builders, publish.build),
            *(publish.attest, attest.signing, attest.identity),
        ),
        publish.PublishOptions,
    ),
    "explain": Verb(
        "what an image is made from, and what has changed since", (shared.repository, shared.insecure, build.cells)
    ),
    "derive": Verb(
        "your own packages as one thin layer on an image, without moving what it holds",
        (shared.dry_run, shared.repository, shared.log_dir, derive.derive),
        derive.DeriveOptions,
    ),
    "verify": Verb("check that an image holds what its label promises", (shared.log_dir, shared.images)),
    "tag": Verb(
        "verify an image, then give it its tags",
        (shared.dry_run, shared.repository, shared.log_dir, shared.images),
    ),
    "reference": Verb(
        "how an image is named where it is used: Docker, Azure ML, Kubernetes, dev containers",
        (shared.selecting, shared.repository, view.source, view.reference),
        Referring,
        shared.basics,
    ),
    "diff": Verb("what one image holds and another, or its row, does not", (view.diff,), Comparing),
    "docs": Verb(
        "a catalogue of all images as static pages, and the README's table",
        (shared.selecting, shared.repository, shared.check, view.source, view.docs),
        Documenting,
        shared.basics,
    ),
    "image-info": Verb(
        "one document about every image: digests, tags, pins, sizes, verification",
        (shared.selecting, shared.repository, view.registry, view.output_file),
        Viewing,
        shared.basics,
    ),
    "push": Verb(
        "bring verified images to registries, by digest, and then their tags",
        (
            *(shared.selecting, shared.dry_run, shared.repository, shared.log_dir),
            *(publish.registries, publish.keep_going),
            *(publish.attest, attest.signing, attest.identity),
        ),
        publish.PublishOptions,
    ),
    "promote": Verb(
        "bring a published image to other registries: the same digest, with its attestations and signatures",
        (shared.repository, publish.source, publish.registries),
        publish.PublishOptions,
    ),
    "nightly": Verb(
        "one night: build, verify, publish and sign what changed; report what drifted",
        (
            *(shared.selecting, shared.repository, shared.log_dir, publish.registries),
            *(publish.attest, attest.signing, attest.identity, nightly.nightly),
        ),
        nightly.NightlyOptions,
    ),
    "drift": Verb(
        "what changed in the world since builder.lock was written",
        (shared.selecting, nightly.drift),
        nightly.DriftOptions,
    ),
    "ci": Verb(
        "the selected images as the jobs of a CI run",
        (shared.selecting, shared.repository, publish.known_registries, nightly.ci),
        nightly.CiOptions,
    ),
    "sbom": Verb("what an image holds, as a CycloneDX document", (attest.image,), attest.AttestOptions),
    "run": Verb(
        "train: run a script in an image, and bring back what it writes",
        (train.run, cluster.cluster, train.place, train.detach, shared.repository),
        train.RunOptions,
    ),
    "rerun": Verb("repeat a run exactly as it was", (train.rerun, train.place, train.detach), train.RunOptions),
    "runs": Verb(
        "what runs and what ran; follow one whose builder was killed, stop or remove some",
        (train.runs, train.place),
        train.RunOptions,
    ),
    "attest": Verb(
        "sign images in a registry, and attach provenance, verification report and SBOM",
        (shared.dry_run, shared.log_dir, attest.published, attest.signing, attest.identity),
        attest.AttestOptions,
    ),
    "audit": Verb(
        "whether what is attached to an image is signed, complete, true and of today",
        (attest.published, attest.trusting),
        attest.AttestOptions,
    ),
    "verify-published": Verb(
        "check again everything that is live in registries: signatures, statements, labels, tags and their age",
        (shared.selecting, shared.repository, attest.live, attest.trusting),
        attest.PublishedOptions,
    ),
    "doctor": Verb("what is missing on this machine, and the command that mends it", (build.doctor,)),
    "clean": Verb(
        "remove what interrupted runs left, and what newer ones replaced; never a prune",
        (shared.dry_run, clean.clean),
        options=clean.CleanOptions,
    ),
}


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line: of all verbs, or sooner with the flags of one only."""
    top = argparse.ArgumentParser(
        prog="builder",
        description="Builds, verifies and tags container images of machine-learning frameworks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"framework-images {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb in VERBS.items():
        description = verb.summary[0].upper() + verb.summary[1:] + "."
        sub = verbs.add_parser(name, help=verb.summary, description=description, allow_abbrev=False)
        for flags in (verb.common, *verb.flags) if only in (name, None) else ():
            flags(sub)
    return top


def options(argv: Sequence[str] | None = None) -> Options:
    """The parsed command line; argparse exits with 2 on a wrong flag."""
    words = sys.argv[1:] if argv is None else argv
    verb = words[0] if words and words[0] in VERBS else None
    parsed = vars(parser(verb).parse_args(words))
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in parsed.items()}
    return VERBS[str(values["verb"])].options(**values)

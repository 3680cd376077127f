"""Parses the command line into the options of a verb. The verb itself is imported later, by `builder.__main__`."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from builder import __version__
from builder.commands.flags import (
    attest,
    build,
    clean,
    cluster,
    derive,
    doctor,
    fetch,
    lock,
    nightly,
    publish,
    render,
    scan,
    selection,
    shared,
    train,
    validate,
    view,
)
from builder.commands.flags.script_words import END, misspelt, parted
from builder.commands.options import Options

Flags = Callable[[argparse.ArgumentParser], None]
EPILOG = f"""example:    python -m builder build --version 1.6 --gpu
exit codes: 0 done, 1 a build or a check failed, 2 wrong input or usage,
            3 a generated file is stale, 130 interrupted;
            run, rerun and runs have the script's own code, and {train.OWN_FAILURE} for failures of theirs"""
USAGE = 2


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: what it does in a line, its flags, and the class of its options."""

    summary: str
    flags: tuple[Flags, ...] = ()
    options: type[Options] = Options
    common: Flags = shared.common
    own_failure: int | None = None
    """The exit code of every failure of the verb itself, where its exit code is that of somebody's script."""
    epilog: str | None = None
    has_names: bool = False
    """Whether names may stand before and after flags."""
    has_script: bool = False
    """Whether what is no flag of the verb belongs to a script that it runs."""


class VerbParser(argparse.ArgumentParser):
    """A parser whose exit code for a wrong flag is the verb's."""

    usage_code = USAGE

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(self.usage_code, f"{self.prog}: error: {message}\n")


VERBS = {
    "list": Verb("what the matrix holds, and what of it was verified or rehearsed", (selection.selecting,)),
    "validate": Verb(
        "find every mistake of matrix.yaml, with its line, and every cell that cannot work, on every platform",
        (selection.every_platform, validate.validate),
        validate.ValidateOptions,
    ),
    "reproduce": Verb(
        "build a cell twice from scratch, and name every file that differs",
        (shared.compression, shared.log_dir, shared.cells),
    ),
    "render": Verb(
        "write images/ from the matrix and the templates, for every platform; --check compares",
        (selection.every_platform, shared.dry_run, shared.check, render.bake),
        render.RenderOptions,
    ),
    "lock": Verb(
        "ask the package index for every cell's closure, on every platform, and write builder.lock",
        (selection.every_platform, shared.check, lock.lock),
        lock.LockOptions,
    ),
    "fetch": Verb(
        "download every locked file into a directory, from which images build without a package index",
        (selection.selecting, fetch.fetch),
        fetch.FetchOptions,
    ),
    "plan": Verb(
        "what `build` would do with the selected images, and why; the same as `build --dry-run`",
        (selection.selecting, build.build),
        build.BuildOptions,
    ),
    "build": Verb("build, verify and tag the selected images", (selection.acting, build.build), build.BuildOptions),
    "record": Verb(
        "write into images/records.yaml which selected cells were verified or rehearsed here", (selection.acting,)
    ),
    "explain": Verb(
        "what an image is made from, and what has changed since",
        (shared.repository, shared.compression, shared.insecure, shared.cells),
    ),
    "derive": Verb(
        "your own packages as thin layers on an image, without moving what it holds",
        (shared.dry_run, shared.repository, shared.verifying, derive.derive),
        derive.DeriveOptions,
    ),
    "verify": Verb("check that an image holds what its label promises", (shared.verifying, shared.images)),
    "tag": Verb(
        "verify an image, then give it its tags",
        (shared.dry_run, shared.repository, shared.platform_change, shared.verifying, shared.images),
    ),
    "reference": Verb(
        "print how to name an image for Docker, Azure ML, Kubernetes or a dev container",
        (selection.acting, shared.repository, view.source, view.reference),
        view.ReferenceOptions,
        shared.basics,
    ),
    "diff": Verb("compare what two images hold, or an image and its cell", (view.diff,), view.DiffOptions),
    "docs": Verb(
        "write a catalogue of the selected images as static pages, or the README's table of all",
        (selection.selecting, shared.repository, shared.check, view.source, attest.trusting, view.docs),
        view.DocsOptions,
        shared.basics,
    ),
    "image-info": Verb(
        "write one document about the selected images: digests, tags, pins, sizes, verification",
        (selection.selecting, shared.repository, view.registry, attest.trusting, view.output_file),
        view.ViewOptions,
        shared.basics,
    ),
    "push": Verb(
        "push verified images to registries by digest, then set their tags",
        (
            *(selection.acting, shared.dry_run, shared.repository, shared.compression, shared.platform_change),
            shared.verifying,
            *(publish.force, publish.registries, publish.keep_going, publish.attest, attest.signing),
        ),
        publish.PublishOptions,
    ),
    "promote": Verb(
        "copy a published image to other registries: the same digest, with its attestations and signatures",
        (
            *(shared.dry_run, shared.repository, shared.platform_change, publish.force, publish.source),
            *(publish.registries, attest.trusting),
        ),
        publish.PublishOptions,
    ),
    "nightly": Verb(
        "one night: build, verify, publish and sign what changed on every platform; report what drifted",
        (
            *(selection.nightly, shared.repository, shared.compression, shared.platform_change, shared.verifying),
            publish.registries,
            *(publish.attest, attest.signing, nightly.nightly),
        ),
        nightly.NightlyOptions,
    ),
    "drift": Verb(
        "what changed in the world since builder.lock was written, on every platform",
        (selection.every_platform, shared.repository, nightly.drift),
        nightly.DriftOptions,
    ),
    "ci": Verb(
        "print the selected images as the jobs of a CI run",
        (
            selection.selecting,
            shared.repository,
            shared.compression,
            publish.known_registries,
            attest.trusting,
            nightly.ci,
        ),
        nightly.CiOptions,
    ),
    "scan": Verb(
        "which locked packages advisories are about, before anything is built, and what no database covers",
        (selection.selecting, scan.scan),
        scan.ScanOptions,
    ),
    "sbom": Verb("what an image holds, as a CycloneDX document", (attest.image,), attest.AttestOptions),
    "run": Verb(
        "train: run a script in an image, and bring back what it writes",
        (train.run, cluster.cluster, train.place, train.detach, shared.repository),
        train.RunOptions,
        has_script=True,
        own_failure=train.OWN_FAILURE,
        epilog=train.EXIT_CODES,
    ),
    "rerun": Verb(
        "repeat a run exactly as it was",
        (train.rerun, train.place, train.detach),
        train.RunOptions,
        own_failure=train.OWN_FAILURE,
        epilog=train.EXIT_CODES,
    ),
    "runs": Verb(
        "list runs; show, follow, stop or remove some, also when their builder was killed",
        (train.runs, train.place),
        train.RunOptions,
        has_names=True,
        own_failure=train.OWN_FAILURE,
        epilog=train.EXIT_CODES,
    ),
    "attest": Verb(
        "sign images in a registry, and attach provenance, verification report and SBOM",
        (shared.dry_run, shared.verifying, attest.published, attest.signing),
        attest.AttestOptions,
    ),
    "audit": Verb(
        "check that what is attached to an image is signed, complete, true and up to date",
        (attest.published, attest.trusting),
        attest.AttestOptions,
    ),
    "verify-published": Verb(
        "check what registries have on every platform: signatures, statements, labels, tags and their age",
        (selection.every_platform, shared.repository, attest.live, attest.trusting),
        attest.PublishedOptions,
    ),
    "doctor": Verb(
        "what is missing on this machine, and the command that mends it; with --sources what is gone in the world",
        (selection.nightly, doctor.doctor),
        doctor.DoctorOptions,
    ),
    "clean": Verb(
        "remove what interrupted runs left, and what newer ones replaced; never a prune",
        (shared.dry_run, clean.clean),
        options=clean.CleanOptions,
    ),
}


def parser(only: str | None = None) -> VerbParser:
    """The parser of all verbs; faster with the flags of the verb `only` alone."""
    top = VerbParser(
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
        sub = verbs.add_parser(
            name,
            help=verb.summary,
            description=description,
            epilog=verb.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter if verb.epilog else argparse.HelpFormatter,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,  # the options have the defaults
        )
        sub.usage_code = verb.own_failure or USAGE
        for flags in (verb.common, *verb.flags) if only in (name, None) else ():
            flags(sub)
    return top


def known_flags(verb: str) -> Mapping[str, argparse.Action]:
    """The flags of a verb by their names."""
    known = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
    for flags in (VERBS[verb].common, *VERBS[verb].flags):
        flags(known)
    return known._option_string_actions  # noqa: SLF001 (no other list of the flags)


def unrecognized(words: Sequence[str], verb: str) -> str:
    """What is wrong with words that the verb does not take, and which flag may be meant."""
    wanted = words[0].partition("=")[0]
    flag = meant(wanted, known_flags(verb)) if wanted.startswith("-") else ""
    return f"{verb} takes no {' '.join(words)}{flag}: python -m builder {verb} --help"


def meant(word: str, known: Iterable[str]) -> str:
    """` (did you mean X?)`, or nothing when nothing is close."""
    from builder.matrix.yaml_positions import near  # only a mistake needs it

    return near(word, list(known))


def with_script(words: Sequence[str], top: VerbParser, verb: str) -> list[str]:
    """The words of a verb that runs a script, with `--` before the script's own. A misspelt flag of ours is refused."""
    known = known_flags(verb)
    found = parted(words, known)
    if wrong := misspelt(found.understood, known):
        top.usage_code = VERBS[verb].own_failure or USAGE
        top.error(f"{verb} takes no {wrong}; what follows -- is the script's, whatever it is")
    return [*found.ours, END, *found.understood, *found.after]


def options(argv: Sequence[str] | None = None) -> Options:
    """The parsed command line; a wrong flag exits with 2, or the verb's own code. `help VERB` is `VERB --help`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    first = words[0] if words else ""
    top = parser(first if first in VERBS else None)
    if first and first not in VERBS and not first.startswith("-"):
        top.error(f"there is no verb {first}{meant(first, VERBS)}: python -m builder --help")
    if first in VERBS and VERBS[first].has_script:
        words = [first, *with_script(words[1:], top, first)]
    found, unknown = top.parse_known_args(words)
    if first in VERBS and VERBS[first].has_names and not any(word.startswith("-") for word in unknown):
        # argparse takes a list of words only where they stand together, and here a flag was between.
        found.names, unknown = [*getattr(found, "names", ()), *unknown], []
    if unknown:
        top.usage_code = VERBS[found.verb].own_failure or USAGE
        top.error(unrecognized(unknown, found.verb))
    parsed = vars(found)
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in parsed.items()}
    return VERBS[str(values["verb"])].options(**values)

"""The buildx command of one image, as a value; nothing here runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.host.command import Command
from builder.wheels import Compression

SYSTEM = "--target=system"
"""The stage of a Dockerfile with everything but the wheels."""
FINISHED = "--target=finished"
"""The stage, where there is one, with what needs the wheels."""
COMPILED = "--target=compiled"
"""The stage with the wheels that the Dockerfile compiles."""
OUTPUT = "type=image,oci-mediatypes=true,compression={}"
"""An untagged image of the engine. gzip takes three times as long for a torch layer, and gives one a quarter larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Who builds: the engine itself, unless a buildx builder or the context of another engine is named."""

    name: str | None = None
    context: str | None = None
    remote: bool = False
    """Whether its images are elsewhere, and have to be brought to the engine."""

    def words(self) -> tuple[str, ...]:
        """The command, up to its flags."""
        context = (f"--context={self.context}",) if self.context else ()
        return ("docker", *context, "buildx", "build", *((f"--builder={self.name}",) if self.name else ()))


OWN = Builder()


def output(archive: Path | None, compression: Compression = "zstd") -> str:
    """The flag that says where the image goes: to the engine that builds it, or into an OCI archive."""
    words = exporter(compression)
    return f"--output={words if archive is None else words.replace('type=image', f'type=oci,dest={archive}', 1)}"


def exporter(compression: Compression = "zstd") -> str:
    """What buildx calls an image of the engine whose layers are compressed so, those of the base too."""
    return OUTPUT.format(compression) + (",force-compression=true" if compression == "gzip" else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputs:
    """What a build gets besides its context: stages by name, secrets by file, arguments and labels."""

    stages: Mapping[str, str]
    secrets: Mapping[str, Path]
    arguments: Mapping[str, str]
    labels: Mapping[str, str]


def build(
    context: Path, inputs: BuildInputs, *, metadata: Path, options: Sequence[str] = (), builder: Builder = OWN
) -> Command:
    """Build `context` as `options` say, and write the image's digest to `metadata`."""
    argv = [*builder.words(), "--progress=rawjson", "--provenance=false"]
    argv += [f"--metadata-file={metadata}", *options]
    argv += [f"--build-context={name}={source}" for name, source in sorted(inputs.stages.items())]
    argv += [f"--secret=id={name},src={path}" for name, path in sorted(inputs.secrets.items())]
    argv += [f"--build-arg={name}={value}" for name, value in sorted(inputs.arguments.items())]
    argv += [f"--label={name}={value}" for name, value in sorted(inputs.labels.items())]
    return Command(argv=(*argv, "--", str(context)))


def replay(context: Path, inputs: BuildInputs, options: Sequence[str] = (), builder: Builder = OWN) -> Command:
    """The same build as a person repeats it by hand, with plain progress."""
    command = build(context, inputs, metadata=Path("/dev/null"), options=options, builder=builder)
    argv = [word for word in command.argv if not word.startswith("--metadata-file")]
    return Command(argv=tuple("--progress=plain" if word == "--progress=rawjson" else word for word in argv))

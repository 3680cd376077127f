"""The buildx command of one image, as a value; nothing here runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.command import Command

OUTPUT = "type=image,oci-mediatypes=true,compression=zstd"
"""An untagged image of the engine. gzip takes ten times as long for a torch layer, and gives a larger one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a build gets besides its context: stages by name, secrets by file, arguments and labels."""

    stages: Mapping[str, str]
    secrets: Mapping[str, Path]
    arguments: Mapping[str, str]
    labels: Mapping[str, str]


def build(context: Path, inputs: Inputs, *, metadata: Path, options: Sequence[str] = ()) -> Command:
    """Build `context` to an untagged image of the engine, and write its digest to `metadata`."""
    argv = ["docker", "buildx", "build", "--progress=rawjson", "--provenance=false"]
    argv += [f"--metadata-file={metadata}", *options]
    argv += [f"--build-context={name}={source}" for name, source in sorted(inputs.stages.items())]
    argv += [f"--secret=id={name},src={path}" for name, path in sorted(inputs.secrets.items())]
    argv += [f"--build-arg={name}={value}" for name, value in sorted(inputs.arguments.items())]
    argv += [f"--label={name}={value}" for name, value in sorted(inputs.labels.items())]
    return Command(argv=(*argv, "--", str(context)))


def replay(context: Path, inputs: Inputs, options: Sequence[str] = ()) -> Command:
    """The same build as a person repeats it by hand, with plain progress."""
    command = build(context, inputs, metadata=Path("/dev/null"), options=options)
    argv = [word for word in command.argv if not word.startswith("--metadata-file")]
    return Command(argv=tuple("--progress=plain" if word == "--progress=rawjson" else word for word in argv))

"""Reads which images exist already, on the engine and in the registries of `--registry`."""

import sys
from collections.abc import Callable, Sequence

from builder.build import existing
from builder.build.plan import Existing, Wanted
from builder.commands.flags.publish import PublishOptions
from builder.errors import EngineError
from builder.host import engine
from builder.host.site import Site
from builder.matrix.reference import Registry, parse_registry

Say = Callable[[str], None]


def say(line: str) -> None:
    print(line, file=sys.stderr)


def on_engine() -> list[Existing] | None:
    """The images of the engine; None, and a line on stderr, when it does not answer."""
    try:
        with engine.connected() as client:
            return existing.existing(client)
    except EngineError as error:
        say(f"{error.message} Without an engine everything would be built.")
        return None


def published(options: PublishOptions, wanted: Sequence[Wanted], site: Site, tell: Say) -> list[Existing]:
    """The images of the wanted cells in the registries of `--registry`; none without that flag."""
    registries = registries_of(options)
    if not registries:
        return []
    from builder.publish import existing as remote

    return remote.existing(registries, wanted, site, tell)


def registries_of(options: PublishOptions) -> tuple[Registry, ...]:
    """The registries of `--registry`, each once; raises InputError."""
    return tuple(dict.fromkeys(map(parse_registry, options.registries)))

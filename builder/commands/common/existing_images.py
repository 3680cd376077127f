"""Reads which images exist already, on the engine and in the registries of `--registry`."""

from collections.abc import Callable, Sequence

from builder.build import existing
from builder.build.plan import Decision, Existing, Wanted, with_changes
from builder.commands.common.output import say
from builder.commands.flags.build import BuildOptions
from builder.commands.flags.publish import PublishOptions
from builder.errors import EngineError, RegistryError
from builder.host import engine
from builder.host.site import Site
from builder.matrix.reference import Registry, parse_registry

Say = Callable[[str], None]


def on_engine() -> list[Existing] | None:
    """The images of the engine; None, and a line on stderr, when it does not answer."""
    try:
        with engine.connected() as client:
            return existing.existing(client)
    except EngineError as error:
        say(f"{error.message} Without an engine everything would be built.")
        return None


def published(
    options: PublishOptions, wanted: Sequence[Wanted], site: Site, tell: Say, *, strictly: bool = False
) -> list[Existing]:
    """The images of the wanted cells in the registries of `--registry`; none without that flag.

    With `strictly` a registry that does not answer is an error, RegistryError.
    """
    registries = registries_of(options)
    if not registries:
        return []
    from builder.publish import existing as remote

    return remote.existing(registries, wanted, site, tell, strictly=strictly)


def with_published_tags(
    options: BuildOptions, wanted: Sequence[Wanted], decisions: Sequence[Decision], site: Site, tell: Say
) -> list[Decision]:
    """The decisions, with the rolling tags that `--push` would take from the image of another platform."""
    found = list(decisions)
    if not options.push:
        return found
    from builder.publish.platform_changes import in_registry

    for target in registries_of(options):
        try:
            changes = in_registry(target, wanted, site)
        except RegistryError as error:
            tell(f"{error.message}; so whose its rolling tags are is not known yet")
            continue
        found = [with_changes(one, changed) for one, changed in zip(found, changes, strict=True)]
    return found


def registries_of(options: PublishOptions) -> tuple[Registry, ...]:
    """The registries of `--registry`, each once; raises InputError."""
    return tuple(dict.fromkeys(map(parse_registry, options.registries)))

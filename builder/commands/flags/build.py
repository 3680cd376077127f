"""The flags of `build` and `plan`."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.build.cache_flags import Cache, Direction, parse
from builder.commands.flags import attest, publish, shared
from builder.commands.flags.kinds import repeatable, switch, value
from builder.commands.flags.publish import PublishOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions(PublishOptions):
    """What `build`, `plan` and `nightly` read."""

    print: bool = False
    jobs: int | None = None
    """None: as many as processors and memory allow."""
    builder: str | None = None
    cache_to: tuple[Cache, ...] = ()
    cache_from: tuple[Cache, ...] = ()
    no_cache: bool = False
    refresh_toolchain: bool = False
    wheelhouse: Path | None = None
    push: bool = False


def build(sub: ArgumentParser) -> None:
    """All flags of `build` and `plan` besides the selecting ones."""
    for flags in (
        shared.dry_run,
        shared.repository,
        shared.compression,
        shared.platform_change,
        shared.verifying,
        running,
        wheelhouse,
        builders,
    ):
        flags(sub)
    publish.known_registries(sub)
    switch(sub, "--push", "push what was built and verified to these registries")
    publish.attest(sub)
    attest.signing(sub)


def running(sub: ArgumentParser) -> None:
    switch(sub, "--print", "with --dry-run or `plan`: also print the Dockerfiles")
    sub.add_argument(
        "-j", "--jobs", type=count, metavar="N", help="images built at once (default: what cores and memory allow)"
    )
    switch(sub, "--keep-going", "a failed image does not stop the others")
    switch(sub, "--no-cache", "repeat every step of the build")
    newest = "from now on compile on the newest bootstrapped base; this builds everything from scratch"
    switch(sub, "--refresh-toolchain", newest)


def wheelhouse(sub: ArgumentParser) -> None:
    text = "install Python packages only from this directory, which `fetch` fills; no package index is asked"
    value(sub, "--wheelhouse", "DIR", text, Path)


def builders(sub: ArgumentParser) -> None:
    value(sub, "--builder", "NAME", "a builder that `docker buildx ls` shows (default: the one that buildx uses)")
    text = "export each image's build cache: a directory, host/name, or type=...; repeatable"
    repeatable(sub, "--cache-to", "cache_to", "PLACE", text, cache("to"))
    text = "import each image's build cache from there; repeatable"
    repeatable(sub, "--cache-from", "cache_from", "PLACE", text, cache("from"))


def cache(direction: Direction) -> Callable[[str], Cache]:
    """The argparse type of `--cache-to` and `--cache-from`."""

    def parsed(text: str) -> Cache:
        try:
            return parse(text, direction)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return parsed


def count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:  # noqa: PLR2004 (more helps no engine)
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)

"""The flags that several verbs have."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from builder.commands.flags.durations import UNITS, within, written
from builder.commands.flags.kinds import repeatable, switch, value
from builder.host.limits import REGISTRY_SECONDS, VERIFY_SECONDS
from builder.matrix.reference import HOST
from builder.wheels import COMPRESSIONS

WEEK = UNITS["w"]


def common(sub: ArgumentParser) -> None:
    """The flags of every verb that prints its result in several formats."""
    basics(sub)
    sub.add_argument(
        "--format",
        choices=("table", "json", "yaml", "github"),
        default="table",
        help="how results are printed (default: %(default)s)",
    )


def basics(sub: ArgumentParser) -> None:
    """The flags of every verb."""
    group = sub.add_argument_group("common")
    group.add_argument(
        "--matrix", type=Path, metavar="FILE", default=Path("matrix.yaml"), help="the matrix (default: %(default)s)"
    )
    text = "the site: mirrors, certificates, platform (default: $BUILDER_SITE, site.yaml, or the host's settings)"
    value(group, "--site", "FILE", text, Path)
    group.add_argument("-v", "--verbose", action="store_true", help="say more")
    switch(group, "--debug", "show the traceback of an error")


def dry_run(sub: ArgumentParser) -> None:
    sub.add_argument("-n", "--dry-run", action="store_true", help="say what would be done, and do nothing")


def repository(sub: ArgumentParser) -> None:
    text = "the repository of the images; {framework} stands for the framework (default: {framework})"
    value(sub, "--repository", "NAME", text)


def compression(sub: ArgumentParser) -> None:
    """The flag of every verb that builds, or looks for what `build` made."""
    text = "how layers are compressed; gzip for engines older than Docker 23 (default: zstd)"
    sub.add_argument("--compression", choices=COMPRESSIONS, help=text)


def platform_change(sub: ArgumentParser) -> None:
    """The flag of every verb that sets rolling tags."""
    switch(sub, "--allow-platform-change", "let rolling tags move from the image of another platform")


def log_dir(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--log-dir",
        type=Path,
        metavar="DIR",
        default=Path("logs"),
        help="where full logs and JUnit reports go (default: %(default)s/)",
    )


def verifying(sub: ArgumentParser) -> None:
    """The flags of every verb that verifies images."""
    log_dir(sub)
    text = f"end a verification that takes longer (default: {written(int(VERIFY_SECONDS))})"
    value(sub, "--verify-seconds", "TIME", text, within(1, WEEK))


def registries(sub: ArgumentParser, text: str, *, required: bool = False) -> None:
    """The registries that a verb works with."""
    insecure(sub)
    repeatable(sub, "--registry", "registries", "HOST[/PREFIX]", text, required=required)


def insecure(sub: ArgumentParser) -> None:
    """The flags of every verb that talks to a registry."""
    text = "a registry that speaks http, besides those of the site; repeatable"
    repeatable(sub, "--insecure-registry", "insecure_registries", "HOST[:PORT]", text, registry_host)
    text = f"end an operation on a registry that takes longer (default: {written(int(REGISTRY_SECONDS))})"
    value(sub, "--registry-seconds", "TIME", text, within(1, WEEK))


def registry_host(text: str) -> str:
    if not HOST.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is no host of a registry, like registry.example:5000")
    return text


def check(sub: ArgumentParser) -> None:
    switch(sub, "--check", "change nothing; when stale, print the difference and exit 3")


def images(sub: ArgumentParser) -> None:
    sub.add_argument("images", nargs="+", metavar="IMAGE", help="a tag, an id or a digest that the engine has")


def cells(sub: ArgumentParser) -> None:
    sub.add_argument("cells", nargs="+", metavar="CELL", help="a name that `list` prints, or an image")

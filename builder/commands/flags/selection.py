"""The flags that select cells of the matrix; every verb that has them selects by the same function."""

from argparse import ArgumentParser

from builder.matrix.selection import EVERY_PLATFORM


def selecting(sub: ArgumentParser) -> None:
    """For a verb that looks: without a selection it takes every row, on its default platform."""
    flags(sub, "without any of these: every row", "instead of each release's default platform")


def acting(sub: ArgumentParser) -> None:
    """For a verb that acts: without a selection it refuses."""
    flags(sub, "at least one of --framework, --version, --gpu, --cpu, --all and --only", "instead of the default one")
    sub.set_defaults(must_select=True)


def nightly(sub: ArgumentParser) -> None:
    """For a verb that takes every platform unless one is named."""
    flags(sub, "without any of these: every row on every platform", "this platform only")
    sub.set_defaults(platform=EVERY_PLATFORM)


def every_platform(sub: ArgumentParser) -> None:
    """For a verb that writes or judges committed files and published images, which are whole or wrong."""
    flags(sub, "without any of these: every row; this verb always takes every platform", "has no effect here")
    sub.set_defaults(every_platform=True)


def flags(sub: ArgumentParser, nothing: str, platform: str) -> None:
    """The flags; `nothing` says what no selection means, and `platform` what naming one does."""
    group = sub.add_argument_group("selection", nothing)
    group.add_argument("--framework", metavar="NAME", help="the default framework unless another is named")
    group.add_argument(
        "--version",
        action="append",
        dest="versions",
        default=[],
        metavar="V",
        help="1.6 means 1.6.x; repeatable (default: the framework's default version)",
    )
    device = group.add_mutually_exclusive_group()
    device.add_argument("--gpu", action="store_const", const="gpu", dest="device", help="only the GPU images")
    device.add_argument("--cpu", action="store_const", const="cpu", dest="device", help="only the CPU images")
    where = group.add_mutually_exclusive_group()
    where.add_argument("--platform", metavar="NAME", help=platform)
    where.add_argument(
        "--all-platforms",
        action="store_const",
        const=EVERY_PLATFORM,
        dest="platform",
        help="every platform; `--platform any` means the same",
    )
    group.add_argument("--all", action="store_true", help="every row, and not the default version alone")
    text = "images whose name matches, like '1.*-gpu-*', or '*-debian12' for another platform; repeatable"
    group.add_argument("--only", action="append", default=[], metavar="GLOB", help=text)
    group.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="but not these; repeatable")
